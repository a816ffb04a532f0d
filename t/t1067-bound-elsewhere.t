#!/bin/sh
# The mountpoint is unmounted while a bind mount of it stays elsewhere. An abort then makes the
# mount anew where the daemon was told to serve, and nowhere else.
# run: together
#
# In a mount namespace of its own, for fusectl.
if [ "$(id -u)" = 0 ] && [ -z "${EVLXCFS_TEST_OWN_MOUNTS:-}" ]; then
	EVLXCFS_TEST_OWN_MOUNTS=$$ exec unshare --mount --propagation private sh "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
need_fuse

daemon_start
device=$(stat -c %d "$MNT")
mkdir "$TMP/elsewhere" "$TMP/fusectl"
mount -t fusectl fusectl "$TMP/fusectl" || skip_all 'needs fusectl'
mount --bind "$MNT" "$TMP/elsewhere"
umount "$MNT"
is "$(head -c 8 "$TMP/elsewhere/proc/meminfo")" MemTotal 'the bind mount is served on'
ok 'the daemon goes on' alive "$DAEMON_PID"
# The connection's number is the device's: major 0, and its minor.
echo 1 >"$TMP/fusectl/$device/abort"
ok 'an abort: the mountpoint is mounted anew' wait_until is_mounted "$MNT"
is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal 'it serves'
is "$(mount_count "$TMP/elsewhere")" 1 'nothing is mounted on the other place'
umount -l "$TMP/elsewhere" "$TMP/fusectl"
daemon_stop
done_testing
