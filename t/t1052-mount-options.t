#!/bin/sh
# The mount as the host's tools see it: its name and type, and -o.
# run: together
. "$(dirname "$0")/lib.sh"
need_fuse
need_tool fsop fdstore
need_command findmnt df

# field COLUMN: of findmnt(8), which reads mountinfo.
field() {
	findmnt -n -o "$1" -M "$MNT"
}
has() {
	case ,$(field "$1"), in
	*,"$2",*) ;;
	*) return 1 ;;
	esac
}

daemon_start
is "$(field SOURCE,FSTYPE | tr -s ' ')" 'lxcfs fuse.lxcfs' 'name and type are those of lxcfs'
is "$(findmnt --real -n -o TARGET -M "$MNT")" '' 'findmnt --real leaves it out'
ok 'findmnt has it otherwise' findmnt -M "$MNT"
is "$(df --output=source,fstype,target "$MNT" | tail -n 1 | tr -s ' ')" "lxcfs fuse.lxcfs $MNT" 'df by its path has it'
unlike "$(df 2>/dev/null)" "$MNT" 'df leaves it out'
for flag in rw nosuid nodev noexec relatime; do
	ok "by default: $flag" has VFS-OPTIONS $flag
done
daemon_stop

daemon_start -o fsname=shown,subtype=other,ro,noatime,suid -o dev,exec,nodev
is "$(field SOURCE,FSTYPE | tr -s ' ')" 'shown fuse.other' 'fsname= and subtype='
for flag in ro noatime nodev; do
	ok "-o: $flag" has VFS-OPTIONS $flag
done
for flag in rw nosuid noexec relatime; do
	nok "-o: not $flag" has VFS-OPTIONS $flag
done
is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal 'it serves'
daemon_stop
daemon_start -o ro,rw,,nosuid --enable-psi-poll
ok '-o ro,rw: the later one counts' has VFS-OPTIONS rw
ok 'also for the superblock' has FS-OPTIONS rw
daemon_stop
daemon_start -o ro --enable-psi-poll
is "$(findmnt -n -o VFS-OPTIONS,FS-OPTIONS -M "$MNT" | tr ' ' '\n' | grep -c '^ro,')" 2 '-o ro with --enable-psi-poll: read-only'
daemon_stop

# As lxcfs takes them.
daemon_start -o allow_other,direct_io,entry_timeout=0.5,attr_timeout=0.5,nonempty -o defaults,default_permissions
is "$(field SOURCE,FSTYPE | tr -s ' ')" 'lxcfs fuse.lxcfs' "lxcfs's own options are accepted"
daemon_stop

mkdir "$TMP/other"
# refused WORD NAMED: exit 100 with a line that has it.
refused() {
	status=0
	timeout 10 "$EVLXCFS_BIN" -o "$1" "$TMP/other" >"$TMP/err" 2>&1 </dev/null || status=$?
	is "$status $(wc -l <"$TMP/err")" '100 1' "-o $1: refused with one line"
	like "$(cat "$TMP/err")" "-o: .*'$2'" "-o $1: the line names it"
	nok "-o $1: nothing is mounted" is_mounted "$TMP/other"
}
refused nonsense nonsense
refused ro,nonsense=1,nosuid nonsense=1
refused ro=1 ro=1
refused r r
refused allow_root allow_root
refused fsname fsname
refused fsname= fsname=
refused subtype=,ro subtype=
refused "subtype=$(printf '%080d' 1)" "subtype=$(printf '%080d' 1)"

# --- the name of older versions
old='-o fsname=evlxcfs,subtype=evlxcfs'
# shellcheck disable=SC2086 # two words
daemon_start $old
is "$(field SOURCE,FSTYPE | tr -s ' ')" 'evlxcfs fuse.evlxcfs' 'the name of older versions'
daemon_kill
is "$("$TOOL/fsop" open rdonly "$MNT/proc/meminfo")" ENOTCONN 'a dead mount of that name'
daemon_start_at "$MNT"
is "$(mount_count "$MNT")" 1 'is detached at the next start'
is "$(field FSTYPE)" fuse.lxcfs 'and another takes its place'
daemon_stop

# A supervisor keeps the connection, and starts a daemon with the other name on it.
mkdir "$TMP/super"
mkfifo "$TMP/super/in"
# shellcheck disable=SC2016 # the script's own
printf '#!/bin/sh\nexec "%s" $(cat "%s") "$@"\n' "$EVLXCFS_BIN" "$TMP/names" >"$TMP/run"
chmod 755 "$TMP/run"
logged() {
	[ "$(grep -c -e "$2" "$TMP/super/log" 2>/dev/null)" -ge "$1" ]
}
# shellcheck disable=SC2086 # two words
printf '%s\n' $old >"$TMP/names"
"$TOOL/fdstore" "$TMP/super" "$TMP/run" --keep-mount "$MNT" <"$TMP/super/in" >"$TMP/super/err" 2>&1 &
super=$!
exec 6>"$TMP/super/in"
echo start >&6
ok 'a daemon of the older name, its connection kept' wait_until logged 1 '^READY=1'
for name in '' '-o subtype=third'; do
	read -r DAEMON_PID <"$TMP/super/pid"
	echo "$DAEMON_PID" >>"$TMP/daemons"
	kill -TERM "$DAEMON_PID"
	count=$(grep -c '^READY=1' "$TMP/super/log")
	wait_until logged "$count" '^ended 0'
	echo "$name" >"$TMP/names"
	echo start >&6
	ok "started anew, '$name'" wait_until logged $((count + 1)) '^READY=1'
	is "$(mount_count "$MNT") $(field FSTYPE)" '1 fuse.evlxcfs' 'it knows the mount and makes no other'
	is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal 'and serves'
done
read -r DAEMON_PID <"$TMP/super/pid"
echo "$DAEMON_PID" >>"$TMP/daemons"
kill -TERM "$DAEMON_PID"
wait_until logged 3 '^ended 0'
exec 6>&-
wait "$super"
umount "$MNT"
done_testing
