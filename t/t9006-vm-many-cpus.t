#!/bin/sh
# A host of 16 CPUs: Debian's kernel 6.12 with cgroup layout v2.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-vm.sh"
need_vm
VM_TESTS=${VM_TESTS:-t/vm-many-cpus.sh}
vm_suite 6.12 v2 --smp 16
done_testing
