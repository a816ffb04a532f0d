#!/bin/sh
# The suite on Debian's kernel 6.1 with cgroup layout v2.
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-vm.sh"
need_vm
VM_TESTS=${VM_TESTS:-$(echo t/t1*.t t/t20*.t t/t2130-disks.t)}
vm_suite 6.1 v2 --swap
done_testing
