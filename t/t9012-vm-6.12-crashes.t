#!/bin/sh
# Every test of crashes, upgrades and restarts on Debian's kernel 6.12 with cgroup layout v2,
# where unanswered requests come again (FUSE_NOTIFY_RESEND).
# run: long
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-vm.sh"
need_vm
cd "$T_TOP" || exit
VM_TESTS=$(echo t/t3*.t)
vm_suite 6.12 v2
done_testing
