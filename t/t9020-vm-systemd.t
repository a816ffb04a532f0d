#!/bin/sh
# contrib's service under systemd, in a machine that boots it.
# run: long
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-vm.sh"
need_vm
need_command systemctl
VM_TESTS=t/vm-systemd.sh
vm_suite 6.1 v2 --systemd
done_testing
