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

# not_enabled BEFORE PACKAGE...: takes away what the packages had the system start, beyond
# the list BEFORE. systemd itself stays as its package wants it.
not_enabled() {
	list=$1
	shift
	starts | comm -13 "$list" - | while read -r link; do
		name=${link##*/}
		case $link in
		/etc/rc*) name=/etc/init.d/${name#S[0-9][0-9]} ;;
		*) name="*/systemd/*/$name" ;;
		esac
		owner=$(dpkg -S "$name" 2>/dev/null | sed 's/:.*//' | head -n 1)
		[ "$owner" != systemd ] || continue
		case " $* " in
		*" $owner "*) rm -f "$link" ;;
		esac
	done
}

# quietly PACKAGE...: a package's service must not be started or enabled only because the
# tests want to compare with its program.
quietly() {
	policy=/usr/sbin/policy-rc.d
	list=$(mktemp)
	temporary=$list
	trap 'rm -f $temporary' EXIT
	if [ ! -e $policy ]; then
		temporary="$list $policy"
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod 755 $policy
	fi
	trap 'exit 130' INT
	trap 'exit 143' TERM
	starts >"$list"
	# Not the status of the function: "set -e" does not hold where it is called.
	if apt-get install -y --no-install-recommends "$@" >/dev/null 2>"$errors"; then
		installed=0
	else
		installed=$?
	fi
	not_enabled "$list" "$@"
	rm -f $temporary
	return $installed
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
	# The package lists may be old, or not there yet: the first failure says nothing.
	errors=/dev/null
	quietly "$@" && return
	echo 'deps.sh: updating the package lists' >&2
	apt-get update >/dev/null || echo 'deps.sh: apt-get update failed, trying with the old lists' >&2
	errors=/dev/stderr
	quietly "$@" && return
	echo "deps.sh: apt-get cannot install" "$@" >&2
	exit 1
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
