#!/bin/sh
# A worker whose only request waits for something slow gets on: the watchdog leaves it alone,
# also when its bound is shorter than that wait.
# run: alone
if [ -z "${T_OWN_MOUNTS-}" ]; then
	T_OWN_MOUNTS=1 exec unshare -m "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
. "$T_DIR/lib-sys.sh"
need_fuse

cpufreq=/sys/devices/system/cpu/cpufreq
sys_replace
mkdir "$cpufreq/policy0"
mkfifo "$cpufreq/policy0/scaling_cur_freq"

daemon_start --watchdog=1
ct_start a mem=64M
before=$(daemon_worker)
like "$(ct_exec a cat /sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq 2>&1)" 'Input/output error' \
	'a read that does not end is an error after a while'
is "$(daemon_worker)" "$before" 'from the worker that read it'
is "$(ct_exec a awk '/MemTotal/ { print $2 }' /proc/meminfo)" 65536 'which goes on'
ct_stop a
daemon_stop
done_testing
