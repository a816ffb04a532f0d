#!/bin/sh
# The report at the start, the lines for SIGUSR2, an upgrade and the end, -d, and --check.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
. "$T_DIR/lib-crash.sh"
need_fuse
need_cgroups
need_command setpriv

said() {
	grep -q -e "$1" "$DAEMON_LOG"
}
log_like() {
	like "$(cat "$DAEMON_LOG")" "$1" "$2"
}

cp "$EVLXCFS_BIN" "$TMP/evlxcfs"
EVLXCFS_BIN=$TMP/evlxcfs
version=$("$EVLXCFS_BIN" --version | sed 's/.* //')

# --- the start ---
daemon_start -d --enable-cfs --disable-swap
log_like "^evlxcfs: version $version, Linux $(uname -r), serves $MNT\$" \
	'the version, the kernel and the mountpoint'
# Each v1 hierarchy that mountinfo shows with a controller that files use, and its name.
for controller in memory cpu cpuacct cpuset blkio; do
	awk -v c="$controller" '$0 ~ / - cgroup / && ("," $NF ",") ~ "," c ","' /proc/self/mountinfo |
		grep -q . || continue
	log_like "^evlxcfs: cgroup v1 .*: .*$controller" "the hierarchy of $controller, v1"
done
if grep -q ' - cgroup2 ' /proc/self/mountinfo; then
	log_like '^evlxcfs: cgroup v2:.* pressure' 'the hierarchy of cgroup2'
fi
log_like '^evlxcfs: cgroup mounts: ' 'how the mounts are held'
# procfs and a cgroup tell by other means what the kernel has.
has() {
	if [ -e "$1" ]; then echo supports; else echo 'does not support'; fi
}
log_like "^evlxcfs: Kernel $(has /proc/self/ns/time) time namespaces" 'time namespaces'
log_like "^evlxcfs: Kernel $(has /proc/pressure/cpu) pressure" 'pressure'
ct_start a mem=128M
if [ "$CG_VER_memory" = 1 ]; then
	swap=$CG_DIR_memory/memory.memsw.limit_in_bytes
else
	swap=$CG_DIR_memory/$(cat "$TMP/ct/a/cgroup")/memory.swap.current
fi
like "$("$EVLXCFS_BIN" --check "$TMP")" "^Kernel $(has "$swap") swap accounting" \
	'swap accounting, in the words of lxcfs'
ct_exec a head -n 1 /proc/uptime >/dev/null
log_like '^evlxcfs: FUSE protocol 7\.[0-9]+$' 'the protocol'
log_like '^evlxcfs: options that change files: --enable-cfs --disable-swap$' 'the options'
# The kernel's word for them.
mask=$(sed -n 's/^CapPrm:[[:space:]]*//p' "/proc/$(daemon_worker)/status")
names=
for cap in 21:sys_admin 19:sys_ptrace 2:dac_read_search 1:dac_override 24:sys_resource; do
	[ $((0x$mask >> ${cap%:*} & 1)) = 0 ] || names="$names ${cap#*:}"
done
log_like "^evlxcfs: capabilities kept:$names\$" 'the capabilities that the worker has'

# --- -d ---
init=$(ct_pid a)
ns=$(stat -L -c %i "/proc/$init/ns/pid")
path=/$(cat "$TMP/ct/a/cgroup")
log_like "learned container: pid namespace $ns, init $init \\(by (ioctl|a helper)\\), cgroup [^ ]*:$path\$" \
	'-d: a container that is learned, its namespace, its init and its cgroup'
(
	for dir in $CG_V1 $CG_V2; do
		sh -c 'echo $PPID' >"$dir/cgroup.procs"
	done
	exec cat "$MNT/proc/uptime" >/dev/null
)
log_like 'thread [0-9]+ gets the host.s files: it is a process of the host' '-d: a reader of the host'
ct_stop a
ok '-d: a container that is forgotten' wait_until said "forgot container: pid namespace $ns,"

# --- SIGUSR2 ---
kill -USR2 "$DAEMON_PID"
ok 'SIGUSR2: one line' wait_until said "SIGUSR2: containers get the host's files from now on"
cat "$MNT/proc/uptime" >/dev/null
log_like 'gets the host.s files: SIGUSR2 asked for it' '-d: a reader after SIGUSR2'
kill -USR2 "$DAEMON_PID"
ok 'SIGUSR2 again: another' wait_until said 'SIGUSR2: containers get their own files from now on'

# --- an upgrade, to a binary of another version ---
other=$(echo "$version" | sed 's/.$/x/')
sed "s/$(echo "$version" | sed 's/\./\\./g')/$other/g" "$EVLXCFS_BIN" >"$TMP/other"
chmod +x "$TMP/other"
mv "$TMP/other" "$EVLXCFS_BIN"
is "$("$EVLXCFS_BIN" --version | sed 's/.* //')" "$other" 'another version is installed'
kill -HUP "$DAEMON_PID"
ok 'the upgrade names both versions' wait_until said "upgrade from version $version to $other"
ok 'the new one goes on' wait_until said 'goes on with the mount'
cat "$MNT/proc/uptime" >/dev/null
is "$(grep -c '^evlxcfs: version ' "$DAEMON_LOG")" 1 'it does not report anew'
kill -TERM "$DAEMON_PID"
daemon_wait
is "$(tail -n 1 "$DAEMON_LOG")" "evlxcfs: ended; $MNT is not mounted any more" 'one line at the end'

# --- --check ---
# check STATUS NAME ARGUMENT...: what it prints is in $out.
check() {
	want=$1 name=$2
	shift 2
	status=0
	out=$("$@" 2>&1) || status=$?
	is "$status" "$want" "--check: $name: exit $want" || diag "$out"
}
mkdir "$TMP/free"
: >"$TMP/file"
check 0 'a free mountpoint' "$EVLXCFS_BIN" --check "$TMP/free"
like "$out" '^/dev/fuse can be opened$' '--check: /dev/fuse'
like "$out" "^mountpoint $TMP/free: free\$" '--check: the mountpoint'
like "$out" '^It would start\.$' '--check: the verdict'
check 111 'a file' "$EVLXCFS_BIN" --check "$TMP/file"
like "$out" "^mountpoint $TMP/file: no directory\$" '--check: a file is said to be one'
check 111 'no such directory' "$EVLXCFS_BIN" --check "$TMP/nowhere"
like "$out" '^It would not start\.$' '--check: the other verdict'
check 111 'without CAP_SYS_ADMIN' setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin \
	"$EVLXCFS_BIN" --check "$TMP/free"
like "$out" '^capability sys_admin is missing: mounting' '--check: the capability is named'
check 0 'without CAP_SYS_PTRACE' setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace \
	"$EVLXCFS_BIN" --check "$TMP/free"
like "$out" '^capability sys_ptrace is missing: /proc/PID/ns' '--check: what follows is said'
check 111 'a file instead of /dev/fuse' unshare -m sh -c \
	'mount --bind "$1" /dev/fuse && "$2" --check "$3"' sh "$TMP/file" "$EVLXCFS_BIN" "$TMP/free"
like "$out" '^/dev/fuse is not the FUSE device' '--check: what it is not'
check 100 'no mountpoint' "$EVLXCFS_BIN" --check
daemon_start
check 111 'a mountpoint that is in use' "$EVLXCFS_BIN" --check "$MNT"
like "$out" "^mountpoint $MNT: in use" '--check: it is in use'
is "$(mount_count "$MNT")" 1 '--check: it changes nothing'

# --- starts that fail name what is missing ---
# fails NAME ERE COMMAND...
fails() {
	name=$1 want=$2
	shift 2
	like "$("$@" 2>&1)" "$want" "$name"
}
fails 'a file instead of /dev/fuse is named' '^evlxcfs: /dev/fuse is not the FUSE device' unshare -m sh -c \
	'mount --bind "$1" /dev/fuse && "$2" "$3"' sh "$TMP/file" "$EVLXCFS_BIN" "$TMP/free"
fails 'CAP_SYS_ADMIN is named' 'cannot mount on .*: Operation not permitted \(CAP_SYS_ADMIN is missing\)' \
	setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$EVLXCFS_BIN" --cgroup-mounts=host "$TMP/free"
daemon_stop
done_testing
