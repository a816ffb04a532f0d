#!/bin/sh
# Crashes on Debian's kernel 6.1, which sends no request again (FUSE_NOTIFY_RESEND): what the
# journal has is all that there is.
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-vm.sh"
need_vm
VM_TESTS=${VM_TESTS:-"t/t3000-kill.t t/t3060-waiting.t"}
vm_suite 6.1 v2
done_testing
