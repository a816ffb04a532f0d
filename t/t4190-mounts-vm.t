#!/bin/sh
# The tests of the cgroup mounts with other layouts and roots: a root that cannot be
# pivoted, controllers mounted together, a disk that the host wants to unmount.
# run: first
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-vm.sh"
need_vm
VM_TESTS='t/vm-disk.sh t/t4110-mounts-late.t'
[ -z "${EVLXCFS_TEST_LONG:-}" ] ||
	VM_TESTS="$VM_TESTS t/t2060-userns.t t/t2070-identity.t t/t4100-mounts-ways.t"
vm_suite 6.1 hybrid --ramfs --disk
if [ -n "${EVLXCFS_TEST_LONG:-}" ]; then
	vm_suite 6.1 v2 --ramfs --disk
	vm_suite 6.1 v1 --disk
fi
done_testing
