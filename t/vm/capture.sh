#!/bin/sh
# capture.sh [KERNEL-LAYOUT... | host]: captures t/fixtures from real kernels, in
# the VMs of run.sh, and, for "host", from this machine.
#
# Without arguments: 6.1-v2 6.1-v1 6.12-v2 6.12-v1. A fixture is a directory
# t/fixtures/KERNEL-LAYOUT:
#
#   proc/       files of /proc; self-cgroup, self-mountinfo, init-cgroup (that of
#               a process in /ct/init.scope, seen from outside)
#   sys/cpu/    online, present, possible, offline
#   cgroup/     what a view could read of /sys/fs/cgroup: the root, /ct (limited to
#               256 MB of memory, 64 MB of swap, 1.5 CPUs, cpuset 0 and 8 MB of
#               huge pages), its child /ct/init.scope, where all of its processes
#               are, and the unlimited /other
#
# The processes in /ct have allocated, read and written memory and files, burned
# CPU and done disk I/O, and sleep while the files are copied.
#
# "host" makes cgroups of its own beside what is there and removes them after.
# What only this machine has does not get into the fixture: other mounts than
# /, /proc, /sys, /dev, /run and /tmp, and where in the cgroups this shell is.

set -eu

cg=/sys/fs/cgroup
ct=ct other=other

die() { echo "capture.sh: $*" >&2; exit 1; }

# --- in the machine whose files are captured ---

# The directories of cgroup $1 in every hierarchy.
each() {
	if [ -f $cg/cgroup.controllers ]; then
		echo "$cg/$1"
		return
	fi
	for h in "$cg"/*; do
		[ -L "$h" ] || ! [ -e "$h/cgroup.procs" ] || echo "$h/$1"
	done
}

# Writes $2 to file $1 where there is one. That the kernel refuses is no error:
# not every file exists or can be written everywhere.
put() { [ ! -f "$1" ] || echo "$2" 2>/dev/null >"$1" || :; }

make_cgroups() {
	for d in $(each $ct) $(each $other); do mkdir "$d"; done
	for d in $(each $ct); do
		# A v1 cpuset takes no process before it has both.
		put "$d/cpuset.mems" 0
		put "$d/cpuset.cpus" 0
		if [ -f "$d/cgroup.controllers" ]; then
			for c in $(cat "$d/cgroup.controllers"); do
				put "$d/cgroup.subtree_control" "+$c"
			done
		fi
		mkdir "$d/init.scope"
		put "$d/init.scope/cpuset.mems" 0
		put "$d/init.scope/cpuset.cpus" 0
		put "$d/memory.max" 256M
		put "$d/memory.swap.max" 64M
		put "$d/memory.limit_in_bytes" 256M
		put "$d/memory.memsw.limit_in_bytes" 320M
		put "$d/hugetlb.2MB.max" 8M
		put "$d/hugetlb.2MB.limit_in_bytes" 8M
	done
	for d in $(each $other); do
		put "$d/cpuset.mems" 0
		put "$d/cpuset.cpus" 0
	done
}

# Moves this shell to cgroup $1.
enter() { for d in $(each "$1"); do echo 0 >"$d/cgroup.procs"; done; }

# What the container does before it sleeps; $1 is a directory on a disk.
work() {
	# 70 MB that stay (perl keeps a copy), 40 MB that come and go.
	perl -e '
		my $keep = "a" x 35e6;
		{ my $gone = "b" x 20e6; }
		$| = 1;
		print "ready\n";
		sleep 1000;' >"$tmp/ready" &
	echo $! >"$tmp/sleeper"
	# Two that burn CPU.
	perl -e '1 while (times)[0] < 1' &
	burner1=$!
	perl -e '1 while (times)[0] + (times)[1] < 1' &
	burner2=$!
	dd if=/dev/zero of="$1/data" bs=1M count=24 conv=fsync 2>/dev/null
	dd if="$1/data" of=/dev/null bs=1M iflag=direct 2>/dev/null || :
	cat "$1/data" >/dev/null
	until [ -s "$tmp/ready" ]; do sleep 0.1; done
	wait $burner1 $burner2
}

# What is to be in memory when the files are copied.
late_work() {
	dd if=/dev/zero of="$tmp/shmem" bs=1M count=10 2>/dev/null
	[ ! -d "$tmp/huge" ] || fallocate -l 4M "$tmp/huge/pages"
	cat "$1/data" >/dev/null
	dd if=/dev/zero of="$1/dirty" bs=1M count=2 2>/dev/null
}

# The quota of /ct, in microseconds per 100 ms. On one CPU 1.5 never throttle: the
# work is done with less, so that there are throttled periods to see.
quota() {
	for d in $(each $ct); do
		put "$d/cpu.max" "$1 100000"
		put "$d/cpu.cfs_quota_us" "$1"
	done
}

# Pushes some of it out to swap.
squeeze() {
	for d in $(each $ct); do
		put "$d/memory.reclaim" 40M
		put "$d/memory.limit_in_bytes" 100M
		put "$d/memory.limit_in_bytes" 256M
	done
}

copy() { cat "$1" >"$2" 2>/dev/null || rm -f "$2"; }

# Copies the files a view could want from directory $1 to $2.
copy_cgroup() {
	mkdir -p "$2"
	for f in "$1"/*; do
		name=${f##*/}
		case $name in
		memory.kmem.tcp.*) continue ;;
		memory.current | memory.max | memory.peak | memory.stat | memory.swappiness | \
			memory.swap.current | memory.swap.max | memory.zswap.current | \
			memory.*usage_in_bytes | memory.*limit_in_bytes | memory.use_hierarchy | \
			memory.kmem.slabinfo | \
			cpu.stat | cpu.stat.local | cpu.max | cpu.cfs_*_us | cpuacct.* | \
			cpuset.cpus | cpuset.cpus.effective | cpuset.effective_cpus | \
			io.stat | blkio.*io_serv* | blkio.*.time | blkio.*.sectors | \
			hugetlb.2MB.current | hugetlb.2MB.max | \
			hugetlb.2MB.usage_in_bytes | hugetlb.2MB.limit_in_bytes | \
			*.pressure | cgroup.controllers | cgroup.subtree_control) ;;
		*) continue ;;
		esac
		# root may read any, but some can only be written.
		case $(stat -c %A "$f") in -r*) copy "$f" "$2/$name" ;; esac
	done
}

copy_cgroups() { # source hierarchy, destination
	copy_cgroup "$1" "$2"
	copy_cgroup "$1/$ct" "$2/ct"
	copy_cgroup "$1/$ct/init.scope" "$2/ct/init.scope"
	copy_cgroup "$1/$other" "$2/other"
}

# Copies everything to directory $1.
copy_all() {
	mkdir -p "$1/proc/pressure" "$1/sys/cpu"
	for f in meminfo stat cpuinfo uptime swaps diskstats loadavg slabinfo cgroups \
		pressure/cpu pressure/io pressure/memory pressure/irq; do
		[ ! -e /proc/$f ] || copy /proc/$f "$1/proc/$f"
	done
	sed 's,:/..*,:/session,' /proc/self/cgroup >"$1/proc/self-cgroup"
	sed "s,/$ct/,/ct/," "/proc/$(cat "$tmp/sleeper")/cgroup" >"$1/proc/init-cgroup"
	# Root's mount options can be this machine's own; the rest is what it is.
	awk '$5 == "/" { sub(/ - ext4 .*/, " - ext4 /dev/vda rw") }
		$5 ~ "^/(proc|sys|dev|run|tmp)?(/|$)"' /proc/self/mountinfo >"$1/proc/self-mountinfo"
	for f in online present possible offline; do
		copy /sys/devices/system/cpu/$f "$1/sys/cpu/$f"
	done
	if [ -f $cg/cgroup.controllers ]; then
		copy_cgroups $cg "$1/cgroup"
		return
	fi
	mkdir -p "$1/cgroup"
	for h in memory cpu cpuacct cpu,cpuacct cpuset blkio hugetlb unified; do
		if [ -L $cg/$h ]; then
			cp -P $cg/$h "$1/cgroup/$h"
		elif [ -d $cg/$h ]; then
			copy_cgroups $cg/$h "$1/cgroup/$h"
		fi
	done
}

remove_cgroups() {
	for d in $(each $ct/init.scope) $(each $other); do
		[ -d "$d" ] || continue
		while read -r pid; do kill -9 "$pid"; done <"$d/cgroup.procs"
	done
	sleep 0.2
	for d in $(each $ct/init.scope) $(each $ct) $(each $other); do
		[ ! -d "$d" ] || rmdir "$d"
	done
}

# Captures the machine it runs on into directory $1, with directory $2 on a disk.
capture() {
	make_cgroups
	quota 80000
	(enter $ct/init.scope && work "$2")
	(enter $other && exec sleep 1000) &
	quota 150000
	squeeze
	(enter $ct/init.scope && late_work "$2")
	# memory.stat lags by up to two seconds.
	sleep 3
	copy_all "$1"
}

inside() {
	tmp=/dev/shm
	mkdir /tmp/disk /dev/shm/huge
	mkfs.ext4 -q /dev/vda && mount /dev/vda /tmp/disk
	echo 8 >/proc/sys/vm/nr_hugepages
	mount -t hugetlbfs hugetlbfs /dev/shm/huge
	capture /tmp/capture /tmp/disk >&2
	tar -C /tmp/capture -c .
}

# --- on this machine ---

# Puts what is in directory $1 in place as fixture $2.
publish() {
	[ -s "$1/proc/meminfo" ] || die "nothing was captured for $2"
	# What tests expect of it was worked out by other means and has to be again.
	[ ! -d "$here/../fixtures/$2/expect" ] || mv "$here/../fixtures/$2/expect" "$1/expect"
	rm -rf "$here/../fixtures/$2"
	mkdir -p "$here/../fixtures"
	mv "$1" "$here/../fixtures/$2"
}

host() {
	ct=evlxcfs-ct-$$ other=evlxcfs-other-$$
	tmp=$(mktemp -d /dev/shm/capture.XXXXXX)
	disk=$(mktemp -d ./capture.XXXXXX)
	trap 'remove_cgroups; rm -rf "$tmp" "$disk"' EXIT
	trap 'exit 130' HUP INT PIPE TERM
	mkdir "$tmp/out"
	layout=v2
	[ -f $cg/cgroup.controllers ] || layout=v1
	[ ! -d $cg/unified ] || layout=hybrid
	capture "$tmp/out" "$disk"
	publish "$tmp/out" "$(uname -r | cut -d. -f1,2)-$layout"
}

here=$(dirname "$0")
case ${1-} in
--inside) inside; exit ;;
host) host; exit ;;
esac
[ $# -gt 0 ] || set -- 6.1-v2 6.1-v1 6.12-v2 6.12-v1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' HUP INT PIPE TERM
for name; do
	mkdir "$tmp/out"
	"$here/run.sh" --kernel "${name%-*}" --layout "${name#*-}" --swap --disk -- \
		"$0" --inside >"$tmp/tar"
	tar -C "$tmp/out" -xf "$tmp/tar"
	publish "$tmp/out" "$name"
done
