#!/bin/sh
# Memory is short: the kernel takes the worker, never the keeper, and the mount stays.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
. "$T_DIR/lib-crash.sh"
need_fuse
need_cgroups
need_tool alloc fsop
need_command setpriv
read -r own </proc/self/oom_score_adj
[ "$own" -le 800 ] || skip_all "this shell's own oom_score_adj is $own"
[ -n "$CG_VER_memory" ] || skip_all 'this kernel has no memory controller'

# Lowering it takes CAP_SYS_RESOURCE, which a host can keep from its root.
lowest=-1000
sh -c 'echo -1000 >/proc/self/oom_score_adj' 2>/dev/null || lowest=$own

serves() {
	[ "$(timeout 5 head -c 8 "$MNT/proc/meminfo" 2>/dev/null)" = MemTotal ]
}

told() {
	[ "$(grep -c -e "$2" "$DAEMON_LOG")" -ge "$1" ]
}

# values: oom_score_adj of keeper and worker.
values() {
	cat "/proc/$DAEMON_PID/oom_score_adj" "/proc/$(worker)/oom_score_adj" | paste -sd' '
}

# --- whom the kernel kills first
daemon_start
is "$(values)" "$lowest $((own + 100))" 'oom_score_adj: keeper -1000 where it may, worker 100 above the start'
kill -KILL "$(worker)"
ok 'a new worker serves' serves
is "$(values)" "$lowest $((own + 100))" 'oom_score_adj is the same after a crash'
kill -HUP "$DAEMON_PID"
ok 'another binary takes over' wait_until told 1 'goes on with the mount'
is "$(values)" "$lowest $((own + 100))" 'oom_score_adj is the same after an upgrade'
daemon_stop

EVLXCFS_WRAP='setpriv --bounding-set=-sys_resource'
daemon_start
EVLXCFS_WRAP=
is "$(values)" "$own $((own + 100))" 'without CAP_SYS_RESOURCE: the keeper keeps its value, the worker is above it'
daemon_stop
EVLXCFS_WRAP='choom -n 950 --'
if command -v choom >/dev/null; then
	daemon_start
	is "$(cat "/proc/$(worker)/oom_score_adj")" 1000 'the value ends at 1000'
	daemon_stop
else
	skip 1 'needs the program choom'
fi
EVLXCFS_WRAP=

# --- a memory limit on the daemon's cgroup
# It takes a keeper that no OOM killer takes, and so CAP_SYS_RESOURCE: where root lacks that, the
# 6.1 VM of t9000 has this part.
if [ "$lowest" != -1000 ]; then
	diag 'root lacks CAP_SYS_RESOURCE here: the rest runs in t9000'
	done_testing
	exit
fi
daemon_start
ct_start c1 mem=128M # switches the controllers on
ct_stop c1
daemon_stop
cage=$(cg_mount memory)/$T_MARK-cage
mkdir "$cage"
cage_empty() {
	rmdir "$cage" 2>/dev/null
	[ ! -d "$cage" ]
}
cage_remove() {
	wait_until cage_empty
}
cage_remove_check() {
	[ ! -d "$cage" ] || echo "cgroup left: $cage"
}
at_cleanup cage_remove

cat >"$TMP/inside" <<SCRIPT
echo \$\$ >"$cage/cgroup.procs"
exec "\$@"
SCRIPT
if [ "$CG_VER_memory" = 2 ]; then
	usage=memory.current limit=memory.max counts=memory.events swap=memory.swap.max
else
	usage=memory.usage_in_bytes limit=memory.limit_in_bytes counts=memory.oom_control swap=memory.swappiness
fi
# Where there is swap the limit would be reached later, or never.
[ ! -e "$cage/$swap" ] || echo 0 >"$cage/$swap"
kills() {
	sed -n 's/^oom_kill //p' "$cage/$counts"
}

# pressed NAME: a process that no OOM killer takes wants more than the limit, until two
# processes were killed for it.
pressed() {
	before=$(worker)
	killed=$(kills)
	echo "$(($(cat "$cage/$usage") + (8 << 20)))" >"$cage/$limit"
	(
		echo -1000 >/proc/self/oom_score_adj
		exec sh "$TMP/inside" "$TOOL/alloc" $((64 << 20)) <"$TMP/hold" >/dev/null 2>&1
	) &
	hog=$!
	more() {
		[ "$(kills)" -gt "$killed" ]
	}
	ok "$1: the limit is reached" wait_until more
	sleep 1
	head -c 8 "$MNT/proc/meminfo" >"$TMP/read" 2>&1 &
	reader=$!
	sleep 1
	kill -KILL "$hog"
	echo $((256 << 20)) >"$cage/$limit"
	ok "$1: the keeper lives" alive "$DAEMON_PID"
	ok "$1: a reader is answered" wait_until gone "$reader"
	is "$(cat "$TMP/read")" MemTotal "$1: with the file"
	isnt "$(worker)" "$before" "$1: by another worker"
	is "$(stat -c %d "$MNT/proc")" "$device" "$1: on the same mount"
	is "$(ct_exec c1 sed -n 's/^MemTotal: *//p' /proc/meminfo)" '131072 kB' "$1: a container reads on"
}

mkfifo "$TMP/hold"
exec 8<>"$TMP/hold"
EVLXCFS_WRAP="sh $TMP/inside"
daemon_start
EVLXCFS_WRAP=
ct_start c1 mem=128M
device=$(stat -c %d "$MNT/proc")
is "$(sort -n "$cage/cgroup.procs" | paste -sd' ')" "$(daemon_pids | sort -n | paste -sd' ')" 'the daemon is in the cgroup'
pressed 'a memory limit'
if [ -e "$cage/memory.oom.group" ]; then
	echo 1 >"$cage/memory.oom.group"
	pressed 'a memory limit that kills the group'
fi
daemon_stop
done_testing
