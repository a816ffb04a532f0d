#!/bin/sh
# Another binary takes over in place: under load, again and again, and when it is
# one that cannot.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
. "$T_DIR/lib-crash.sh"
need_fuse
need_cgroups
need_tool vigil fsop

# A place of its own, to install into.
mkdir "$TMP/bin"
real=$TMP/bin/real
cp "$EVLXCFS_BIN" "$real"
EVLXCFS_BIN=$TMP/bin/evlxcfs

# install_copy: as a package manager does, never a moment without a file.
install_copy() {
	cp "$real" "$TMP/bin/new"
	mv "$TMP/bin/new" "$EVLXCFS_BIN"
}

install_script() {
	{
		echo '#!/bin/sh'
		cat
	} >"$TMP/bin/new"
	chmod 755 "$TMP/bin/new"
	mv "$TMP/bin/new" "$EVLXCFS_BIN"
}

# told COUNT TEXT: the log has the text so many times.
told() {
	[ "$(grep -c -e "$2" "$DAEMON_LOG")" -ge "$1" ]
}

descriptors() {
	readlink /proc/"$1"/fd/* | sed 's/[0-9]*\]$/]/' | sort | uniq -c
}

install_copy
daemon_start --pidfile="$TMP/pid"
fleet_make
"$TOOL/fsop" fd "$MNT/proc/meminfo" r8 >/dev/null

# Once, to compare with.
kill -HUP "$DAEMON_PID"
ok 'a binary takes over on HUP' wait_until told 1 'goes on with the mount'
before=$(descriptors "$DAEMON_PID")

time=$(seconds "$(at_length 30 12)" 40)
fleet_start "$time"
fleet_stop_at=$(($(cut -d. -f1 /proc/uptime) + time - 2))
sent=0
while [ "$(cut -d. -f1 /proc/uptime)" -lt "$fleet_stop_at" ]; do
	install_copy
	kill -HUP "$DAEMON_PID"
	sleep "$(seconds 0.2 2)"
	kill -USR1 "$DAEMON_PID"
	sleep "$(seconds 0.2 2)"
	sent=$((sent + 2))
done
done=$(grep -c 'goes on with the mount' "$DAEMON_LOG")
diag "$sent signals, $done upgrades"
# A build with sanitizers takes longer for each.
least=$((sent / 3))
! sanitized || least=$((sent / 10))
between "$least" "$done" $((sent + 1)) 'binaries took over all the time'
fleet_check upgrades
ok 'the process is the same' alive "$DAEMON_PID"
is "$(cat "$TMP/pid")" "$DAEMON_PID" 'the pidfile tells it'
is "$(mount_count "$MNT")" 1 'it is mounted once'
is "$(wc -c <"$t_ready")" 1 'readiness was told once'
settled() {
	[ "$(descriptors "$DAEMON_PID")" = "$before" ]
}
ok 'the keeper holds the same descriptors as after one' wait_until settled ||
	diag "before: $before" "after: $(descriptors "$DAEMON_PID")"

# What survives.
mkfifo "$TMP/step"
exec 7<>"$TMP/step"
(
	exec 5<"$MNT/proc/meminfo"
	dd bs=100 count=1 <&5 2>/dev/null
	read -r x <&7
	cat <&5
) >"$TMP/pieces" &
reader=$!
wait_until test -s "$TMP/pieces"
n=$(grep -c 'goes on with the mount' "$DAEMON_LOG")
kill -HUP "$DAEMON_PID"
ok 'an upgrade while a file is half read' wait_until told $((n + 1)) 'goes on with the mount'
echo >&7
wait "$reader"
is "$(sed 's/[0-9][0-9]*/0/; s/  */ /' "$TMP/pieces" | head -n 20)" \
	"$(sed 's/[0-9][0-9]*/0/; s/  */ /' "$MNT/proc/meminfo" | head -n 20)" 'the other half fits'

total() {
	ct_exec c1 sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo
}
host=$(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)
is "$(total)" 131072 'a container sees its own'
kill -USR2 "$DAEMON_PID"
sees() {
	[ "$(total)" = "$1" ]
}
ok "on USR2 it sees the host's" wait_until sees "$host"
kill -KILL "$(worker)"
is "$(total)" "$host" 'also after a crash'
kill -HUP "$DAEMON_PID"
ok 'and an upgrade' wait_until told $((n + 2)) 'goes on with the mount'
is "$(total)" "$host" 'it still does'
kill -USR2 "$DAEMON_PID"
ok 'until USR2 comes again' wait_until sees 131072

# A binary that cannot take over, and readers who must not notice.
n=0
cannot() {
	n=$((n + 1))
	kill -HUP "$DAEMON_PID"
	ok "$1: the old one says so" wait_until told "$n" 'not upgraded'
	is "$(total)" 131072 "$1: and goes on"
}
fleet_start 1000
rm "$EVLXCFS_BIN"
cannot 'no binary'
: >"$EVLXCFS_BIN"
cannot 'a file that cannot be executed'
head -c 20000 "$real" >"$EVLXCFS_BIN"
chmod 755 "$EVLXCFS_BIN"
cannot 'half a binary'
echo 'no program at all' >"$EVLXCFS_BIN"
cannot 'a text'
install_script </dev/null
cannot 'a program that is something else'
echo 'kill -SEGV $$' | install_script
cannot 'one that crashes'
echo 'echo "evlxcfs: no" >&2; exit 111' | install_script
cannot 'one that fails'
echo 'echo evlxcfs 2.0 journal 2; sleep 1000' | install_script
cannot 'one that hangs'
is "$(t_marked | while read -r p; do grep -l 'sleep 1000' "/proc/$p/cmdline" 2>/dev/null; done)" '' 'none is left'
# Replaced between the trial and its use: what is executed is what was tried.
install_script <<'SCRIPT'
cp "$0" "$0.new"; echo 'exit 1' >"$0.new"; mv "$0.new" "$0"
echo evlxcfs 2.0 journal 2
SCRIPT
cannot 'one that is replaced while it is tried'
# Replaced after that, while the worker is told to leave and does not hear it. An older binary,
# which tells nothing of its block, starts no worker beside the old one.
install_script <<SCRIPT
[ "\$1" != --check ] || { echo evlxcfs 0.1.0 journal 2; exit; }
exec $real "\$@"
SCRIPT
kill -STOP "$(worker)"
kill -HUP "$DAEMON_PID"
ending() {
	[ -z "$(pgrep -P "$DAEMON_PID" -x evlxcfs)" ]
}
sleep 1
ok 'the trial has ended' wait_until ending
install_script </dev/null
n=$((n + 1))
ok 'one that is replaced after the trial: the old one says so' wait_until told "$n" 'not upgraded'
is "$(total)" 131072 'one that is replaced after the trial: and goes on'
# One that understands nothing of what was read: all is answered before.
install_script <<SCRIPT
[ "\$1" != --check ] || { echo evlxcfs 2.0 journal 99; exit; }
exec $real "\$@"
SCRIPT
m=$(grep -c 'goes on with the mount' "$DAEMON_LOG")
kill -HUP "$DAEMON_PID"
ok 'one with another journal' wait_until told $((m + 1)) 'goes on with the mount'
fleet_stop
fleet_check 'failed upgrades'
is "$(mount_count "$MNT")" 1 'it is mounted once'
daemon_stop
nok 'the pidfile is gone' test -e "$TMP/pid"

# A good binary that would not find the mountpoint.
install_copy
mkdir -p "$TMP/old/mnt"
daemon_start_at "$TMP/old/mnt"
mv "$TMP/old" "$TMP/new"
kill -HUP "$DAEMON_PID"
ok 'the mountpoint has moved: the old one says so' wait_until told 1 'not upgraded'
is "$(head -c 8 "$TMP/new/mnt/proc/meminfo")" MemTotal 'the mountpoint has moved: and goes on'
mv "$TMP/new" "$TMP/old"
daemon_stop
done_testing
