#!/bin/sh
# A sysfs file whose read sleeps holds up its own reader and nobody else: a FIFO that nobody
# writes to stands in for it.
# The stand-in is mounted where only this test and its daemon see it.
# run: alone
if [ -z "${T_OWN_MOUNTS-}" ]; then
	T_OWN_MOUNTS=1 exec unshare -m "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
. "$T_DIR/lib-sys.sh"
need_fuse
need_tool fsop

cpufreq=/sys/devices/system/cpu/cpufreq
sys_replace
mkdir "$cpufreq/policy0"
mkfifo "$cpufreq/policy0/scaling_cur_freq"
echo 1234567 >"$cpufreq/policy0/scaling_max_freq"
mkdir "$cpufreq/policy0/stats"

daemon_start
worker=$(daemon_worker)

# Descriptors of cpuinfo that the process has.
cpuinfo_of() {
	find "/proc/$1/fd" -lname '*/cpuinfo'
}
cpuinfo=$(cpuinfo_of "$worker")
like "$cpuinfo" '^/proc/[0-9]*/fd/[0-9]*$' 'cpuinfo is opened at the start'

ct_start a mem=64M
ct_start b mem=128M
# As the container sees them.
tree=/sys/devices/system/cpu
slow=$tree/cpufreq/policy0/scaling_cur_freq

# A read that takes five seconds is given up, and in an emulated machine they are over soon:
# what happens meanwhile is done by shells that are there already.

# shell_start TAG NAME: one in the container that prints the first line of every file it is told
shell_start() {
	mkfifo "$TMP/in-$1"
	: >"$TMP/out-$1"
	# shellcheck disable=SC2016
	ct_exec "$2" sh -c 'echo ready; while read -r file; do read -r line <"$file"; echo "$line"; done' \
		<"$TMP/in-$1" >"$TMP/out-$1" 2>&1 &
}

# ask TAG FILE, then wait_until answered TAG; the answer is in $line
ask() {
	: >"$TMP/out-$1"
	echo "$2" >"$TMP/in-$1"
}
answered() {
	read -r line <"$TMP/out-$1"
}

# Writes to whoever opens or reads the FIFO at the moment, and waits for nobody.
feed() {
	echo "$1" 1<>"$cpufreq/policy0/scaling_cur_freq"
}

# The worker has a child that stays, which no other helper does, and not the last such one.
slow_helper=
helper_waits() {
	read -r kids <"/proc/$worker/task/$worker/children"
	sleep 0.2
	read -r later <"/proc/$worker/task/$worker/children"
	for kid in $kids; do
		case " $later " in
		*" $slow_helper "*) ;;
		*" $kid "*)
			slow_helper=$kid
			return 0
			;;
		esac
	done
	return 1
}

is "$(ct_exec a cat "$tree/cpufreq/policy0/scaling_max_freq")" 1234567 'a file that may be slow and is not'
is "$(ct_exec a "$TOOL/fsop" fd "$tree/cpufreq/policy0/scaling_max_freq" r3 p2,3 p0,100)" "123345"1234567 'in pieces'
is "$(ct_exec a cat "$tree/cpufreq/policy0/stats" 2>&1)" "cat: $tree/cpufreq/policy0/stats: Is a directory" 'a directory there'

shell_start one a
exec 4>"$TMP/in-one"
shell_start two b
exec 5>"$TMP/in-two"
shell_start same a
exec 6>"$TMP/in-same"
shell_start other b
exec 7>"$TMP/in-other"
for tag in one two same other; do
	wait_until answered $tag
	is "$line" ready "a shell: $tag"
done

ask one "$slow"
wait_until helper_waits
isnt "$slow_helper" '' 'a helper reads it'
ask two "$slow"
# Nothing is promised about how long a read takes, but it must not be as long as the FIFO
# has no writer, which is for ever.
ask other /proc/meminfo
wait_until answered other
is "$(echo $line)" 'MemTotal: 131072 kB' 'another container reads meanwhile'
ask same /proc/meminfo
wait_until answered same
is "$(echo $line)" 'MemTotal: 65536 kB' 'so does the same one'
nok 'the first slow reader still waits' answered one
nok 'the second slow reader still waits' answered two
feed 42000
wait_until answered one
is "$line" 42000 'the first gets what is written'
# The second came while that was being read: it is read anew for it.
wait_until helper_waits
feed 43000
wait_until answered two
is "$line" 43000 'the second gets what is written later'

# One that gives up.
ct_exec a timeout -s KILL 1 cat "$slow" >/dev/null 2>&1
isnt "$?" 0 'a reader can be killed'
is "$(ct_exec b timeout 20 awk '/MemTotal/ { print $2 }' /proc/meminfo)" 131072 'and others go on'

# One that is never written: an error, not a wait for ever.
like "$(ct_exec b cat "$slow" 2>&1)" 'Input/output error' 'a read that does not end is an error after a while'
is "$(ct_exec b timeout 20 cat "$tree/cpufreq/policy0/scaling_max_freq")" 1234567 'other such files are still read'

# Before Linux 5.19 it is opening /proc/cpuinfo that sleeps: the daemon does so when it starts,
# and not for a reader.
like "$(ct_exec b cat /proc/cpuinfo)" '^(processor|# processors)' 'cpuinfo can be read'
is "$(cpuinfo_of "$worker")" "$cpuinfo" 'a reader of cpuinfo has the same descriptor read'

ct_stop a
ct_stop b
daemon_stop
done_testing
