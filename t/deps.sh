#!/bin/sh
# deps.sh build|demo|check: sees to it that what this needs is installed.
#
# What is missing is installed with apt-get, which takes root; where there is no
# apt-get, it is only named. Does nothing, quickly, when all is there.
set -eu

usage() {
	echo 'usage: deps.sh build|demo|check' >&2
	exit 100
}

# One fact a line: for what, how to tell that it is there, Debian's package.
table='
build  command  gcc                  gcc
build  header   stdio.h              libc6-dev
build  command  make                 make
build  header   ev.h                 libev-dev
build  header   cap-ng.h             libcap-ng-dev
build  header   linux/fuse.h         linux-libc-dev
demo   command  awk                  mawk
demo   command  free                 procps
demo   command  unshare              util-linux
demo   command  mount                mount
check  command  perl                 perl
check  command  prove                perl
check  command  nsenter              util-linux
check  command  pgrep                procps
check  command  strace               strace
check  command  clang                clang
check  header   seccomp.h            libseccomp-dev
check  command  qemu-system-x86_64   qemu-system-x86
check  command  busybox              busybox-static
check  command  xz                   xz-utils
check  command  mke2fs               e2fsprogs
check  command  htop                 htop
check  command  tmux                 tmux
check  command  mpstat               sysstat
check  command  prometheus-node-exporter prometheus-node-exporter
check  file     /usr/lib/*/libjemalloc.so.2 libjemalloc2
check  command  slabtop              procps
check  command  lscpu                util-linux
check  command  mkswap               util-linux
check  command  losetup              mount
check  command  mandoc               mandoc
check  command  musl-gcc             musl-tools
check  target   -m32                 gcc-multilib
check  command  lxcfs                lxcfs
check  command  runc                 runc
check  command  crun                 crun
check  command  lxc-start            lxc
check  command  podman               podman
check  command  runsv                runit
check  command  s6-supervise         s6
check  command  execlineb            execline
check  command  systemctl            systemd
'

have_header() {
	printf '#include <%s>\n' "$1" | gcc -E -x c -o /dev/null - 2>/dev/null
}

have_target() {
	echo 'int main(void) { return 0; }' | gcc "$1" -x c -o /dev/null - 2>/dev/null
}

have_file() {
	# A pattern.
	for file in $1; do
		[ -e "$file" ] && return
	done
	return 1
}

have() {
	case $1 in
	file) have_file "$2" ;;
	command) command -v "$2" >/dev/null ;;
	header) have_header "$2" ;;
	target) have_target "$2" ;;
	esac
}

# Packages that are missing for $@, each once.
missing() {
	echo "$table" | while read -r stage kind name package; do
		case " $* " in
		*" $stage "*) have "$kind" "$name" || echo "$package" ;;
		esac
	done | sort -u
}

# The run time of clang's sanitizers and fuzzer, which clang only recommends; its
# package has clang's version in its name.
clang_runtime() {
	clang_out=$(mktemp)
	echo 'int LLVMFuzzerTestOneInput(const void *p, unsigned long n) { return p && n > 9; }' |
		clang -fsanitize=fuzzer,address -x c -o "$clang_out" - 2>/dev/null ||
		echo "libclang-rt-$(clang -dumpversion | sed 's/\..*//')-dev"
	rm -f "$clang_out"
}

# Links that make systemd or init start something.
starts() {
	find /etc/systemd /etc/rc[0-6S].d -type l \
		\( -path '/etc/systemd/*.wants/*' -o -path '/etc/systemd/*.requires/*' -o -name 'S[0-9]*' \) \
		2>/dev/null | sort
}

packages() {
	dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | sed -n 's/^.[^nc ][^ ]* *//p' | sort
}

# owner LINK: the package that has what the link starts.
owner() {
	name=${1##*/}
	case $1 in
	/etc/rc*) name=/etc/init.d/${name#S[0-9][0-9]} ;;
	*) name="*/systemd/*/$name" ;;
	esac
	dpkg-query -S "$name" 2>/dev/null | sed 's/:.*//' | head -n 1
}

# Disables services that this installation enabled: links that $scratch/starts lacks, of
# packages that $scratch/packages lacks. systemd itself stays as its package has it.
disable_new() {
	packages | comm -13 "$scratch/packages" - >"$scratch/new"
	starts | comm -13 "$scratch/starts" - | while read -r link; do
		name=$(owner "$link")
		if [ "$name" != systemd ] && grep -qxF "$name" "$scratch/new"; then
			rm -f "$link"
		fi
	done
}

# Undoes an installation's side effects, however it ends.
tidy() {
	trap '' HUP INT PIPE TERM
	trap - EXIT
	[ -n "$scratch" ] || return 0
	[ ! -e "$scratch/before" ] || disable_new
	# Another process may have put its own there meanwhile.
	if grep -qs "^# t/deps.sh $$$" $policy; then
		rm -f $policy
	fi
	rm -rf "$scratch"
	scratch=
	trap - HUP INT PIPE TERM
}

# Lets packages start no service while this process lives, also if it cannot tidy up. An
# administrator's own policy stays.
forbid_starts() {
	if [ -e $policy ] && ! grep -qs '^# t/deps.sh [0-9]*$' $policy; then
		return
	fi
	cat >"$scratch/policy" <<-END
		#!/bin/sh
		# t/deps.sh $$
		if kill -0 $$ 2>/dev/null; then exit 101; fi
	END
	chmod 755 "$scratch/policy"
	cp -p "$scratch/policy" $policy
}

policy=/usr/sbin/policy-rc.d
scratch=

begin() {
	trap 'status=$?; tidy; exit $status' EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 141' PIPE
	trap 'exit 143' TERM
	scratch=$(mktemp -d)
	starts >"$scratch/starts"
	packages >"$scratch/packages"
	: >"$scratch/before"
	forbid_starts
}

# Another apt-get, such as a fresh machine's first upgrade, is waited for.
get() {
	apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 "$@" \
		>/dev/null 2>"$scratch/errors"
}

install() {
	if ! command -v apt-get >/dev/null; then
		echo "deps.sh: no apt-get here. Please install what Debian calls:" "$@" >&2
		exit 1
	fi
	if [ "$(id -u)" != 0 ]; then
		echo "deps.sh: as root, please: apt-get install" "$@" >&2
		exit 1
	fi
	echo "deps.sh: installing" "$@" >&2
	export DEBIAN_FRONTEND=noninteractive
	begin
	# The package lists may be old, or not there yet.
	if ! get "$@"; then
		echo 'deps.sh: updating the package lists' >&2
		apt-get update >/dev/null ||
			echo 'deps.sh: apt-get update failed; trying with the old lists' >&2
		get "$@" || {
			cat "$scratch/errors" >&2
			echo "deps.sh: apt-get cannot install" "$@" >&2
			exit 1
		}
	fi
	tidy
}

[ $# = 1 ] || usage
case $1 in
build) stages=build ;;
demo) stages='build demo' ;;
check) stages='build demo check' ;;
*) usage ;;
esac

want=$(missing $stages)
[ -z "$want" ] || install $want
if [ "$1" = check ]; then
	want=$(clang_runtime)
	[ -z "$want" ] || install $want
fi
want=$(missing $stages)
if [ -n "$want" ]; then
	echo "deps.sh: still missing:" $want >&2
	exit 1
fi
