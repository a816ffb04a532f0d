#!/bin/sh
# What depends on the kernel once more on Debian's kernel 6.12 with cgroup layout v2, where
# the init of a namespace is asked for by ioctl and the loop reads /proc/PID/cgroup itself, and where
# CAP_SYS_RESOURCE, which root on the host may lack, makes another kind of pressure trigger.
# run: long
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-vm.sh"
need_vm
VM_TESTS=${VM_TESTS:-"t/t1000-layout.t t/t1010-read.t t/t2000-memory.t t/t2030-uptime.t t/t2060-userns.t
	t/t2070-identity.t t/t2166-psi-triggers.t t/t4210-caps-needed.t t/vm-cpu-partition.sh"}
vm_suite 6.12 v2 --swap
done_testing
