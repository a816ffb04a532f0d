#!/bin/sh
# The load average at length beside the kernel's own, in a machine that runs nothing else, and
# what else holds nobody up: Debian's kernel 6.1 with cgroup layout v2.
# run: long
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-vm.sh"
need_vm
EVLXCFS_TEST_LONG=1
export EVLXCFS_TEST_LONG
VM_TESTS='t/t2210-loadavg-kernel.t t/t2220-loadavg-crowd.t t/t2150-slow-files.t
	t/t2151-watchdog-waits.t'
vm_suite 6.1 v2
done_testing
