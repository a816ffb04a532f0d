#!/bin/sh
# Who asks, on Debian's kernel 6.1 with each cgroup layout: no ioctl tells a namespace's
# init there, and reading /proc/PID/cgroup waits for a lock.
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-vm.sh"
need_vm
VM_TESTS='t/t2060-userns.t t/t2070-identity.t t/t4010-identity-kinds.t'
[ -z "${EVLXCFS_TEST_LONG:-}" ] || VM_TESTS="$VM_TESTS t/t4000-identity-cgroups.t t/t4020-resolver.t
	t/t4030-resolver-attack.t"
vm_suite 6.1 v1
if [ -n "${EVLXCFS_TEST_LONG:-}" ]; then
	vm_suite 6.1 hybrid
	VM_TESTS="$VM_TESTS t/t4040-cgroup-lock.t"
	vm_suite 6.1 v2
fi
done_testing
