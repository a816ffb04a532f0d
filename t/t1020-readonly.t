#!/bin/sh
# Nothing can be changed through the mount, also after a privileged container
# has made the superblock writable.
# run: together
. "$(dirname "$0")/lib.sh"
need_fuse
need_tool fsop
daemon_start

attempts() {
	m=$MNT/proc/meminfo
	on=$MNT/sys/devices/system/cpu/cpu0/online
	[ -e "$on" ] || on=$MNT/sys/devices/system/cpu/online
	cat <<-EOT
		open rdwr $m
		open wronly $m
		open rdonly,trunc $m
		open wronly,append $m
		open wronly,creat $MNT/proc/new
		open rdwr $MNT/proc/stat
		write wronly $on 0
		write rdwr $MNT/sys/devices/system/cpu/uevent change
		truncate $m
		unlink $m
		rmdir $MNT/proc
		mkdir $MNT/proc/new
		mkdir $MNT/new
		mkfifo $MNT/proc/new
		chmod $m
		chown $m
		utimes $m
		setxattr $m
		rmxattr $m
		rename $m $MNT/proc/new
		rename $m $MNT/proc/stat
		link $m $MNT/proc/new
		symlink $m $MNT/proc/new
	EOT
}

# check REFUSED WHAT [OPENED WRITTEN]: how opening for writing and truncation end, and how a write ends
# that follows, where that is not REFUSED.
check() {
	attempts >"$TMP/attempts"
	while read -r words; do
		case $words in
		*/proc/new*) want=$1 ;;
		open* | truncate*) want=${3:-$1} ;;
		write*) want=${4:-$1} ;;
		*) want=$1 ;;
		esac
		# The words are meant to be split.
		got=$("$TOOL/fsop" $words)
		like "$got" "^($want)\$" "$2: $(echo "$words" | sed "s|$MNT||g")"
	done <"$TMP/attempts"
	is "$("$TOOL/fsop" open rdonly "$MNT/proc/new")" ENOENT "$2: nothing was made"
	is "$(stat -c '%a %u' "$MNT/proc/meminfo")" '444 0' "$2: nothing was changed"
	is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal "$2: reading goes on"
}

online=$(cat /sys/devices/system/cpu/online)
check EROFS 'as mounted'

ok 'remount read-write' mount -i -o remount,rw "$MNT"
check 'EROFS|EACCES|EPERM|EOPNOTSUPP|ENOSYS' 'after remount,rw'

# Extended attributes are read by ls -l and cp -a.
like "$("$TOOL/fsop" getxattr "$MNT/proc/meminfo")" '^(EOPNOTSUPP|ENODATA)$' 'no attribute is there'
like "$("$TOOL/fsop" listxattr "$MNT/proc/meminfo")" '^(EOPNOTSUPP|ok)$' 'list of attributes'
is "$(cat /sys/devices/system/cpu/online)" "$online" "the host's CPUs are what they were"

daemon_stop

# Pressure files alone take something then. Root may open the others, as those of procfs (t2065).
daemon_start --enable-psi-poll
check 'EROFS|EACCES|EPERM|EOPNOTSUPP|ENOSYS' 'with triggers' ok EIO
is "$(cat /sys/devices/system/cpu/online)" "$online" "the host's CPUs are what they were"
daemon_stop
done_testing
