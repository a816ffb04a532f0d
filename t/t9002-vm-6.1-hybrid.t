#!/bin/sh
# The suite on Debian's kernel 6.1 with cgroup layout hybrid.
# run: long
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-vm.sh"
need_vm
cd "$T_TOP" || exit
VM_TESTS=$(echo t/t2[0-8]*.t)
vm_suite 6.1 hybrid
done_testing
