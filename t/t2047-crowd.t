#!/bin/sh
# Hundreds of readers of one container delay another's by no more than a few do: every request
# that waits is read, and containers take turns among all of them.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
. "$T_DIR/lib-crash.sh"
need_fuse
need_cgroups
need_command strace
need_tool crowd crash
crowd=$(seconds 800 300)

# readers COUNT GO UP FILE: each opens the file, adds a line to UP, and reads when nobody has
# the fifo GO open for writing any more.
cat >"$TMP/readers" <<'END'
exec 3<"$2" 4>>"$3"
for i in $(seq "$1"); do
	{
		echo up >&4
		read -r nothing <&3
		exec head -n 1 3<&- 4>&-
	} <"$4" &
done
wait
END

# wait_in CONTAINER COUNT: the readers have their files open.
wait_in() {
	rm -f "$TMP/go-$1" "$TMP/up-$1"
	mkfifo "$TMP/go-$1"
	{
		exec 7>&- 8>&-
		ct_exec "$1" sh "$TMP/readers" "$2" "$TMP/go-$1" "$TMP/up-$1" /proc/meminfo
	} >"$TMP/out-$1" 2>&1 &
	eval "$1=$!"
	case $1 in
	many) exec 7>"$TMP/go-$1" ;;
	few) exec 8>"$TMP/go-$1" ;;
	esac
	ok "$1: files are open" wait_until are_up "$1" "$2"
}

are_up() {
	[ -e "$TMP/up-$1" ] && [ "$(wc -l <"$TMP/up-$1")" = "$2" ]
}

waiting() {
	[ "$(fuse_waiting)" = "$1" ]
}

each_once() {
	is "$(grep -c '^MemTotal: *[0-9]* kB$' "$TMP/out-many")" "$crowd" 'each of the many has one answer'
	is "$(grep -c '^MemTotal: *[0-9]* kB$' "$TMP/out-few")" 1 'and so has the one'
}

# each_own CONTAINER KB: where a helper finds out whose a process is, PARK_QUOTA of
# daemon/server.h wait for it, and the others get the host's file.
each_own() {
	others=
	! grep -q 'does not support NS_GET_PID_FROM_PIDNS' "$DAEMON_LOG" || others=$(grep MemTotal: /proc/meminfo)
	is "$(awk -v kb="$2" -v others="$others" '$2 != kb && $0 != others' "$TMP/out-$1")" '' "$1: by their own limit${others:+, or the host}"
}

locked() {
	sed -n 's/^VmLck:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$(worker)/status"
}

# --- the order in which they are served

daemon_start --watchdog=60 --cgroup-reader=loop
small=$(locked)
ct_start many mem=256M
ct_start few mem=192M
wait_in many "$crowd"
wait_in few 1
worker=$(worker)
strace -e trace=readlinkat,writev -o "$TMP/trace" -p "$worker" 2>"$TMP/strace" 7>&- 8>&- &
strace=$!
ok 'strace is there' wait_until grep -q attached "$TMP/strace"
kill -STOP "$worker"
exec 7>&-
ok "$crowd readers of one container wait" wait_until waiting "$crowd"
exec 8>&-
ok 'and then one of another' wait_until waiting $((crowd + 1))
kill -CONT "$worker"
wait "$many" "$few"
grown=$(locked)
kill -INT "$strace"
wait "$strace" 2>/dev/null
each_once
each_own many 262144
each_own few 196608
ns=$(readlink "/proc/$(ct_pid few)/ns/cgroup")
grep ns/cgroup "$TMP/trace" >"$TMP/served"
between $((crowd + 1)) "$(wc -l <"$TMP/served")" $((2 * crowd)) 'everybody was asked for a namespace'
# 4 are served whenever 256 were read, and up to 31 before it shows that so many wait.
between 1 "$(grep -n -F "$ns" "$TMP/served" | head -n 1 | cut -d : -f 1)" 60 'the one who came last is served among the first'

if sanitized; then
	skip 1 'AddressSanitizer makes mlock(2) do nothing'
else
	between $((small + 64)) "$grown" 8192 'the journal has grown by units, all of them locked'
fi

# --- the same while the worker is killed: whoever comes next knows them all
wait_in many "$crowd"
wait_in few 1
kill -STOP "$(worker)"
exec 7>&-
ok "$crowd readers wait once more" wait_until waiting "$crowd"
exec 8>&-
ok 'and one of another container' wait_until waiting $((crowd + 1))
kill -CONT "$(worker)"
crash 9 5 60 20
between 1 "$CRASHES" 20 'workers are killed meanwhile'
all_gone() {
	gone "$many" && gone "$few"
}
ok 'all are answered' wait_until all_gone
each_once
each_own many 262144
each_own few 196608

# --- memory
shrunk() {
	[ "$(locked)" = "$small" ]
}
ok 'when they are gone the journal is as small as before' wait_until shrunk
daemon_stop

# Where no more may be locked than the first unit.
if command -v setpriv >/dev/null && command -v prlimit >/dev/null; then
	real=$EVLXCFS_BIN
	printf '#!/bin/sh\nexec prlimit --memlock=65536:65536 setpriv --bounding-set -sys_resource,-ipc_lock %s "$@"\n' "$real" >"$TMP/limited"
	chmod 755 "$TMP/limited"
	EVLXCFS_BIN=$TMP/limited
	daemon_start
	"$TOOL/crowd" 300 4 "$MNT/proc/meminfo" >"$TMP/limited.out" 2>&1 &
	crowd_pid=$!
	said() {
		grep -q 'no more memory can be locked' "$DAEMON_LOG"
	}
	if sanitized; then
		skip 2 'AddressSanitizer makes mlock(2) do nothing'
	else
		ok 'a journal that cannot grow is told' wait_until said
		is "$(locked)" 64 'it has its first unit'
	fi
	is "$(timeout 20 head -c 8 "$MNT/proc/meminfo")" MemTotal 'the rest waits in the kernel'
	wait "$crowd_pid"
	like "$(cat "$TMP/limited.out")" '^ok [1-9][0-9]*$' 'and all are served'
	daemon_stop
else
	skip 1 'a journal that cannot grow: setpriv or prlimit is not installed'
fi
done_testing
