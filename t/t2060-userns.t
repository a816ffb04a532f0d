#!/bin/sh
# A container in a user namespace of its own, where root is uid 100000.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool fsop readloop
[ -e /proc/self/ns/user ] || skip_all 'needs user namespaces'
daemon_start
ct_start u mem=192M cpus=0 userns

is "$(ct_exec u id -u)" 0 'root inside'
is "$(awk '/^Uid:/ { print $2 }' "/proc/$(ct_pid u)/status")" 100000 'which is not root outside'
is "$(ct_exec u sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)" 196608 'MemTotal'
is "$(ct_exec u grep -c '^processor' /proc/cpuinfo)" 1 'cpuinfo'
is "$(ct_exec u grep -c '^cpu[0-9]' /proc/stat)" 1 'stat'
is "$(ct_exec u cat /sys/devices/system/cpu/online)" 0 'online'
between 0 "$(ct_exec u cut -d' ' -f1 /proc/uptime)" "$EVLXCFS_TEST_DEADLINE" 'uptime'
for f in loadavg diskstats swaps; do
	ok "$f can be read" ct_exec u cat /proc/$f
done
is "$(ct_exec u stat -c '%a %u' /proc/meminfo)" '444 65534' 'files are nobody'\''s, as those of procfs would be'
is "$(ct_exec u "$TOOL/fsop" open rdonly /proc/slabinfo)" EACCES 'slabinfo is for the host'\''s root'
like "$(ct_exec u "$TOOL/fsop" open rdwr /proc/meminfo)" '^(EROFS|EACCES)$' 'no writing'
like "$(ct_exec u "$TOOL/fsop" chmod /proc/meminfo)" '^(EROFS|EACCES|EPERM|EOVERFLOW)$' 'no chmod'
like "$(ct_exec u "$TOOL/fsop" write wronly /sys/devices/system/cpu/cpu0/online 0)" '^(EROFS|EACCES|EPERM|ENOENT)$' \
	'no switching off of CPUs'
ok 'a thousand readings' ct_exec u "$TOOL/readloop" 1000 /proc/meminfo ' 196608 kB'

# Not root in there either.
is "$(ct_exec u setpriv --reuid=1000 --regid=1000 --clear-groups sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)" \
	196608 'an ordinary user inside'

# A container inside the container, made by its root.
is "$(ct_exec u unshare --mount --pid --fork sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)" \
	196608 'a pid namespace below its own'
ct_stop u
daemon_stop
done_testing
