#!/bin/sh
# The suite on Debian's kernel 6.1 with cgroup layout v2.
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-vm.sh"
need_vm
# All views and who asks. What cgroups and an old kernel have no part in runs in check-long.
short=$(echo t/t1000*.t t/t1010*.t t/t1050*.t t/t1060*.t t/t20*.t t/t2130*.t | sed 's| t/t2040[^ ]*||')
[ -z "${EVLXCFS_TEST_LONG:-}" ] || short=$(echo t/t1*.t t/t20*.t t/t2130*.t)
VM_TESTS=${VM_TESTS:-$short}
vm_suite 6.1 v2 --swap
done_testing
