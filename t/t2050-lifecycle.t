#!/bin/sh
# Containers that end and others that take their place: no value of the old one
# is shown for the new one.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool fsop fdpass burn
daemon_start

total() {
	ct_exec "$1" sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo
}

# The same name is the same cgroup path, with another limit each time.
for mb in 64 96 128 64 200; do
	before=$(cut -d' ' -f1 /proc/uptime)
	ct_start again mem=${mb}M cpus=0
	is "$(total again)" $((mb * 1024)) "a new container of $mb MB in the cgroup of the old"
	up=$(ct_exec again cut -d' ' -f1 /proc/uptime)
	between 0 "$up" "$(awk -v b="$before" '{ print $1 - b + 0.02; exit }' /proc/uptime)" 'its uptime is its own'
	busy=$(ct_exec again awk '$1 == "cpu" { print $2 + $3 + $4 }' /proc/stat)
	between 0 "$busy" $(($(cg_cpu_usec again) / 10000)) 'its CPU times are its own'
	ct_exec again "$TOOL/burn" user 200
	between 8 "$(ct_exec again awk '$1 == "cpu" { print $2 + $3 + $4 }' /proc/stat)" $(($(cg_cpu_usec again) / 10000 + 1)) \
		'and count what it does'
	ct_stop again
done

# Two that live, one that ends.
ct_start stays mem=160M cpus=0
ct_start goes mem=80M cpus=0
is "$(total goes)" 81920 'the one that will end'
ct_stop goes
is "$(total stays)" 163840 'the other is not disturbed'

# A descriptor that outlives its container.
ct_start gone mem=72M cpus=0
"$TOOL/fdpass" recv "$TMP/socket" r9 p0,8 >"$TMP/received" 2>&1 &
receiver=$!
ct_exec gone "$TOOL/fdpass" send "$TMP/socket" /proc/meminfo
wait "$receiver"
is "$(cat "$TMP/received")" 'MemTotal:MemTotal' 'a descriptor taken out of the container can be read'
mkfifo "$TMP/later"
"$TOOL/fdpass" recv "$TMP/socket2" "w$TMP/later" p0,8 >"$TMP/received" 2>&1 &
receiver=$!
ct_exec gone "$TOOL/fdpass" send "$TMP/socket2" /proc/meminfo r20 >/dev/null
ct_stop gone
echo >"$TMP/later"
wait "$receiver"
is "$(cat "$TMP/received")" MemTotal 'also after the container is gone'

# A reader in the container when pid 1 dies ends with it, and the daemon goes on.
ct_start dies mem=88M cpus=0
ct_exec dies sh -c 'while :; do cat /proc/meminfo /proc/stat /proc/uptime; done' >/dev/null 2>&1 &
reader=$!
sleep 0.3
ct_stop dies
ok 'readers of a container that is killed end' wait_until gone "$reader"
wait "$reader" 2>/dev/null
is "$(total stays)" 163840 'the daemon goes on'

# Many in a row, as a build farm has them.
bad=
for i in $(seq 1 15); do
	ct_start row mem=$((60 + i))M cpus=0
	[ "$(total row)" = $(((60 + i) * 1024)) ] || bad="$bad $i"
	ct_stop row
done
is "$bad" '' 'fifteen in a row'
ct_stop stays
daemon_stop
done_testing
