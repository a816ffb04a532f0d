# Test library: a block device of the test's own, which works where /tmp is a tmpfs
# and in a machine that has no disk.
#
# block_start MB: a loop device. Its path in BLOCK, "MAJOR:MINOR" in BLOCK_DEV, its
# name in BLOCK_NAME. It ends with the test. Ends the test where the host has none.

block_start() {
	need_command losetup
	[ -e /dev/loop-control ] || [ -b /dev/loop0 ] || skip_all 'needs loop devices'
	# All of it is there before: the pages of the file are nobody else's then.
	dd if=/dev/zero of="$TMP/block" bs=1M count="$1" 2>/dev/null || bail 'no room for a disk'
	# Somebody else can take the device that is free at the moment.
	for block_try in 1 2 3; do
		BLOCK=$(losetup --find --show "$TMP/block" 2>"$TMP/losetup.err") && break
		BLOCK=
	done
	[ -n "$BLOCK" ] || skip_all "needs a loop device: $(cat "$TMP/losetup.err")"
	BLOCK_NAME=${BLOCK##*/}
	read -r BLOCK_DEV <"/sys/block/$BLOCK_NAME/dev"
}

# block_count NAME: v1 counts a container's I/Os of a disk from the first rule on, on
# most kernels, and each direction by itself. One that nothing is as fast as.
block_count() {
	[ "$(cg_version io)" = 1 ] || return 0
	for block_rw in read write; do
		echo "$BLOCK_DEV 1000000000000" >"$(cg_path "$1" io)/blkio.throttle.${block_rw}_bps_device"
	done
}

block_end() {
	[ -z "${BLOCK:-}" ] || losetup --detach "$BLOCK"
}

block_is_ours() {
	grep -q "$T_MARK" "/sys/block/$BLOCK_NAME/loop/backing_file" 2>/dev/null
}

block_end_check() {
	[ -z "${BLOCK:-}" ] || ! block_is_ours || echo "loop device left: $BLOCK"
}

at_cleanup block_end
