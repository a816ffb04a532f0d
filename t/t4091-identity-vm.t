#!/bin/sh
# Who asks, on Debian's kernel 6.1 with each cgroup layout.
# run: long
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-vm.sh"
need_vm
VM_TESTS='t/t4000-identity-cgroups.t t/t4010-identity-kinds.t t/t4020-resolver.t
	t/t4030-resolver-attack.t'
vm_suite 6.1 v1
vm_suite 6.1 hybrid
VM_TESTS="$VM_TESTS t/t4040-cgroup-lock.t"
vm_suite 6.1 v2
done_testing
