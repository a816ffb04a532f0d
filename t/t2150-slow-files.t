#!/bin/sh
# A sysfs file whose read sleeps holds up its own reader and nobody else: a FIFO that nobody
# writes to stands in for it.
# The stand-in is mounted where only this test and its daemon see it.
if [ -z "${T_OWN_MOUNTS-}" ]; then
	T_OWN_MOUNTS=1 exec unshare -m "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_tool fsop

cpufreq=/sys/devices/system/cpu/cpufreq
[ -d "$cpufreq" ] || skip_all "this kernel has no $cpufreq to mount on"
mount -t tmpfs none "$cpufreq"
mkdir "$cpufreq/policy0"
mkfifo "$cpufreq/policy0/scaling_cur_freq"
echo 1234567 >"$cpufreq/policy0/scaling_max_freq"
mkdir "$cpufreq/policy0/stats"

# Writes to whoever reads the FIFO.
feed() {
	timeout 20 sh -c 'echo "$1" >"$2"' - "$1" "$cpufreq/policy0/scaling_cur_freq"
}

daemon_start
ct_start a mem=64M
ct_start b mem=128M
# As the container sees them.
tree=/sys/devices/system/cpu
slow=$tree/cpufreq/policy0/scaling_cur_freq

is "$(ct_exec a cat "$tree/cpufreq/policy0/scaling_max_freq")" 1234567 'a file that may be slow and is not'
is "$(ct_exec a "$TOOL/fsop" fd "$tree/cpufreq/policy0/scaling_max_freq" r3 p2,3 p0,100)" "123345"1234567 'in pieces'
is "$(ct_exec a cat "$tree/cpufreq/policy0/stats" 2>&1)" "cat: $tree/cpufreq/policy0/stats: Is a directory" 'a directory there'

ct_exec a cat "$slow" >"$TMP/one" 2>&1 &
one=$!
ct_exec b cat "$slow" >"$TMP/two" 2>&1 &
two=$!
sleep 0.5
# Nothing is promised about how long a read takes, but it must not be as long as the FIFO
# has no writer, which is for ever.
is "$(ct_exec b timeout 20 awk '/MemTotal/ { print $2 }' /proc/meminfo)" 131072 'another container reads meanwhile'
is "$(ct_exec a timeout 20 awk '/MemTotal/ { print $2 }' /proc/meminfo)" 65536 'so does the same one'
ok 'the slow readers still wait' kill -0 "$one" "$two"
feed 42000
wait "$one"
is "$(cat "$TMP/one")" 42000 'the first gets what is written'
# The second came while that was being read: it is read anew for it.
feed 43000
wait "$two"
is "$(cat "$TMP/two")" 43000 'the second gets what is written later'

# One that gives up.
ct_exec a timeout -s KILL 1 cat "$slow" >/dev/null 2>&1
isnt "$?" 0 'a reader can be killed'
is "$(ct_exec b timeout 20 awk '/MemTotal/ { print $2 }' /proc/meminfo)" 131072 'and others go on'

# One that is never written: an error, not a wait for ever.
like "$(ct_exec b cat "$slow" 2>&1)" 'Input/output error' 'a read that does not end is an error after a while'
is "$(ct_exec b timeout 20 cat "$tree/cpufreq/policy0/scaling_max_freq")" 1234567 'other such files are still read'

ct_stop a
ct_stop b
daemon_stop
done_testing
