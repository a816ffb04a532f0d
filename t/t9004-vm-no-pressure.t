#!/bin/sh
# A kernel without pressure of cgroups: Debian's 6.12 told so.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-vm.sh"
need_vm
VM_TESTS=t/vm-no-pressure.sh
vm_suite 6.12 v2 --append cgroup_disable=pressure
done_testing
