#!/bin/sh
# Names that are not there, and names nobody should use.
# run: together
. "$(dirname "$0")/lib.sh"
need_fuse
need_tool fsop
daemon_start

repeat() {
	awk -v c="$1" -v n="$2" 'BEGIN { while (n--) printf "%s", c }'
}

nl='
'
for name in nothing meminf meminfoo MEMINFO 'meminfo ' ' meminfo' 'mem*' '%s%n%d' '...' "a${nl}b" "meminfo$nl" \
	"$(printf 'meminfo\001')" "$(printf '\377\376')" "$(repeat x 255)"
do
	is "$("$TOOL/fsop" open rdonly "$MNT/proc/$name")" ENOENT "no proc/$(printf %.20s "$name" | tr '\n\001\377\376' '????')"
done
like "$("$TOOL/fsop" open rdonly "$MNT/proc/$(repeat x 1025)")" '^ENAMETOOLONG$' 'a name of 1025 bytes'
for name in nothing cpu9999 cpu00 cpu-1 cpu cpu0x "cpu$(repeat 9 200)" cpu4294967296; do
	is "$("$TOOL/fsop" open rdonly "$MNT/sys/devices/system/cpu/$name")" ENOENT "no cpu/$(printf %.20s "$name")"
done
for name in proc/nothing/x sys/x sys/devices/x sys/devices/system/x proc/1 proc/self x; do
	is "$("$TOOL/fsop" open rdonly "$MNT/$name")" ENOENT "no $name"
done
is "$("$TOOL/fsop" open rdonly "$MNT/proc/meminfo/x")" ENOTDIR 'a file is not a directory'
is "$("$TOOL/fsop" open rdonly,directory "$MNT/proc/meminfo")" ENOTDIR 'O_DIRECTORY on a file'
is "$("$TOOL/fsop" fd "$MNT/proc" r10)" EISDIR 'read of a directory'

# The way out of the tree is the VFS's business, but nothing of the host must
# come in through it.
is "$("$TOOL/fsop" open rdonly "$MNT/proc/../proc/./meminfo")" ok 'dot and dot-dot'
is "$("$TOOL/fsop" open rdonly "$MNT/sys/devices/system/cpu/../../../proc/meminfo")" ENOENT 'dot-dot from the cpu tree'
is "$("$TOOL/fsop" open rdonly "$MNT/proc/meminfo")" ok 'meminfo is there all the same'

daemon_stop
done_testing
