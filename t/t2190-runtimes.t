#!/bin/sh
# Containers of the runtimes that people use, attached with what contrib has for each: every
# one sees its own figures.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_command crun runc lxc-start podman busybox perl unshare
LXCFS_CONF=/usr/share/lxc/config/common.conf.d/00-lxcfs.conf
[ -r "$LXCFS_CONF" ] || skip_all "needs lxcfs's $LXCFS_CONF"
diag "$(cg_describe)"
daemon_start
cg_mkdir "$CG_TEST" || bail "cannot make a cgroup $CG_TEST"
# The engines make it in the other hierarchies, too, and leave it there.
left_by_engines() {
	find /sys/fs/cgroup -depth -type d -path "*/$CG_TEST*"
}
end_engines() {
	for dir in $(left_by_engines); do
		wait_until rmdir "$dir" 2>/dev/null
	done
}
end_engines_check() {
	[ -z "$(left_by_engines)" ] || echo "cgroups are left: $(left_by_engines)"
}
at_cleanup end_engines

ROOTFS=$TMP/rootfs
mkdir "$ROOTFS"
for dir in bin proc sys dev tmp etc run; do
	mkdir "$ROOTFS/$dir"
done
cp "$(command -v busybox)" "$ROOTFS/bin/busybox"
for name in sh awk cat grep ls nproc wc; do
	ln -s busybox "$ROOTFS/bin/$name"
done
# What a program finds out about where it runs.
cat >"$ROOTFS/bin/probe" <<'PROBE'
#!/bin/sh
exec >/tmp/figures 2>&1
awk '/^MemTotal|^SwapTotal/ { print $1, $2 }' /proc/meminfo
echo "nproc $(nproc)"
echo "online $(cat /sys/devices/system/cpu/online)"
echo "directories $(ls -d /sys/devices/system/cpu/cpu[0-9]* | wc -l)"
echo "cpuinfo $(grep -c ^processor /proc/cpuinfo)"
echo "stat $(grep -c '^cpu[0-9]' /proc/stat)"
awk '{ sub(".*/", "", $4); print "tasks", ($4 < 5 ? "few" : $4) }' /proc/loadavg
echo "swaps $(wc -l </proc/swaps)"
awk '{ print "uptime", int($1) }' /proc/uptime
PROBE
chmod 755 "$ROOTFS/bin/probe"
MEM=64
# The limits are for memory and swap together on v1, where all of that may be swap.
swap=0
swaps=1
if [ "$(cg_version memory)" = 1 ]; then
	swap=$(awk -v most="$((MEM * 1024))" '/^SwapTotal/ { print ($2 < most ? $2 : most) }' /proc/meminfo)
	[ "$swap" = 0 ] || swaps=2
fi
WANT="MemTotal: $((MEM * 1024))
SwapTotal: $swap
nproc 1
online 0
directories 1
cpuinfo 1
stat 1
tasks few
swaps $swaps"

# figures NAME COMMAND...: COMMAND runs the probe in a container, whose time namespace adds
# so much to the time since boot.
OFFSET=0
figures() {
	name=$1
	shift
	read -r from rest </proc/uptime
	began=$((OFFSET ? ${from%.*} + OFFSET : 0))
	timeout "$EVLXCFS_TEST_DEADLINE" "$@" </dev/null >"$TMP/out" 2>&1
	is $? 0 "$name: the container runs" || diag "$(cat "$TMP/out")"
	read -r to rest </proc/uptime
	is "$(grep -v '^uptime' "$ROOTFS/tmp/figures")" "$WANT" "$name: its own memory, CPUs and tasks"
	between $began "$(sed -n 's/^uptime //p' "$ROOTFS/tmp/figures")" $((began + ${to%.*} - ${from%.*} + 1)) \
		"$name: its own uptime"
	rm -f "$ROOTFS/tmp/figures"
}

# --- what takes an OCI bundle ------------------------------------------------

cat >"$TMP/edit.pl" <<'PERL'
use JSON::PP;
local $/;
my ($rootfs, $cgroup, $mem) = @ARGV;
my $mounts = decode_json(<STDIN>);
open my $in, '<', 'config.json' or die;
my $c = decode_json(<$in>);
push @{$c->{mounts}}, @$mounts;
$c->{root} = {path => $rootfs, readonly => JSON::PP::false};
$c->{process}{terminal} = JSON::PP::false;
$c->{process}{args} = ['/bin/probe'];
delete $c->{process}{rlimits};
$c->{linux}{cgroupsPath} = $cgroup;
$c->{linux}{resources}{memory} = {limit => $mem << 20, swap => $mem << 20};
$c->{linux}{resources}{cpu} = {cpus => '0'};
open my $out, '>', 'config.json' or die;
print $out encode_json($c);
PERL

# bundle RUNTIME [OPTION-OF-EVLXCFS-MOUNTS]
bundle() {
	mkdir "$TMP/$1"
	(cd "$TMP/$1" && "$1" spec && "$T_TOP/contrib/oci/evlxcfs-mounts" ${2:-} "$MNT" |
		perl "$TMP/edit.pl" "$ROOTFS" "/$CG_TEST/$1" "$MEM") || bail "no bundle for $1"
}

bundle runc
figures runc runc --root "$TMP/runc-state" run --bundle "$TMP/runc" "$T_MARK-runc"

# crun refuses controllers of v1 where there is a cgroup2 besides.
without_unified=
[ -z "$CG_V1" ] || [ -z "$CG_V2" ] || without_unified=$CG_V2
bundle crun -a
figures crun unshare -m sh -c '[ -z "$0" ] || umount "$0" || exit; exec "$@"' "$without_unified" \
	crun --root "$TMP/crun-state" run --bundle "$TMP/crun" "$T_MARK-crun"

# --- podman, and with the same options docker --------------------------------

# The limits of processes are those of the machine, which may not be raised.
figures podman env EVLXCFS_MOUNTPOINT="$MNT" "$T_TOP/contrib/oci/evlxcfs-run" podman \
	--root "$TMP/podman" --runroot "$TMP/podman-run" --tmpdir "$TMP/podman-tmp" --storage-driver vfs \
	--cgroup-manager cgroupfs --events-backend none --runtime runc \
	run --rm --network none --log-driver none --cgroup-parent "/$CG_TEST" \
	--ulimit nofile=512:512 --ulimit nproc=512:512 -m "${MEM}m" --memory-swap "${MEM}m" --cpuset-cpus 0 \
	--rootfs "$ROOTFS" /bin/probe

# --- LXC ---------------------------------------------------------------------

mkdir "$TMP/lxc"
# lxc_conf NAME: the rest of a container's configuration
lxc_conf() {
	echo "lxc.rootfs.path = dir:$ROOTFS"
	echo 'lxc.init.cmd = /bin/probe'
	echo 'lxc.net.0.type = empty'
	# A machine may have AppArmor and none of LXC's profiles.
	echo 'lxc.apparmor.profile = unconfined'
	echo "lxc.cgroup.dir.container = $CG_TEST/$1"
	echo "lxc.cgroup.dir.monitor = $CG_TEST/$1-monitor"
	echo "lxc.cgroup.dir.monitor.pivot = $CG_TEST/$1-pivot"
	case $(cg_version memory) in
	1)
		echo "lxc.cgroup.memory.limit_in_bytes = ${MEM}M"
		echo "lxc.cgroup.memory.memsw.limit_in_bytes = ${MEM}M"
		;;
	2)
		echo "lxc.cgroup2.memory.max = ${MEM}M"
		echo 'lxc.cgroup2.memory.swap.max = 0'
		;;
	esac
	case $(cg_version cpuset) in
	1) echo 'lxc.cgroup.cpuset.cpus = 0' ;;
	2) echo 'lxc.cgroup2.cpuset.cpus = 0' ;;
	esac
}

{
	sed "s|/usr/local/share/evlxcfs|$T_TOP/contrib|" "$T_TOP/contrib/lxc/evlxcfs.conf"
	lxc_conf lxc
} >"$TMP/lxc.conf"
figures LXC env EVLXCFS_MOUNTPOINT="$MNT" \
	lxc-start -F -P "$TMP/lxc" -n "$T_MARK-lxc" -f "$TMP/lxc.conf"

# In lxcfs's place, with the configuration that comes with it.
{
	echo 'lxc.mount.auto = proc:mixed sys:mixed'
	echo "lxc.include = $LXCFS_CONF"
	lxc_conf lxcfs
} >"$TMP/lxcfs.conf"
figures "LXC with lxcfs's hook" unshare -m sh -c 'mount --bind "$0" /var/lib/lxcfs && exec "$@"' "$MNT" \
	lxc-start -F -P "$TMP/lxc" -n "$T_MARK-lxcfs" -f "$TMP/lxcfs.conf"

# In a time namespace. runc has them from 1.2 on.
if [ -e /proc/self/ns/time ]; then
	OFFSET=86400
	{
		cat "$TMP/lxc.conf"
		echo "lxc.time.offset.boot = ${OFFSET}s"
	} >"$TMP/time.conf"
	figures "LXC with lxc.time.offset.boot" env EVLXCFS_MOUNTPOINT="$MNT" \
		lxc-start -F -P "$TMP/lxc" -n "$T_MARK-lxc" -f "$TMP/time.conf"
else
	diag 'this kernel has no time namespaces'
fi

daemon_stop
done_testing
