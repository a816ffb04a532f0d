#!/bin/sh
# The suite on Debian's kernel 6.1 with cgroup layout v1.
# run: long
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-vm.sh"
need_vm
cd "$T_TOP" || exit
VM_TESTS=$(echo t/t2[0-8]*.t)
vm_suite 6.1 v1 --swap
done_testing
