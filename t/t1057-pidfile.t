#!/bin/sh
# The pidfile: who has it, who takes it over, and the one of lxcfs.
# run: together
#
# In a mount namespace of its own, for what has a fixed name.
if [ "$(id -u)" = 0 ] && [ -z "${EVLXCFS_TEST_OWN_MOUNTS:-}" ]; then
	EVLXCFS_TEST_OWN_MOUNTS=$$ exec unshare --mount --propagation private sh "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
need_fuse
need_command perl

file=$TMP/pid
mkdir "$TMP/other"
# refused NAME NAMED OPTION...: exit 111 with one line, which has NAMED.
refused() {
	name=$1 want=$2 status=0
	shift 2
	timeout 10 "$EVLXCFS_BIN" "$@" "$TMP/other" >"$TMP/err" 2>&1 </dev/null || status=$?
	is "$status $(wc -l <"$TMP/err")" '111 1' "$name: exit 111 with one line" || diag "$(cat "$TMP/err")"
	like "$(cat "$TMP/err")" "$want" "$name: the line names it"
	nok "$name: nothing is mounted" is_mounted "$TMP/other"
}
# The processes that hold a lock of fcntl(2) on a file, as the kernel tells it.
holders() {
	awk -v i=":$(stat -c %i "$1")" '$2 == "POSIX" && $4 == "WRITE" && substr($6, length($6) - length(i) + 1) == i { print $5 }' /proc/locks
}
told() {
	[ "$(grep -c -e "$2" "$DAEMON_LOG")" -ge "$1" ]
}

# --- one daemon for a file
daemon_start -p "$file"
first=$DAEMON_PID
is "$(cat "$file")" "$first" 'it holds the process id'
is "$(holders "$file")" "$first" 'which has it locked'
is "$(ls -l /proc/"$(daemon_worker)"/fd | grep -c "$file")" 0 'the worker does not have it open'
refused 'a second daemon' "$file: process $first holds it" -p "$file"
is "$(cat "$file")" "$first" 'the file is what it was'
is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal 'the first serves on'
status=0
out=$("$EVLXCFS_BIN" --check -p "$file" "$TMP/other") || status=$?
is "$status" 111 '--check: exit 111'
like "$out" "^pidfile $file: process $first holds it\$" '--check: it says why'
is "$(holders "$file")" "$first" 'nothing of that has cost the lock'

# --- an upgrade
cat >"$TMP/try.pl" <<'PERL'
use Fcntl;
# struct flock of Linux: type, whence, start, length, pid.
my $all = pack('s s x![q] q q i x![q]', F_WRLCK, 0, 0, 0, 0);
my $got = 0;
open(my $file, '+<', $ARGV[0]) or die;
until (-e $ARGV[1]) {
	my $lock = $all;
	$got++ if fcntl($file, F_SETLK, $lock);
}
print "$got\n";
PERL
perl "$TMP/try.pl" "$file" "$TMP/stop" >"$TMP/got" &
trier=$!
for round in 1 2 3; do
	n=$(grep -c 'goes on with the mount' "$DAEMON_LOG")
	kill -HUP "$first"
	ok "an upgrade ($round)" wait_until told $((n + 1)) 'goes on with the mount'
done
: >"$TMP/stop"
wait "$trier"
is "$(cat "$TMP/got")" 0 'nobody gets the lock meanwhile'
is "$(holders "$file") $(cat "$file")" "$first $first" 'the same process has it'
refused 'a second daemon after an upgrade' "process $first holds it" -p "$file"

# --- one after the other, without a pause: each waits for the one before
for round in 1 2 3 4 5; do
	old=$DAEMON_PID
	kill -TERM "$old"
	wait_until eval '! is_mounted "$MNT"'
	daemon_start_at "$MNT" -p "$file"
	is "$(cat "$file") $(holders "$file")" "$DAEMON_PID $DAEMON_PID" "started when the one before was told to end ($round)"
done
daemon_stop
nok 'the pidfile is gone' test -e "$file"

# --- what dead daemons leave
daemon_start -p "$file"
old=$DAEMON_PID
daemon_kill
is "$(cat "$file")" "$old" 'a daemon that was killed leaves the file'
daemon_start_at "$MNT" -p "$file"
is "$(cat "$file")" "$DAEMON_PID" 'the next one takes it over'
daemon_stop
echo 999999999999 >"$file"
daemon_start -p "$file"
is "$(cat "$file")" "$DAEMON_PID" 'a longer text is replaced'
# A script removes the file of a daemon that lives.
rm "$file"
old=$DAEMON_PID old_log=$DAEMON_LOG old_mnt=$MNT
daemon_start -p "$file"
new=$DAEMON_PID new_log=$DAEMON_LOG new_mnt=$MNT
DAEMON_PID=$old DAEMON_LOG=$old_log MNT=$old_mnt
daemon_stop
is "$(cat "$file")" "$new" 'the end of one whose file was removed leaves the next one alone'
DAEMON_PID=$new DAEMON_LOG=$new_log MNT=$new_mnt
daemon_stop

# --- files that are none
: >"$TMP/plain"
status=0
"$EVLXCFS_BIN" -p "$file" "$TMP/plain" 2>/dev/null || status=$?
is "$status $(test -e "$file" || echo gone)" '111 gone' 'a start that fails leaves no file'
mkfifo "$TMP/fifo"
refused 'a fifo' 'fifo: not a regular file' -p "$TMP/fifo"
refused '/dev/null' '/dev/null: not a regular file' -p /dev/null
ok 'which is what it was' test -c /dev/null
ln -s "$TMP/plain" "$TMP/link"
refused 'a link' 'link: Too many levels of symbolic links' -p "$TMP/link"
refused 'a directory' 'Is a directory' -p "$TMP"
refused 'a directory that is not there' 'No such file' -p "$TMP/none/pid"

# --- in lxcfs's place
mount -t tmpfs run /run
ln -s "$EVLXCFS_BIN" "$TMP/lxcfs"
cp "$EVLXCFS_BIN" "$TMP/daemon"
ln -s daemon "$TMP/evlxcfs"
bin=$EVLXCFS_BIN
EVLXCFS_BIN=$TMP/evlxcfs
daemon_start
nok 'another name: no pidfile' test -e /run/lxcfs.pid
daemon_stop
ln -sf daemon "$TMP/lxcfs"
EVLXCFS_BIN=$TMP/lxcfs
daemon_start
is "$(cat /run/lxcfs.pid)" "$DAEMON_PID" "the name lxcfs: lxcfs's pidfile"
refused 'a second of that name' '/run/lxcfs.pid: process'
is "$(cat "/proc/$DAEMON_PID/comm")" lxcfs 'tools find it by the name'
kill -USR1 "$DAEMON_PID"
ok 'an upgrade' wait_until told 1 'goes on with the mount'
is "$(cat "/proc/$DAEMON_PID/comm")" lxcfs 'also afterwards'
is "$(holders /run/lxcfs.pid)" "$DAEMON_PID" 'which has the lock'
if command -v lxcfs >/dev/null; then
	mkdir "$TMP/theirs"
	out=$(timeout 10 lxcfs -f "$TMP/theirs" 2>&1)
	like "$out" 'already locked' 'the real lxcfs refuses, too'
	[ -e /run/lxcfs.pid ] || diag 'it removes the file all the same'
else
	skip 1 'needs lxcfs'
fi
daemon_stop
daemon_start -p "$TMP/mine"
is "$(cat "$TMP/mine") $(test -e /run/lxcfs.pid || echo none)" "$DAEMON_PID none" '-p names another'
daemon_stop
EVLXCFS_BIN=$bin

# Debian's init script, as it comes with lxcfs.
init=/etc/init.d/lxcfs
if [ -x $init ] && [ -d /var/lib/lxcfs ] && [ -x /usr/bin/lxcfs ] && command -v start-stop-daemon >/dev/null; then
	mount --bind "$TMP/daemon" /usr/bin/lxcfs
	# It is not everywhere that root may spare a process.
	if ! (echo -1000 >/proc/self/oom_score_adj) 2>/dev/null; then
		sed 's/^OOM_SCORE_ADJ=.*/OOM_SCORE_ADJ=0/' $init >"$TMP/init"
		mount --bind "$TMP/init" $init
		chmod 755 "$TMP/init"
	fi
	MNT=/var/lib/lxcfs
	served() {
		[ "$(head -c 8 "$MNT/proc/meminfo" 2>/dev/null)" = MemTotal ]
	}
	ended() {
		gone "$pid" && ! is_mounted "$MNT"
	}
	ok 'init script: start' $init start
	ok 'init script: it serves' wait_until served
	pid=$(cat /run/lxcfs.pid)
	echo "$pid" >>"$TMP/daemons"
	ok 'init script: status' $init status
	is "$(findmnt -n -o SOURCE,FSTYPE -M "$MNT" | tr -s ' ')" 'lxcfs fuse.lxcfs' 'init script: the mount that it looks for'
	ok 'init script: start again' $init start
	is "$(cat /run/lxcfs.pid) $(mount_count "$MNT")" "$pid 1" 'init script: changes nothing'
	ok 'init script: reload' $init reload
	ok 'init script: stop' $init stop
	ok 'init script: it has ended' wait_until ended
	nok 'init script: the pidfile is gone' test -e /run/lxcfs.pid
	$init start >/dev/null
	ok 'init script: start after stop' wait_until served
	pid=$(cat /run/lxcfs.pid)
	echo "$pid" >>"$TMP/daemons"
	# Both processes die; the script cleans up what they have left.
	family=$(daemon_pids "$pid")
	kill -STOP $family
	kill -KILL $family
	# start-stop-daemon takes a zombie for alive: init has to see its end.
	for pid in $family; do
		wait_until test ! -e "/proc/$pid"
	done
	# The script takes a mount in which there is proc for another's.
	wait_until test ! -d "$MNT/proc"
	ok 'init script: start after a crash' $init start
	ok 'init script: it serves' wait_until served
	pid=$(cat /run/lxcfs.pid)
	echo "$pid" >>"$TMP/daemons"
	ok "init script: the pidfile of the dead one is the new one's" alive "$pid"
	umount "$MNT"
	ok 'init script: umount ends it' wait_until ended
	umount /usr/bin/lxcfs
	! is_mounted $init || umount $init
else
	skip 15 "needs Debian's package lxcfs"
fi
umount /run
done_testing
