#!/bin/sh
# The suite on Debian's kernel 6.1 with cgroup layout v2.
# run: first
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-vm.sh"
need_vm
# All views, who asks, and crashes: 6.1 sends no request again (FUSE_NOTIFY_RESEND), so that what
# the journal has is all that there is. What cgroups and an old kernel have no part in runs in
# check-long.
tests=$(echo t/t1000*.t t/t1010*.t t/t2000*.t t/t2010*.t t/t2020*.t t/t203*.t t/t2060*.t t/t2070*.t t/t2075*.t \
	t/t2080*.t t/t2130*.t t/t2166*.t t/t2190*.t t/t2195*.t t/t2215*.t t/vm-cpu-partition.sh t/t3000*.t t/t3060*.t t/t3080*.t)
[ -z "${EVLXCFS_TEST_LONG:-}" ] || tests=$(echo t/t1*.t t/t20*.t t/t2130*.t t/t2166*.t t/t2190*.t t/vm-cpu-partition.sh)
VM_TESTS=${VM_TESTS:-$tests}
vm_suite 6.1 v2 --swap
done_testing
