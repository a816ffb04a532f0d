#!/bin/sh
# A container with a delegated tree switches a controller of 200 children on and off,
# which holds the lock of all cgroups: another container's readers are not held up
# where a helper reads /proc/PID/cgroup.
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool contend
[ "$CG_VER_memory" = 2 ] || skip_all "needs the memory controller in cgroup2 (found: $(cg_describe))"

seconds=${EVLXCFS_TEST_SECONDS:-5}
tree=$CG_TEST/tree
cg_mkdir "$tree"
for i in $(seq 1 200); do
	mkdir "$CG_V2/$tree/$i"
done
ct_start warm mem=128M nobind

# p99 READER: microseconds of the container's reads
p99() {
	daemon_start "--cgroup-reader=$1" >/dev/null
	quiet=$(ct_exec warm "$TOOL/contend" read "$MNT/proc/uptime" "$seconds")
	"$TOOL/contend" toggle "$CG_V2/$tree" memory $((seconds + 2)) >"$TMP/toggled" 2>&1 &
	toggler=$!
	sleep 1
	held=$(ct_exec warm "$TOOL/contend" read "$MNT/proc/uptime" "$seconds")
	wait "$toggler" || bail "toggle: $(cat "$TMP/toggled")"
	diag "$1: quiet $quiet, toggling $held ($(cat "$TMP/toggled") times; reads, p50, p99, max in us)"
	set -- $quiet
	quiet=$3
	set -- $held
	held=$3
}

p99 helper
isnt "$(cat "$TMP/toggled")" 0 'the controller was switched'
# The reader shares its CPUs with who switches: a few quiet p99s, not milliseconds.
between 1 "$held" $((quiet * 3 + 2000)) 'another p99 does not follow'
is "$(ct_exec warm sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' "$MNT/proc/meminfo")" 131072 'and the answers are right'
daemon_stop
p99 loop
daemon_stop
ct_stop warm
rmdir "$CG_V2/$tree"/[0-9]*
cg_remove "$tree"
done_testing
