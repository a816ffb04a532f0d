#!/bin/sh
# Starting: what is refused and how, a mountpoint in use, a mount left by a dead
# daemon.
# run: together
. "$(dirname "$0")/lib.sh"
need_fuse
need_tool fsop
need_command setpriv

# refused STATUS NAME ARGUMENT...: ends by itself with that status and one line.
refused() {
	want=$1 name=$2
	shift 2
	status=0
	timeout "$EVLXCFS_TEST_DEADLINE" $run "$EVLXCFS_BIN" "$@" >"$TMP/out" 2>"$TMP/err" </dev/null || status=$?
	is "$status" "$want" "$name: exit $want"
	[ "$want" = 0 ] || {
		is "$(wc -l <"$TMP/err")" 1 "$name: one line on standard error" || diag "$(cat "$TMP/err")"
		like "$(cat "$TMP/err")" '^evlxcfs: .{8}' "$name: it says who speaks and what is wrong"
		is "$(cat "$TMP/out")" '' "$name: nothing on standard output"
	}
	is "$(t_mounts_below "$TMP")" "$mounts" "$name: nothing is mounted by it"
}

run=
mounts=
mkdir "$TMP/m"
: >"$TMP/file"
refused 100 'no mountpoint'
refused 100 'two mountpoints' "$TMP/m" "$TMP/m"
refused 100 'unknown option' --no-such-option "$TMP/m"
refused 100 'unknown letter' -Z "$TMP/m"
refused 100 'unknown letter among others' -sZl "$TMP/m"
like "$(cat "$TMP/err")" "'-Z'" 'it is named'
refused 100 'option without its value' --ready-fd
refused 100 'value that is no number' --ready-fd=x "$TMP/m"
refused 100 'value for an option that has none' --enable-cfs=1 "$TMP/m"
like "$(cat "$TMP/err")" "takes no argument: '--enable-cfs=1'" 'it is told so'
refused 100 'mountpoint that is empty' ''
like "$(cat "$TMP/err")" 'no mountpoint' 'it is told so'
refused 111 'mountpoint that does not exist' "$TMP/none"
refused 111 'mountpoint that is a file' "$TMP/file"
refused 111 'descriptor that is not open' --ready-fd=77 "$TMP/m"
like "$(cat "$TMP/err")" 77 'the message names it'

mkdir "$TMP/bin"
cp "$EVLXCFS_BIN" "$TMP/bin/evlxcfs"
chmod 755 "$TMP/bin" "$TMP/bin/evlxcfs"
run='setpriv --reuid=65534 --regid=65534 --clear-groups'
EVLXCFS_BIN=$TMP/bin/evlxcfs refused 111 'no privilege' "$TMP/m"
cat >"$TMP/nofuse" <<'SCRIPT'
#!/bin/sh
exec unshare -m --propagation private sh -c 'mount -t tmpfs none /dev && mknod /dev/null c 1 3 && exec "$@"' sh "$@"
SCRIPT
chmod 755 "$TMP/nofuse"
run=$TMP/nofuse
refused 111 'no /dev/fuse' "$TMP/m"
like "$(cat "$TMP/err")" /dev/fuse 'the message names it'
run=

for word in --help -h --version -v; do
	status=0
	timeout "$EVLXCFS_TEST_DEADLINE" "$EVLXCFS_BIN" $word >"$TMP/out" 2>"$TMP/err" || status=$?
	is "$status $(wc -c <"$TMP/err")" '0 0' "$word: exit 0, silent on standard error"
	between 1 "$(wc -l <"$TMP/out")" 200 "$word: on standard output"
done
like "$("$EVLXCFS_BIN" --help)" '--enable-cfs' '--help lists --enable-cfs'
is "$("$EVLXCFS_BIN" --version | wc -l)" 1 '--version is one line'

# lxcfs's own options are all known.
daemon_start -d -f -l --enable-cfs --enable-pidfd --enable-loadavg --disable-swap -p "$TMP/pid"
is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal "lxcfs's options are accepted"
is "$(mount_count "$MNT")" 1 'one mount'
is "$(awk -v p="$MNT" '$5 == p { sub(/.* - /, ""); print $1 }' /proc/self/mountinfo)" fuse.lxcfs 'its type'
first=$DAEMON_PID

mounts=$MNT
refused 111 'second daemon on the mountpoint' "$MNT"
is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal 'the first one goes on serving'
ok 'and is alive' alive "$first"
daemon_stop

# Whoever keeps the descriptors has none at the first start.
daemon_start --fuse-fd=98,99
is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal 'with a descriptor that is not open it mounts'
is "$(grep 'not open' "$DAEMON_LOG")" 'evlxcfs: --fuse-fd: descriptor 98 is not open' 'and says so once'
daemon_stop

# A relative path and a trailing slash.
cd "$TMP"
mkdir "$TMP/rel"
daemon_spawn rel/
MNT=$TMP/rel
ok 'a relative mountpoint' wait_until is_mounted "$MNT"
wait_until t_ready_or_dead
is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal 'is served'
daemon_stop

# A symbolic link, to a link, below a link: the mount is where they lead.
# linked NAME MOUNTPOINT [READ]: one life and one death at $TMP/real. A process in it sees
# the directory below the mount.
mkdir "$TMP/real" "$TMP/dir"
ln -s real/ "$TMP/link"
ln -s ../link "$TMP/dir/chain"
ln -s "$TMP" "$TMP/above"
ln -s loop "$TMP/loop"
linked() {
	daemon_start_at "$2"
	is "$(awk -v p="$TMP/" 'index($5, p) == 1 { print $5 }' /proc/self/mountinfo)" "$TMP/real" "$1: mounted at its end"
	is "$(head -c 8 "${3:-$2}/proc/meminfo")" MemTotal "$1: serves"
	MNT=$TMP/real
	daemon_stop
	daemon_start_at "$2"
	daemon_kill
	is "$("$TOOL/fsop" open rdonly "$TMP/real/proc/meminfo")" ENOTCONN "$1: the mount of a dead daemon"
	daemon_start_at "$2"
	is "$(mount_count "$TMP/real")" 1 "$1: is detached at the next start"
	MNT=$TMP/real
	daemon_stop
}
linked 'a symbolic link' "$TMP/link"
linked 'a link with a slash' "$TMP/link//"
linked 'a link to a link' "$TMP/dir/chain"
linked 'below a link' "$TMP/above/real"
linked 'a link below a link, with dots' "$TMP/above/dir/../link"
cd "$TMP/real"
linked 'a dot' . "$TMP/real"
cd "$TMP"
mounts=
refused 111 'a link to itself' "$TMP/loop"
like "$(cat "$TMP/err")" 'Too many levels of symbolic links' 'it is told so'
ln -s none "$TMP/dangling"
refused 111 'a link that leads nowhere' "$TMP/dangling"

# Power cut of the daemon, twice: no mounts pile up.
daemon_start
for round in 1 2; do
	daemon_kill
	is "$("$TOOL/fsop" open rdonly "$MNT/proc/meminfo")" ENOTCONN "the mount of a dead daemon ($round)"
	ok "scripts that look for it do not find it alive for long ($round)" wait_until test ! -d "$MNT/proc"
	daemon_start_at "$MNT"
	is "$(mount_count "$MNT")" 1 'is detached at the next start'
	is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal 'and the new one serves'
done
# The same while somebody still sits in the dead mount.
(cd "$MNT/proc" && exec sleep 1000) &
sitter=$!
sits() {
	[ "$(readlink "/proc/$sitter/cwd")" = "$MNT/proc" ]
}
wait_until sits
daemon_kill
daemon_start_at "$MNT"
is "$(mount_count "$MNT")" 1 'a busy dead mount is detached'
is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal 'and the new daemon serves'
kill "$sitter"
daemon_stop

# The directory below a mount is used again and again; its contents do not matter.
mkdir "$TMP/full"
: >"$TMP/full/something"
daemon_start_at "$TMP/full"
is "$(ls "$MNT" | tr '\n' ' ')" 'proc sys ' 'a directory that is not empty'
daemon_stop
is "$(ls "$TMP/full")" something 'is what it was afterwards'
done_testing
