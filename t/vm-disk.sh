#!/bin/sh
# Run in a virtual machine with a scratch disk: the daemon keeps no mount of the
# host busy, whichever way it holds the cgroups, and says nothing different in the
# machine's own mount namespace than in one of a test.
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_command perl mke2fs
wait_until test -b /dev/vda || bail 'no scratch disk'
mke2fs -q /dev/vda

# A mounted disk belongs to its superblock alone, whoever has it mounted.
is_free() {
	perl -e 'use Fcntl; sysopen(F, $ARGV[0], O_RDONLY | O_EXCL) or exit 1' /dev/vda
}

for way in clone namespace host; do
	mkdir -p "$TMP/disk/below"
	mount /dev/vda "$TMP/disk"
	mkdir -p "$TMP/disk/below"
	mount -t tmpfs none "$TMP/disk/below"
	nok "$way: the disk is in use" is_free
	before=$(cat /proc/self/mountinfo)
	daemon_start --cgroup-mounts=$way --runtime-dir="/run/evlxcfs-$way"
	is "$(awk -v p="$MNT" '$5 != p' /proc/self/mountinfo)" "$before" "$way: no mount but its own"
	ok "$way: the host can unmount" umount -R "$TMP/disk"
	ok "$way: and has the disk for itself" is_free
	ct_start a mem=64M cpus=0
	is "$(ct_exec a sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)" 65536 "$way: containers"
	ct_stop a
	daemon_stop
done
done_testing
