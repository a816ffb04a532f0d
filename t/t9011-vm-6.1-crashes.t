#!/bin/sh
# Every test of crashes, upgrades and restarts on Debian's kernel 6.1 with cgroup layout v2.
# run: long
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-vm.sh"
need_vm
cd "$T_TOP" || exit
VM_TESTS=$(echo t/t3*.t)
vm_suite 6.1 v2
done_testing
