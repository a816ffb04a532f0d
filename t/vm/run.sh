#!/bin/sh
# run.sh [OPTIONS] -- COMMAND [ARGUMENT...]: runs a command in a virtual machine
# that boots a Debian kernel and otherwise looks like this host.
#
#   --kernel V      6.1 (default) or 6.12: what t/vm/fetch.sh V got
#   --layout L      cgroups: v2 (default), v1, or hybrid (v1 and an empty cgroup2)
#   --ramfs         the root is a ramfs, which cannot be pivoted; the host's
#                   directories are bound into it, and its tree is at /host
#   --timeout S     give up after S seconds (default 300)
#   --mem MB        memory (default 1024)
#   --smp N         CPUs (default 2)
#   --swap          128 MB of active swap, on zram
#   --systemd       the host's systemd is pid 1, and the command one of its services
#   --disk          a scratch disk of 64 MB, /dev/vda
#   --append 'K=V'  more for the kernel's command line; can be repeated
#   --tty           the command talks to this terminal, for a shell by hand
#
# The command runs as root, with every capability, in the same directory and with
# the same PATH as here, and with the environment variables EVLXCFS_*, BUILD, O,
# CI, HOME, LANG, LC_ALL, TERM. It sees this host's files as they are; what it
# writes is lost with the machine. Its standard input is empty, its output and
# errors come out here, and its exit status is the exit status, except:
#
#   100   wrong usage
#   125   the machine did not boot, died, or ran out of time
#
# The kernel's messages go to $BUILD/vm/console-*.log (BUILD: "build" unless the
# environment says otherwise), which is kept and shown if the machine fails, and
# kept if the kernel complained of itself. The machine is emulated (TCG), so it
# needs no privilege and no hardware, but a command takes some ten times as long
# as here.

set -eu

usage() {
	echo "run.sh: $*" >&2
	sed -n '2,/^$/s/^# \{0,1\}//p' "$0" | sed -n 1,14p >&2
	exit 100
}
die() { echo "run.sh: $*" >&2; exit 125; }

kernel=6.1 layout=v2 ramfs=0 timeout=300 mem=1024 smp=2 swap=0 disk=0 tty=0 systemd=0 append=''
while [ $# -gt 0 ]; do
	case $1 in
	--kernel | --layout | --timeout | --mem | --smp | --append)
		[ $# -ge 2 ] || usage "$1 needs a value"
		case $1 in
		--kernel) kernel=$2 ;;
		--layout) layout=$2 ;;
		--timeout) timeout=$2 ;;
		--mem) mem=$2 ;;
		--smp) smp=$2 ;;
		--append) append="$append $2" ;;
		esac
		shift
		;;
	--ramfs) ramfs=1 ;;
	--swap) swap=1 ;;
	--disk) disk=1 ;;
	--systemd) systemd=1 ;;
	--tty) tty=1 ;;
	--) shift; break ;;
	*) usage "unknown option $1" ;;
	esac
	shift
done
[ $# -gt 0 ] || usage "no command"
case $layout in v1 | v2 | hybrid) ;; *) usage "unknown layout $layout" ;; esac

here=$(dirname "$0")
top=${BUILD:-build}/vm
image=$top/$kernel
busybox=$(command -v busybox) || die "busybox (busybox-static) is not installed"
command -v qemu-system-x86_64 >/dev/null || die "qemu-system-x86_64 is not installed"
[ -f "$image/format" ] || die "no kernel in $image: run $here/fetch.sh $kernel"

tmp=$(mktemp -d)
log=$(mktemp "$top/console-XXXXXX.log")
qemu='' relays='' keep_log=''
cleanup() {
	status=$?
	trap '' HUP INT PIPE TERM
	if [ -n "$qemu" ]; then
		kill $qemu 2>/dev/null || :
		wait $qemu || :
	fi
	[ -z "$relays" ] || kill $relays 2>/dev/null || :
	rm -rf "$tmp"
	[ -n "$keep_log" ] || rm -f "$log"
	exit $status
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

# $1 as one word of shell.
quote() { printf "'"; printf '%s\n' "$1" | sed "s/'/'\\\\''/g; \$s/\$/'/"; }

# The script that becomes the command.
command_script() {
	for name in $(env | sed -n 's/^\(EVLXCFS_[A-Za-z0-9_]*\)=.*/\1/p') \
		PATH BUILD O CI HOME LANG LC_ALL TERM; do
		if eval "[ \"\${$name+set}\" ]"; then
			eval "value=\$$name"
			echo "export $name=$(quote "$value")"
		fi
	done
	echo "cd $(quote "$PWD") || exit 125"
	printf exec
	for word; do printf ' %s' "$(quote "$word")"; done
	echo
}

vm=$tmp/root/vm
mkdir -p "$vm"
cp "$busybox" "$vm/busybox"
cp "$here/init" "$vm/init"
ln -s vm/init "$tmp/root/init"
cp -r "$image/modules" "$vm/modules"
# Loading takes time: what is for the disk only with the disk.
[ $disk = 1 ] || sed -i '/^\(virtio_blk\|jbd2\|mbcache\|crc16\|ext4\|bfq\|dm_mod\)$/d' "$vm/modules/order"
command_script "$@" >"$vm/command"
own_tmp=1
for d in "$PWD" "$(realpath "$top")"; do
	case $d in /tmp | /tmp/*) own_tmp=0 ;; esac
done
cat >"$vm/conf" <<end
layout=$layout ramfs=$ramfs swap=$swap tty=$tty systemd=$systemd own_tmp=$own_tmp
end
(cd "$tmp/root" && find . | busybox cpio -o -H newc 2>/dev/null) >"$tmp/initramfs"

# tsc: reading any other clock stops all emulated CPUs. The host runs it, so it is
# as good there as here, whatever the kernel's checks find on a busy host.
# rcu, watchdog: a busy host can hold the CPUs up for seconds.
cmdline="console=ttyS0 quiet panic=-1 mitigations=off nokaslr nowatchdog
	tsc=reliable no_timer_check
	rcupdate.rcu_cpu_stall_suppress=1 random.trust_cpu=on audit=0
	psi=1 swapaccount=1 cryptomgr.notests"
[ $ramfs = 0 ] || cmdline="$cmdline rootfstype=ramfs"

# A kernel that patches its code while more CPUs run than the host has can die of an int3 that
# QEMU's other threads still see: one thread runs all of many CPUs in turn.
thread=multi
[ "$smp" -le 4 ] || thread=single

set -- -M pc -accel tcg,thread=$thread -cpu max,la57=off -smp "$smp" -m "$mem" \
	-nodefaults -no-user-config -display none -no-reboot \
	-kernel "$image/kernel" -initrd "$tmp/initramfs" -append "$(echo $cmdline $append)" \
	-fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap \
	-device virtio-9p-pci,fsdev=host,mount_tag=host \
	-device virtio-serial-pci \
	-chardev file,id=status,path="$tmp/status" -device virtserialport,chardev=status,name=status
if [ $disk = 1 ]; then
	truncate -s 64M "$tmp/disk"
	set -- "$@" -drive if=virtio,format=raw,cache=unsafe,file="$tmp/disk"
fi
if [ $tty = 1 ]; then
	set -- "$@" -chardev stdio,id=console,logfile="$log",signal=off -serial chardev:console
else
	set -- "$@" -serial file:"$log" \
		-chardev file,id=out,path="$tmp/out" -device virtserialport,chardev=out,name=out \
		-chardev file,id=err,path="$tmp/err" -device virtserialport,chardev=err,name=err
fi
: >"$tmp/out"
: >"$tmp/err"
# pdeathsig: nothing is left behind even if this shell is killed. stdin must be
# given: a background command has none.
exec 3<&0
[ $tty = 1 ] || exec 3</dev/null
setpriv --pdeathsig TERM timeout --foreground -k 5 "$timeout" \
	setpriv --pdeathsig TERM qemu-system-x86_64 "$@" <&3 3<&- 2>"$tmp/qemu" &
qemu=$!
# What the command writes goes to a file that tail follows: whoever reads it here
# may be as slow as they like, the machine does not wait and nothing is lost.
if [ $tty = 0 ]; then
	tail -f -s 0.1 -c +1 --pid=$qemu "$tmp/out" &
	relays=$!
	tail -f -s 0.1 -c +1 --pid=$qemu "$tmp/err" >&2 &
	relays="$relays $!"
fi

rc=0
wait $qemu || rc=$?
qemu=
[ -z "$relays" ] || wait $relays || :
relays=

if [ -s "$tmp/status" ]; then
	if grep -Eq 'BUG:|Oops|WARNING:|blocked for more than' "$log"; then
		keep_log=1
		echo "run.sh: the kernel complained: $log" >&2
	fi
	exit "$(cat "$tmp/status")"
fi
keep_log=1
sed 's/^/# /' "$tmp/qemu" >&2
tail -n 40 "$log" | tr -d '\r' | sed 's/^/# /' >&2
case $rc in
124 | 137) die "no end after $timeout s (kernel $kernel, layout $layout); console: $log" ;;
*) die "the machine died (kernel $kernel, layout $layout); console: $log" ;;
esac
