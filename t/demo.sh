#!/bin/sh
# Shows a container beside its host: 256 MB of memory, one CPU and namespaces of
# its own, with the daemon's files mounted over its /proc and /sys. Needs root;
# leaves nothing behind.
#
# The container is made by hand, with mkdir for its cgroups and unshare for its
# namespaces: this is all that a container manager has to do to use the daemon.
set -eu

say() {
	printf 'demo: %s\n' "$*" >&2
}

top=$(cd "$(dirname "$0")/.." && pwd)
case ${BUILD:=build} in
/*) ;;
*) BUILD=$top/$BUILD ;;
esac
daemon=${EVLXCFS_BIN:-$BUILD/evlxcfs}
name=evlxcfs-demo.$$
dir=
daemon_pid=
cgroups=
enabled=

[ "$(id -u)" = 0 ] || { say 'needs root: sudo make demo'; exit 1; }
[ -x "$daemon" ] || { say "$daemon is not built"; exit 1; }
[ -c /dev/fuse ] || modprobe fuse 2>/dev/null || :
[ -c /dev/fuse ] || { say 'needs /dev/fuse'; exit 1; }

cleanup() {
	status=$?
	# Whatever fails here, such as a message to a closed pager: go on.
	set +e
	trap '' HUP INT TERM PIPE
	trap - EXIT
	if [ -n "$daemon_pid" ]; then
		kill "$daemon_pid" 2>/dev/null || :
		wait "$daemon_pid" 2>/dev/null || :
	fi
	for c in $cgroups; do
		# A process on its way in or out keeps it busy for a moment.
		for i in 1 2 3 4 5 6 7 8 9 10; do
			[ -d "$c" ] || break
			while read -r pid; do
				kill -KILL "$pid" 2>/dev/null || :
			done <"$c/cgroup.procs"
			rmdir "$c" 2>/dev/null && break
			sleep 0.2
		done
		[ ! -d "$c" ] || say "cannot remove $c"
	done
	for c in $enabled; do
		echo "-$c" >"$v2/cgroup.subtree_control" 2>/dev/null || :
	done
	if [ -n "$dir" ]; then
		umount -l "$dir/mnt" 2>/dev/null || :
		rm -rf --one-file-system "$dir"
	fi
	exit "$status"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
# A pager that is closed early.
trap 'exit 141' PIPE
trap 'exit 143' TERM

dir=$(mktemp -d)
mkdir "$dir/mnt"

# Where a controller lives: its own v1 hierarchy, or cgroup2. Both can be in use.
v1() {
	awk -v c="$1" '$4 == "/" && / - cgroup / && ("," $NF ",") ~ ("," c ",") { print $5; exit }' /proc/self/mountinfo
}
v2=$(awk '$4 == "/" && / - cgroup2 / { print $5; exit }' /proc/self/mountinfo)

own() {
	case " $cgroups " in
	*" $1 "*) return ;;
	esac
	# Noted first: a signal may come in between.
	cgroups="$cgroups $1"
	mkdir "$1"
}

# own_cgroup CONTROLLER: the container's directory in the variable cg.
own_cgroup() {
	cg=$(v1 "$1")
	if [ -z "$cg" ]; then
		[ -n "$v2" ] && grep -qw "$1" "$v2/cgroup.controllers" ||
			{ say "this host has no $1 controller"; exit 1; }
		if ! grep -qw "$1" "$v2/cgroup.subtree_control"; then
			enabled="$enabled $1"
			echo "+$1" >"$v2/cgroup.subtree_control"
		fi
		cg=$v2
	fi
	own "$cg/$name"
	cg=$cg/$name
}

own_cgroup memory
if [ -e "$cg/memory.max" ]; then
	echo 256M >"$cg/memory.max"
else
	echo 256M >"$cg/memory.limit_in_bytes"
fi
own_cgroup cpuset
cpu=$(sed 's/[-,].*//' /sys/devices/system/cpu/online)
if [ -z "$(v1 cpuset)" ]; then
	echo "$cpu" >"$cg/cpuset.cpus"
else
	# A new v1 cpuset has no memory nodes, and takes no process like that.
	cat "${cg%/*}/cpuset.mems" >"$cg/cpuset.mems"
	echo "$cpu" >"$cg/cpuset.cpus"
fi
own_cgroup cpu
[ -z "$(v1 cpuacct)" ] || own_cgroup cpuacct
[ -z "$v2" ] || own "$v2/$name"

"$daemon" --ready-fd=9 "$dir/mnt" 9>"$dir/ready" 2>"$dir/log" &
daemon_pid=$!
for i in $(seq 1 500); do
	[ ! -s "$dir/ready" ] || break
	kill -0 "$daemon_pid" 2>/dev/null || break
	sleep 0.02
done
if ! [ -s "$dir/ready" ]; then
	cat "$dir/log" >&2
	say 'the daemon did not start'
	exit 1
fi

cat >"$dir/look" <<'EOT'
printf 'memory total\t'; free -m | awk '/^Mem:/ { print $2 " MB" }'
printf 'memory used\t'; free -m | awk '/^Mem:/ { print $3 " MB" }'
printf 'memory available\t'; free -m | awk '/^Mem:/ { print $7 " MB" }'
printf 'swap total\t'; free -m | awk '/^Swap:/ { print $2 " MB" }'
printf 'nproc\t'; nproc
printf 'CPUs in /proc/cpuinfo\t'; grep -c '^processor' /proc/cpuinfo
printf 'CPUs in /proc/stat\t'; grep -c '^cpu[0-9]' /proc/stat
printf 'CPUs online\t'; cat /sys/devices/system/cpu/online
printf 'CPU time used\t'; awk '$1 == "cpu" { printf "%.2f s\n", ($2 + $3 + $4) / 100 }' /proc/stat
printf 'up for\t'; awk '{ printf "%.2f s\n", $1 }' /proc/uptime
printf 'load averages\t'; cut -d' ' -f1-3 /proc/loadavg
EOT

cat >"$dir/container" <<'EOT'
set -e
mnt=$1/mnt
for f in "$mnt"/proc/*; do
	[ ! -e "/proc/${f##*/}" ] || mount --bind "$f" "/proc/${f##*/}"
done
mount --bind "$mnt/sys/devices/system/cpu" /sys/devices/system/cpu
# Long enough for a clock to be seen going.
sleep 1
sh "$1/look" >"$1/container.txt"
free -m >"$1/free.txt"
EOT

# The shell moves into the cgroups first, so that the new cgroup namespace begins
# there.
cat >"$dir/start" <<'EOT'
set -e
dir=$1
shift
for cg; do
	echo $$ >"$cg/cgroup.procs"
done
exec unshare --mount --pid --fork --kill-child --cgroup --uts --ipc --propagation private --mount-proc \
	sh "$dir/container" "$dir"
EOT

say 'a container with 256 MB, one CPU and namespaces of its own ...'
sh "$dir/look" >"$dir/host.txt"
sh "$dir/start" "$dir" $cgroups &
wait $!

printf '\n%-24s %24s %24s\n' '' HOST CONTAINER
printf '%s\n' '--------------------------------------------------------------------------'
paste "$dir/host.txt" "$dir/container.txt" |
	awk -F '\t' '{ printf "%-24s %24s %24s\n", $1, $2, $4 }'
printf '\nfree -m in the container:\n'
cat "$dir/free.txt"
