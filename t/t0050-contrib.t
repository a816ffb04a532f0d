#!/bin/sh
# contrib against a daemon: LXC's mount hook, and the mounts for docker, runc and
# Kubernetes.
# run: together
. "$(dirname "$0")/lib.sh"
need_fuse
need_command unshare perl

hook=$T_TOP/contrib/lxc/evlxcfs-hook
mounts=$T_TOP/contrib/oci/evlxcfs-mounts
daemon_start

# --- LXC ---------------------------------------------------------------------

# hooked ROOTFS COMMAND...: runs the hook as LXC does, in a mount namespace with a
# container's tree, then COMMAND in the same.
hooked() {
	root=$1
	shift
	env LXC_NAME=c1 LXC_ROOTFS_MOUNT="$root" EVLXCFS_MOUNTPOINT="${from-$MNT}" \
		unshare -m --propagation private sh -c '
			[ -L "$LXC_ROOTFS_MOUNT/proc" ] || mount -t proc proc "$LXC_ROOTFS_MOUNT/proc" || exit
			mount --rbind /sys "$LXC_ROOTFS_MOUNT/sys" || exit
			"$0" c1 lxc mount; echo "status $?"
			"$@"' "$hook" "$@" 2>&1
}
rootfs=$TMP/rootfs
mkdir -p "$rootfs/proc" "$rootfs/sys"

got=$(hooked "$rootfs" awk -v r="$rootfs/" '/fuse.lxcfs/ && index($5, r) == 1 {
	print $4, substr($5, length(r)) }' /proc/self/mountinfo)
served=$(cd "$MNT" && find proc -type f | while read -r file; do
	[ ! -e "/$file" ] || echo "/$file /$file"
done; echo /sys/devices/system/cpu /sys/devices/system/cpu)
between 8 "$(echo "$served" | wc -l)" 20 'files are served'
is "$(echo "$got" | head -n 1)" 'status 0' 'the hook succeeds and says nothing'
is "$(echo "$got" | sed 1d | sort)" "$(echo "$served" | sort)" 'each is over the file of the same name, once'
is "$(mount_count "$rootfs/proc/meminfo")" 0 'and in the container alone'
got=$(hooked "$rootfs" cat "$rootfs/proc/swaps")
like "$got" '^Filename' 'they can be read there'

got=$(from=$TMP/nothing hooked "$rootfs" grep -c "$rootfs/.*fuse.lxcfs" /proc/self/mountinfo)
like "$got" '^status 0$' 'where nothing is served the container starts'
like "$got" '^evlxcfs-hook: .*c1 shows the host' 'and is told of'
is "$(echo "$got" | tail -n 1)" 0 'nothing is mounted'

mkdir -p "$TMP/evil/sys" "$TMP/victim"
: >"$TMP/victim/meminfo"
ln -s "$TMP/victim" "$TMP/evil/proc"
got=$(hooked "$TMP/evil" grep -c "$TMP/victim" /proc/self/mountinfo)
like "$got" 'symbolic link' 'a tree with a link for /proc is left alone'
is "$(echo "$got" | tail -n 1)" 0 'nothing is mounted through it'
nok 'without LXC it does nothing' env -u LXC_ROOTFS_MOUNT "$hook"

# --- OCI ---------------------------------------------------------------------

cat >"$TMP/mounts.pl" <<'PERL'
use JSON::PP;
local $/;
for (@{decode_json(<STDIN>)}) {
	die "members: $_->{destination}\n" unless join(' ', sort keys %$_) eq 'destination options source type';
	die "not a bind mount: $_->{destination}\n" unless $_->{type} eq 'bind' && grep { $_ eq 'bind' } @{$_->{options}};
	# Pressure files can take triggers.
	die "read-only or not: $_->{destination}\n"
		if (grep { $_ eq 'ro' } @{$_->{options}}) == ($_->{destination} =~ m{^/proc/pressure/});
	die "source of $_->{destination}\n" unless $_->{source} eq $ARGV[0] . $_->{destination} && -e $_->{source};
	print "$_->{destination}\n";
}
PERL
paths() {
	"$mounts" "$@" "$MNT" | perl "$TMP/mounts.pl" "$MNT"
}
# runc knows these alone.
runc='/proc/cpuinfo
/proc/diskstats
/proc/loadavg
/proc/meminfo
/proc/slabinfo
/proc/stat
/proc/swaps
/proc/uptime
/sys/devices/system/cpu'
known=$(for path in $runc; do [ ! -e "$MNT$path" ] || echo "$path"; done)
is "$(paths)" "$known" 'the mounts are JSON, and what runc takes'
is "$(paths -a | sort)" "$(echo "$served" | sed 's/ .*//' | sort)" 'with -a all that is served'
is "$("$mounts" -v "$MNT")" "$(echo "$known" | sed "s|.*|$MNT&:&:ro|")" 'with -v as volumes'
is "$(EVLXCFS_MOUNTPOINT=$MNT "$mounts" -v | wc -l)" "$(echo "$known" | wc -l)" 'the mountpoint by the environment'

# refused STATUS NAME ARGUMENT...
refused() {
	want=$1 name=$2 status=0
	shift 2
	"$mounts" "$@" >"$TMP/out" 2>"$TMP/err" || status=$?
	is "$status $(wc -c <"$TMP/out") $(wc -l <"$TMP/err")" "$want 0 1" "$name: exit $want with one line"
}
refused 100 'an unknown option' -x
refused 100 'two mountpoints' "$MNT" "$MNT"
refused 111 'nothing served there' "$TMP/nothing"
refused 111 'a relative mountpoint' mnt
mkdir -p "$TMP/a\"b/proc" "$TMP/a:b/proc"
: >"$TMP/a\"b/proc/meminfo"
: >"$TMP/a:b/proc/meminfo"
refused 111 'a name that JSON would have to escape' "$TMP/a\"b"
refused 111 'a name that -v would cut' "$TMP/a:b"

# The engine's arguments, one a line.
printf '#!/bin/sh\nprintf "%%s\\n" "$@"\n' >"$TMP/engine"
chmod 755 "$TMP/engine"
EVLXCFS_MOUNTPOINT=$MNT "$T_TOP/contrib/oci/evlxcfs-run" "$TMP/engine" run -it 'two words' '*' >"$TMP/args"
is "$(head -n 2 "$TMP/args")" 'run
-v' 'evlxcfs-run: the verb, then volumes'
is "$(grep -c '^-v$' "$TMP/args")" "$(echo "$known" | wc -l)" 'as many as there are'
is "$(tail -n 3 "$TMP/args")" '-it
two words
*' "then the caller's arguments as they are"
EVLXCFS_MOUNTPOINT=$MNT "$T_TOP/contrib/oci/evlxcfs-run" "$TMP/engine" --root 'a b' container create '' -v run:/run run >"$TMP/args"
is "$(head -n 5 "$TMP/args")" '--root
a b
container
create
-v' "the engine's own options come before the verb"
is "$(grep -c '^-v$' "$TMP/args")" $(($(echo "$known" | wc -l) + 1)) 'once'
is "$(tail -n 4 "$TMP/args")" '
-v
run:/run
run' 'what is called like a verb behind it is none'
for words in 'exec c' 'container exec c' 'exec -it c' 'start c' 'build -t' 'compose exec c' \
	'network create' '--debug logs'; do
	status=0
	# shellcheck disable=SC2086 # a list of words
	got=$(EVLXCFS_MOUNTPOINT=$MNT "$T_TOP/contrib/oci/evlxcfs-run" "$TMP/engine" $words run 2>&1) || status=$?
	is "$status ${got%% ENGINE*}" '100 usage: evlxcfs-run' "evlxcfs-run: '$words run' runs no container"
done
nok 'evlxcfs-run without a verb' env EVLXCFS_MOUNTPOINT="$MNT" "$T_TOP/contrib/oci/evlxcfs-run" "$TMP/engine" ps -a -q
nok 'evlxcfs-run without a daemon' env EVLXCFS_MOUNTPOINT="$TMP/nothing" "$T_TOP/contrib/oci/evlxcfs-run" "$TMP/engine" run debian

# --- Kubernetes --------------------------------------------------------------

sed -n 's|.*path: /var/lib/evlxcfs/mnt\(/[^,]*\), type.*|\1|p' "$T_TOP/contrib/kubernetes/evlxcfs.yaml" >"$TMP/k8s"
is "$(cat "$TMP/k8s")" "$(echo "$runc" | grep -v slabinfo)" 'the example pod mounts the same'
is "$(sed -n 's|.*mountPath: \(/[ps][^,]*\),.*|\1|p' "$T_TOP/contrib/kubernetes/evlxcfs.yaml")" "$(cat "$TMP/k8s")" 'each to where it belongs'
daemon_stop
done_testing
