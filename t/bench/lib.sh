# What the scripts of the benchmark share. Each begins with
#
#	. "$(dirname "$0")/lib.sh"
#
# when it has looked at its arguments and set JSON, ROUNDS and SECONDS_EACH, and then runs in a nested host: pid 1 of a pid namespace of its own, which lxcfs can trace,
# with private mounts, so that nothing that is mounted here is seen outside. On top of the
# test library (t/lib.sh, t/lib-container.sh) there is:
#
# Systems: native, floor, evlxcfs, evlxcfs-cfs, lxcfs, lxcfs-cfs, and other, an evlxcfs whose
# binary and options are $OTHER; more with system_define. Each is a server (but native) whose files are bound to
# $BIND/SYSTEM/FILE, at equal depth, where every container sees them: all systems are read by
# the same processes in the same containers.
#
# system_define NAME evlxcfs|lxcfs OPTIONS
# system_start NAME		before the first container
# system_measure SECTION WORKLOAD NAME COMMAND...
#				COMMAND prints what t/bench/hist.h says
# note SECTION WORKLOAD SYSTEM METRIC VALUE
# memory WHEN
# fleet_start COUNT		containers 0 to COUNT-1
# fleet COMMAND...		see fleet.c; prints its answer
# report			the table, or JSON with --json

if [ -z "${BENCH_TOP:-}" ]; then
	BENCH_TOP=$(cd "$(dirname "$0")/../.." && pwd)
	case ${BUILD:=build} in
	/*) ;;
	*) BUILD=$BENCH_TOP/$BUILD ;;
	esac
	EVLXCFS_TEST_NUMBER=bench$$
	export BENCH_TOP BUILD EVLXCFS_TEST_NUMBER
	[ "$(id -u)" = 0 ] || { echo 'as root, please' >&2; exit 100; }
	exec "$BUILD/t/bench/nest" /bin/sh "$0" "$@"
fi

. "$BENCH_TOP/t/lib.sh"

# A benchmark asserts nothing: no TAP.
t_exit() {
	t_status=$?
	trap '' HUP INT TERM PIPE
	trap - EXIT
	[ "$t_status" = 0 ] || tail -n 20 "$TMP"/*.log >&2 2>/dev/null
	t_end_children
	t_left=$(t_cleanup 2>&1)
	[ -z "$t_left" ] || echo "$t_left" >&2
	exit "$t_status"
}

bail() {
	echo "$*" >&2
	exit 1
}

diag() {
	echo "$*" >&2
}

skip_all() {
	bail "$*"
}

. "$BENCH_TOP/t/lib-container.sh"

BENCH=$BUILD/t/bench
BIND=$TMP/b
RESULTS=$TMP/results
FILES='meminfo stat uptime loadavg cpuinfo'
: >"$RESULTS"
mkdir "$BIND"
# Both runtime directories are below it.
mount -t tmpfs tmpfs /run || exit 111

# The kernel shares a CPU first between sessions and cgroups, then within them.
go_ahead() {
	renice -n -15 -p $$ >/dev/null
	echo -15 2>/dev/null >/proc/self/autogroup
	cg_mkdir "$CG_TEST" || bail "cannot make a cgroup $CG_TEST"
	if [ "$CG_VER_cpu" = 1 ]; then
		echo 30000 >"$CG_DIR_cpu/$CG_TEST/cpu.shares"
	else
		echo 3000 >"$CG_DIR_cpu/$CG_TEST/cpu.weight"
	fi
}

# Only to a terminal, where it is written over.
progress() {
	[ ! -t 2 ] || printf '\r\033[K%s' "$*" >&2
}

note() {
	echo "val $*" >>"$RESULTS"
}

# --- systems ---

system_var() {
	echo "$1_$2" | tr - _
}

system_get() {
	eval "echo \"\$$(system_var "$1" "$2")\""
}

system_set() {
	eval "$(system_var "$1" "$2")=\$3"
}

system_define() {
	system_set kind "$1" "$2"
	system_set options "$1" "$3"
}

system_define native native ''
system_define floor floor ''
system_define evlxcfs evlxcfs ''
system_define evlxcfs-cfs evlxcfs --enable-cfs
system_define other evlxcfs "$(echo "${OTHER:-} " | cut -s -d ' ' -f 2-)"
system_define lxcfs lxcfs ''
system_define lxcfs-cfs lxcfs '-l --enable-cfs'

system_binary() {
	case $1 in
	other) echo "${OTHER%% *}" ;;
	*) echo "$EVLXCFS_BIN" ;;
	esac
}

# The program and its options but for the mountpoint, as words.
system_command() {
	case $(system_get kind "$1") in
	evlxcfs) echo "$(system_binary "$1") --runtime-dir=$TMP/run-$1 $(system_get options "$1")" ;;
	lxcfs) echo "lxcfs -f -p $TMP/$1.pid $(system_get options "$1")" ;;
	floor) echo "$BENCH/floor $TMP/floor" ;;
	esac
}

# Answers of the same size as those of evlxcfs.
floor_contents() {
	mkdir -p "$TMP/floor"
	mkdir -p "$TMP/mnt-contents"
	daemon_start_at "$TMP/mnt-contents" --runtime-dir="$TMP/run-contents"
	ct_start contents mem=1G
	for f in $FILES; do
		ct_exec contents cat "/proc/$f" >"$TMP/floor/$f"
	done
	ct_stop contents
	kill -TERM "$DAEMON_PID"
	daemon_wait
	MNT=
}

system_start() {
	s_mnt=$TMP/mnt-$1
	mkdir "$s_mnt"
	case $(system_get kind "$1") in
	native) s_mnt= ;;
	evlxcfs)
		s_bin=$EVLXCFS_BIN
		EVLXCFS_BIN=$(system_binary "$1")
		# shellcheck disable=SC2046
		daemon_start_at "$s_mnt" --runtime-dir="$TMP/run-$1" $(system_get options "$1")
		EVLXCFS_BIN=$s_bin
		system_set pids "$1" "$(daemon_pids | tr '\n' ' ')"
		MNT=
		;;
	lxcfs | floor)
		[ "$1" != floor ] || [ -d "$TMP/floor" ] || floor_contents
		$(system_command "$1") "$s_mnt" >"$TMP/$1.log" 2>&1 &
		system_set pids "$1" $!
		wait_until test -e "$s_mnt/proc/meminfo" || bail "$1 does not start"
		;;
	esac
	mkdir "$BIND/$1"
	for f in $FILES; do
		: >"$BIND/$1/$f"
		mount --bind "$s_mnt/proc/$f" "$BIND/$1/$f" || bail "$1 has no $f"
	done
}

# The servers end before anything waits for them.
systems_cleanup() {
	for f in ${SYSTEMS:-}; do
		case $(system_get kind "$f") in
		lxcfs | floor) kill -TERM $(system_get pids "$f") ;;
		esac
	done 2>/dev/null
	wait
}

systems_cleanup_check() {
	:
}

system_measure() {
	m_key="$1 $2 $3"
	m_pids=$(system_get pids "$3")
	shift 3
	# shellcheck disable=SC2086
	m_line=$("$BENCH/usage" $m_pids -- "$@") || bail "$m_key: failed"
	echo "raw $m_key $m_line" >>"$RESULTS"
}

# memory WHEN: what all processes of each server hold
memory() {
	for s in $SYSTEMS; do
		[ "$s" != native ] || continue
		# shellcheck disable=SC2046
		"$BENCH/usage" $(system_get pids "$s") >"$TMP/usage"
		read -r anon private pss threads fds <"$TMP/usage"
		note memory "$1" "$s" rssanon_kB "$anon"
		note memory "$1" "$s" private_kB "$private"
		note memory "$1" "$s" pss_kB "$pss"
		note memory "$1" "$s" threads "$threads"
		note memory "$1" "$s" descriptors "$fds"
	done
}

# --- fleet ---

fleet_start() {
	mkdir "$TMP/fleet"
	cg_mkdir "$CG_TEST" && cg_mkdir "$CG_TEST/fleet" || bail 'cannot make cgroups'
	cg_limit "$CG_TEST/fleet" mem=1G
	[ -z "$CG_V2" ] || cg_enable "$CG_V2/$CG_TEST/fleet"
	for cg_m in $CG_V1 $CG_V2; do
		echo "$cg_m/$CG_TEST/fleet"
	done >"$TMP/fleet/cgroups"
	mkfifo "$TMP/fleet/in" "$TMP/fleet/out"
	"$BENCH/fleet" "$1" "$TMP/fleet" 2>"$TMP/fleet.log" &
	FLEET_PID=$!
	read -r f <"$TMP/fleet/out"
	[ "$f" = ready ] || bail 'no fleet'
}

# As a command of its own, for system_measure.
FLEET='echo "$*" >"$0/in"; read -r line <"$0/out"; echo "$line"'

fleet() {
	sh -c "$FLEET" "$TMP/fleet" "$@"
}

# fleet_measure SECTION WORKLOAD SYSTEM COMMAND...: each group of the answer is a line; the
# groups' names are what WORKLOAD has between commas.
fleet_measure() {
	m_section=$1
	m_names=$2
	m_system=$3
	shift 3
	# shellcheck disable=SC2046
	m_line=$("$BENCH/usage" $(system_get pids "$m_system") -- sh -c "$FLEET" "$TMP/fleet" "$@")
	kill -0 "$FLEET_PID" || bail "$m_section $m_names $m_system: failed"
	echo "$m_line" | awk -v s="$m_section" -v names="$m_names" -v sys="$m_system" '{
		n = split(names, name, ",")
		for (g = 1; g <= n; g++) {
			printf "raw %s %s %s", s, name[g], sys
			for (i = 1; i <= 6; i++)
				printf " %s", $((g - 1) * 6 + i)
			# Of both groups together, so the figures per read are the first one'"'"'s alone.
			print n == 1 ? " " $(NF - 1) " " $NF : ""
		}
	}' >>"$RESULTS"
}

# --- what the kernel does for the figures ---

# The files that a view cannot do without, each read once: 'truly needed'.
needed_files() {
	nf_host=/proc/$1
	nf_cpu="/sys/devices/system/cpu/online $(cg_path c1 cpuset)/cpuset.cpus"
	[ "$(cg_version cpuset)" = 2 ] && nf_cpu="$nf_cpu.effective" ||
		nf_cpu="/sys/devices/system/cpu/online $(cg_path c1 cpuset)/cpuset.effective_cpus"
	if [ "$(cg_version cpuacct)" = 2 ]; then
		nf_time=$(cg_path c1 cpuacct)/cpu.stat
	else
		nf_time=$(cg_path c1 cpuacct)/cpuacct.usage_all
	fi
	nf_mem=$(cg_path c1 memory)
	case $1 in
	meminfo)
		echo "$nf_host $nf_mem/memory.stat"
		if [ "$(cg_version memory)" = 2 ]; then
			# Limits: of the container and of each cgroup above it but the root.
			echo "$nf_mem/memory.current $nf_mem/memory.max $nf_mem/../memory.max"
			echo "$nf_mem/memory.swap.current $nf_mem/memory.swap.max $nf_mem/../memory.swap.max"
		else
			# memory.stat has the limits.
			echo "$nf_mem/memory.usage_in_bytes $nf_mem/memory.kmem.usage_in_bytes"
			echo "$nf_mem/memory.swappiness"
		fi
		;;
	stat) echo "$nf_host $nf_cpu $nf_time" ;;
	uptime) echo "$nf_cpu $nf_time" ;;
	cpuinfo) echo "$nf_host $nf_cpu" ;;
	esac
}

measure_needed() {
	for nf in $FILES; do
		for f in $(needed_files "$nf"); do
			[ -e "$f" ] || continue
			"$BENCH/cats" pread 1 0.03 "$f"
		done | awk '{ n++; s += $3 / 1000 } END { printf "%d %.2f\n", n, s }' >"$TMP/needed"
		read -r n us <"$TMP/needed"
		note preads "$nf" kernel files "$n"
		note preads "$nf" kernel us "$us"
	done
}

describe() {
	b_cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
	b_lxcfs=$(lxcfs --version 2>&1 | tr -d '"' | tail -n 1)
	{
		echo "kernel	$(uname -r)"
		echo "cores	$(nproc) × ${b_cpu:-$(uname -m)}"
		echo "cgroups	memory=v$CG_VER_memory cpuacct=v$CG_VER_cpuacct cpuset=v$CG_VER_cpuset"
		echo "clock	$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
		echo "load	$(cut -d ' ' -f 1-3 /proc/loadavg) at the start"
		echo "evlxcfs	$("$EVLXCFS_BIN" --version), stripped $(strip -o "$TMP/stripped" "$EVLXCFS_BIN" && wc -c <"$TMP/stripped") bytes"
		echo "lxcfs	${b_lxcfs:-not installed}"
		for s in $SYSTEMS; do
			[ "$s" = native ] || echo "$s	$(system_command "$s" | sed "s|$TMP|.|g; s|$BUILD/||g") MOUNTPOINT"
		done
		echo "rounds	$ROUNDS, medians; $SECONDS_EACH s each"
	} >"$TMP/machine"
}

report() {
	progress ''
	awk -v json="$JSON" -v needed_factor=1.25 -f "$BENCH_TOP/t/bench/report.awk" \
		"$TMP/machine" "$RESULTS"
}

at_cleanup systems_cleanup
