# Test library: containers made of nothing but cgroups and namespaces.
#
# ct_start NAME [OPTION...] [COMMAND...]
#	mem=256M	memory limit
#	swap=128M	swap besides it (v1: the memsw limit is the sum)
#	cpus=0		cpuset
#	quota=1.5	CPU quota in CPUs
#	outer_mem= outer_swap= outer_cpus= outer_quota=
#			the same on a cgroup above the container's, which makes one
#	nest=init.scope	init sits in this cgroup below the container's
#	nocgns		no cgroup namespace of its own
#	hostpid		no pid namespace of its own
#	boottime=S[,NS]	a time namespace whose boot is so many seconds (and nanoseconds)
#			earlier
#	userns		a user namespace; root inside is uid 100000 outside
#	nobind		nothing of the daemon is mounted over /proc and /sys
#	COMMAND		pid 1, default a sleep that uses no CPU
# ct_pid NAME			pid 1 of the container as the host numbers it
# ct_exec NAME COMMAND...	run it in the container
# ct_stop NAME			end the container and remove its cgroups
# cg_path NAME CONTROLLER	directory of the container in the hierarchy that
#				has the controller ("psi" and "unified": cgroup2)
# cg_file NAME CONTROLLER FILE...  contents of the first FILE there is
# cg_version CONTROLLER		1, 2 or nothing: who has it on this host
# cg_set NAME KEY=VALUE...	change limits of a running container, keys as above
#
# Figures from the kernel, read without the daemon:
#	cg_mem_used cg_swap_used cg_cpu_usec cg_cpu_split NAME
#
# Layout, found per controller at run time: cgroup v1 hierarchies wherever they
# are mounted and however controllers are co-mounted, the one of cgroup2, or
# both. Every cgroup is made below evlxcfs-test.PID in the root of each.

CG_WANTED=' cpu cpuacct cpuset memory io hugetlb '
CG_TEST=$T_MARK

# Found once, kept in variables: CG_VER_memory, CG_DIR_memory and so on; CG_V2 is
# where cgroup2 is mounted, CG_V1 the v1 hierarchies that count, CG_ENABLE the
# controllers that cgroup2 has to give. In an emulated machine a fork costs
# milliseconds, so what follows does without them where it can.
CG_V1=
CG_V2=
CG_ENABLE=
for cg_x in $CG_WANTED unified; do
	eval "CG_VER_$cg_x= CG_DIR_$cg_x="
done

cg_found() {
	case "$CG_WANTED unified " in
	*" $2 "*) ;;
	*) return 0 ;;
	esac
	eval "CG_VER_$2=$1 CG_DIR_$2=$3"
	case "$1 $CG_V1 $2" in
	1\ *" $3 "*) ;;
	1\ *) CG_V1="$CG_V1$3 " ;;
	2*\ unified) CG_V2=$3 ;;
	2*) CG_ENABLE="$CG_ENABLE $2" ;;
	esac
}

while read -r cg_x cg_x cg_x cg_root cg_at cg_rest; do
	[ "$cg_root" = / ] || continue
	set -- ${cg_rest#* - }
	case $1 in
	cgroup2)
		cg_found 2 unified "$cg_at"
		read -r cg_list <"$cg_at/cgroup.controllers"
		for cg_x in $cg_list; do
			cg_found 2 "$cg_x" "$cg_at"
		done
		;;
	cgroup)
		IFS=,
		for cg_x in $3; do
			[ "$cg_x" != blkio ] || cg_x=io
			IFS=' '
			cg_found 1 "$cg_x" "$cg_at"
		done
		unset IFS
		;;
	esac
done </proc/self/mountinfo
# CPU times need no controller on cgroup2.
if [ -z "$CG_VER_cpuacct" ] && [ -n "$CG_V2" ]; then
	CG_VER_cpuacct=2
	CG_DIR_cpuacct=$CG_V2
fi

# cg_find CONTROLLER: its version in cg_ver, its mount in cg_dir.
cg_find() {
	case $1 in
	blkio) cg_c=io ;;
	psi) cg_c=unified ;;
	*) cg_c=$1 ;;
	esac
	eval "cg_ver=\$CG_VER_$cg_c cg_dir=\$CG_DIR_$cg_c"
}

cg_version() {
	cg_find "$1"
	echo "$cg_ver"
}

cg_mount() {
	cg_find "$1"
	echo "$cg_dir"
}

cg_describe() {
	echo "memory=v$CG_VER_memory cpu=v$CG_VER_cpu cpuacct=v$CG_VER_cpuacct cpuset=v$CG_VER_cpuset io=v$CG_VER_io" \
		"kernel $(uname -r)"
}

# Children of DIRECTORY get every controller that cgroup2 has to give. What was
# switched on in the root is switched off again at the end, unless somebody else
# has come to use it by then: the kernel refuses that with EBUSY.
cg_enable() {
	read -r cg_list <"$1/cgroup.subtree_control"
	for cg_x in $CG_ENABLE; do
		case " $cg_list " in
		*" $cg_x "*) continue ;;
		esac
		echo "+$cg_x" >"$1/cgroup.subtree_control" || return 1
		[ "$1" != "$CG_V2" ] || echo "$cg_x" >>"$TMP/cg_enabled"
	done
}

# cg_mkdir PATH, relative to the root of every hierarchy; its parent exists.
cg_mkdir() {
	cg_new=
	for cg_m in $CG_V1 $CG_V2; do
		[ -d "$cg_m/$1" ] || cg_new="$cg_new $cg_m/$1"
	done
	[ -z "$cg_new" ] || mkdir $cg_new || return 1
	cg_up=/
	case $1 in
	*/*) cg_up=/${1%/*} ;;
	esac
	[ -z "$CG_V2" ] || cg_enable "$CG_V2$cg_up" || return 1
	[ "$CG_VER_cpuset" = 1 ] || return 0
	# A v1 cpuset is born empty and takes no task like that.
	for cg_x in cpuset.mems cpuset.cpus; do
		read -r cg_val <"$CG_DIR_cpuset/$1/$cg_x"
		[ -z "$cg_val" ] || continue
		read -r cg_val <"$CG_DIR_cpuset$cg_up/$cg_x"
		echo "$cg_val" >"$CG_DIR_cpuset/$1/$cg_x" || return 1
	done
}

# Bytes of 256M and the like in cg_val.
cg_bytes() {
	case $1 in
	*K) cg_val=$((${1%K} * 1024)) ;;
	*M) cg_val=$((${1%M} * 1048576)) ;;
	*G) cg_val=$((${1%G} * 1073741824)) ;;
	*) cg_val=$1 ;;
	esac
}

# cg_limit PATH KEY=VALUE...
cg_limit() {
	cg_p=$1
	shift
	cg_mem=
	cg_swap=
	for cg_kv; do
		cg_bytes "${cg_kv#*=}"
		case $cg_kv in
		mem=*) cg_mem=$cg_val ;;
		swap=*) cg_swap=$cg_val ;;
		cpus=*) echo "$cg_val" >"$CG_DIR_cpuset/$cg_p/cpuset.cpus" || return 1 ;;
		quota=*) cg_quota "$cg_val" || return 1 ;;
		*) return 1 ;;
		esac
	done
	cg_d=$CG_DIR_memory/$cg_p
	case $CG_VER_memory in
	2)
		[ -z "$cg_mem" ] || echo "$cg_mem" >"$cg_d/memory.max" || return 1
		[ -z "$cg_swap" ] || echo "$cg_swap" >"$cg_d/memory.swap.max"
		;;
	1)
		[ -z "$cg_mem" ] || echo "$cg_mem" >"$cg_d/memory.limit_in_bytes" || return 1
		[ -z "$cg_swap" ] || echo $((cg_mem + cg_swap)) >"$cg_d/memory.memsw.limit_in_bytes"
		;;
	*)
		[ -z "$cg_mem$cg_swap" ]
		;;
	esac
}

# cg_quota CPUS, with up to two decimals, or max
cg_quota() {
	cg_d=$CG_DIR_cpu/$cg_p
	case $1 in
	max)
		cg_us=max
		[ "$CG_VER_cpu" = 2 ] || cg_us=-1
		;;
	*)
		cg_x=$1.
		cg_frac=${cg_x#*.}
		cg_frac=${cg_frac%.}00
		# 1 before it, lest 08 be octal.
		cg_frac=1${cg_frac%"${cg_frac#??}"}
		cg_us=$((${1%%.*} * 100000 + (cg_frac - 100) * 1000))
		;;
	esac
	if [ "$CG_VER_cpu" = 2 ]; then
		echo "$cg_us 100000" >"$cg_d/cpu.max"
	else
		echo 100000 >"$cg_d/cpu.cfs_period_us" &&
			echo "$cg_us" >"$cg_d/cpu.cfs_quota_us"
	fi
}

cg_set() {
	read -r cg_p <"$TMP/ct/$1/cgroup"
	shift
	cg_limit "$cg_p" "$@"
}

cg_path() {
	cg_find "$2"
	[ -n "$cg_dir" ] || return 1
	read -r cg_p <"$TMP/ct/$1/cgroup"
	echo "$cg_dir/$cg_p"
}

cg_file() {
	cg_d=$(cg_path "$1" "$2") || return 1
	shift 2
	for cg_x; do
		if [ -e "$cg_d/$cg_x" ]; then
			cat "$cg_d/$cg_x"
			return
		fi
	done
	return 1
}

cg_mem_used() {
	cg_file "$1" memory memory.current memory.usage_in_bytes
}

cg_swap_used() {
	cg_file "$1" memory memory.swap.current ||
		cg_file "$1" memory memory.stat |
		awk '$1 == "total_swap" || $1 == "total_swapcached" { n += $2 } END { print n + 0 }'
}

# "USER SYSTEM" in microseconds.
cg_cpu_split() {
	if [ "$CG_VER_cpuacct" = 2 ]; then
		cg_file "$1" cpuacct cpu.stat |
			awk '$1 == "user_usec" { u = $2 } $1 == "system_usec" { s = $2 } END { print u, s }'
	else
		cg_file "$1" cpuacct cpuacct.usage_all |
			awk 'NR > 1 { u += $2; s += $3 } END { printf "%d %d\n", u / 1000, s / 1000 }'
	fi
}

cg_cpu_usec() {
	cg_cpu_split "$1" | {
		read -r cg_user cg_system
		echo $((cg_user + cg_system))
	}
}

# Every directory of this test in every hierarchy, deepest first.
cg_dirs() {
	cg_list=
	for cg_m in $CG_V1 $CG_V2; do
		[ ! -d "$cg_m/$1" ] || cg_list="$cg_list $cg_m/$1"
	done
	[ -z "$cg_list" ] || find $cg_list -depth -type d
}

cg_kill() {
	cg_dirs "$1" | while read -r cg_d; do
		while read -r cg_x; do
			kill -KILL "$cg_x" 2>/dev/null
		done <"$cg_d/cgroup.procs"
	done
}

cg_rmdir() {
	cg_dirs "$1" | xargs -r rmdir 2>/dev/null
	[ -z "$(cg_dirs "$1")" ]
}

# A process that is on its way out keeps its cgroup busy.
cg_remove() {
	wait_until cg_rmdir "$1"
}

# --- containers --------------------------------------------------------------

need_cgroups() {
	need_root
	need_command awk
	need_tool ct
	[ -n "$CG_VER_memory" ] && [ -n "$CG_VER_cpu" ] && [ -n "$CG_VER_cpuset" ] ||
		skip_all "needs the memory, cpu and cpuset controllers (found: $(cg_describe))"
}

ct_start() {
	ct=$1
	shift
	ct_d=$TMP/ct/$ct
	[ ! -e "$ct_d" ] || bail "container $ct exists already"
	mkdir -p "$ct_d"
	ct_limits=
	ct_outer=
	ct_nest=
	ct_options=
	[ -z "$MNT" ] || ct_options=--mount=$MNT
	while [ $# -gt 0 ]; do
		case $1 in
		outer_*=*) ct_outer="$ct_outer ${1#outer_}" ;;
		mem=* | swap=* | cpus=* | quota=*) ct_limits="$ct_limits $1" ;;
		nest=*) ct_nest=${1#nest=} ;;
		nocgns) ct_options="$ct_options --host-cgroup" ;;
		hostpid) ct_options="$ct_options --host-pid" ;;
		boottime=*) ct_options="$ct_options --$1" ;;
		userns) ct_options="$ct_options --user" ;;
		nobind) ct_options=${ct_options#"--mount=$MNT"} ;;
		*) break ;;
		esac
		shift
	done
	[ $# -gt 0 ] || set -- sleep 2147483647

	cg_mkdir "$CG_TEST" || bail "cannot make a cgroup $CG_TEST"
	ct_cg=$CG_TEST/$ct
	if [ -n "$ct_outer" ]; then
		cg_mkdir "$ct_cg-outer" || bail "cannot make a cgroup $ct_cg-outer"
		cg_limit "$ct_cg-outer" $ct_outer || bail "cannot set$ct_outer"
		ct_cg=$ct_cg-outer/$ct
	fi
	cg_mkdir "$ct_cg" || bail "cannot make a cgroup $ct_cg"
	cg_limit "$ct_cg" $ct_limits || bail "cannot set$ct_limits"
	echo "$ct_cg" >"$ct_d/cgroup"
	for cg_m in $CG_V1 $CG_V2; do
		echo "$cg_m/$ct_cg"
	done >"$ct_d/cgroups"

	mkfifo "$ct_d/go"
	"$TOOL/ct" start "$ct_d" $ct_options -- "$@" </dev/null >"$ct_d/log" 2>&1 &
	echo $! >"$ct_d/launcher"
	if ! wait_until ct_is_up $! || ! [ -s "$ct_d/pid" ]; then
		diag "$(cat "$ct_d/log")"
		bail "container $ct starts"
	fi
	if [ -n "$ct_nest" ]; then
		ct_nest_init "$ct_nest" || bail "cannot put pid 1 into $ct_nest"
	fi
	cg_cpu_usec "$ct" >"$ct_d/cpu_at_start"
	echo >"$ct_d/go"
}

ct_is_up() {
	[ -s "$ct_d/pid" ] || gone "$1"
}

# Without cg_enable: a cgroup2 that has processes cannot give its controllers on.
ct_nest_init() {
	read -r ct_init <"$ct_d/pid"
	while read -r cg_d; do
		mkdir "$cg_d/$1" || return 1
		if [ "$CG_VER_cpuset" = 1 ] && [ "$cg_d" = "$CG_DIR_cpuset/$ct_cg" ]; then
			for cg_x in cpuset.mems cpuset.cpus; do
				read -r cg_val <"$cg_d/$cg_x"
				echo "$cg_val" >"$cg_d/$1/$cg_x"
			done
		fi
		echo "$ct_init" >"$cg_d/$1/cgroup.procs" || return 1
	done <"$ct_d/cgroups"
}

ct_pid() {
	cat "$TMP/ct/$1/pid"
}

ct_exec() {
	cte_d=$TMP/ct/$1
	shift
	"$TOOL/ct" exec "$cte_d" "$@"
}

# ct_join NAME COMMAND...: in the container's cgroups, otherwise on the host.
ct_join() {
	cte_d=$TMP/ct/$1
	shift
	"$TOOL/ct" join "$cte_d" "$@"
}

ct_stop() {
	ct_d=$TMP/ct/$1
	read -r ct_init <"$ct_d/pid"
	kill -KILL "$ct_init" 2>/dev/null
	wait_until gone "$ct_init" || diag "container $1: pid 1 does not end"
	wait "$(cat "$ct_d/launcher")" 2>/dev/null
	read -r ct_cg <"$ct_d/cgroup"
	cg_kill "$ct_cg"
	case $ct_cg in
	*-outer/*) ct_cg=${ct_cg%/*} ;;
	esac
	cg_remove "$ct_cg" || diag "container $1: cgroups cannot be removed"
	rm -rf "$ct_d"
}

ct_cleanup() {
	cg_kill "$CG_TEST"
	cg_remove "$CG_TEST"
	[ ! -e "$TMP/cg_enabled" ] || while read -r cg_x; do
		echo "-$cg_x" >"$CG_V2/cgroup.subtree_control"
	done <"$TMP/cg_enabled" 2>/dev/null
}

ct_cleanup_check() {
	cg_left=$(cg_dirs "$CG_TEST")
	[ -z "$cg_left" ] || echo "cgroup left: $cg_left"
}

at_cleanup ct_cleanup
