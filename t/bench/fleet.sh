#!/bin/sh
# Many containers alive at once, all of them reading: what a reading costs beside few, what
# the server holds meanwhile, and how soon it has given everything back when they are gone.
usage() {
	cat <<-'END'
	usage: t/bench/fleet.sh [OPTION...]
	  --containers=N   default 1000
	  --few=N          compared with so many of them, default 10
	  --rate=N         readings a second of all together, default 2000
	  --seconds=S      of each measurement, default 3
	  --rounds=N       medians of so many, default 5
	  --soak=S         then all of them read as fast as they can for so long
	  --systems=LIST   of: floor evlxcfs few evlxcfs-cfs lxcfs lxcfs-cfs
	  --other="BINARY ..." compare with this evlxcfs and options, too
	  --ahead          with a higher priority than what else runs on the machine
	  --json           JSON instead of the table
	few is evlxcfs --kept-files=64.
	END
}

CONTAINERS=1000
FEW=10
RATE=2000
SOAK=0
SYSTEMS='floor evlxcfs few lxcfs-cfs'
JSON=
ROUNDS=5
SECONDS_EACH=3
for arg; do
	case $arg in
	--help) usage; exit ;;
	--containers=*) CONTAINERS=${arg#*=} ;;
	--few=*) FEW=${arg#*=} ;;
	--rate=*) RATE=${arg#*=} ;;
	--seconds=*) SECONDS_EACH=${arg#*=} ;;
	--rounds=*) ROUNDS=${arg#*=} ;;
	--soak=*) SOAK=${arg#*=} ;;
	--systems=*) SYSTEMS=${arg#*=} ;;
	--other=*) OTHER=${arg#*=} ;;
	--ahead) AHEAD=1 ;;
	--json) JSON=1 ;;
	*) usage >&2; exit 100 ;;
	esac
done

. "$(dirname "$0")/lib.sh"
need_cgroups
[ -z "${AHEAD:-}" ] || go_ahead
system_define few evlxcfs --kept-files=64
[ -z "${OTHER:-}" ] || SYSTEMS="$SYSTEMS other"

# A memory cgroup for each server shows what the kernel holds for it from now on.
account() {
	cg_mkdir "$CG_TEST" && cg_mkdir "$CG_TEST/server-$1" || bail 'cannot make cgroups'
	for p in $(system_get pids "$1"); do
		echo "$p" >"$CG_DIR_memory/$CG_TEST/server-$1/cgroup.procs"
	done
}

kernel_kB() {
	k_dir=$CG_DIR_memory/$CG_TEST/server-$1
	if [ "$CG_VER_memory" = 2 ]; then
		awk '$1 == "kernel" || $1 == "slab" { if (!n || $1 == "kernel") n = $2 } END { print int(n / 1024) }' \
			"$k_dir/memory.stat"
	else
		read -r k_bytes <"$k_dir/memory.kmem.usage_in_bytes"
		echo $((k_bytes / 1024))
	fi
}

held() {
	memory "$1"
	for s in $SYSTEMS; do
		note memory "$1" "$s" kernel_kB "$(kernel_kB "$s")"
	done
}

descriptors() {
	n=0
	for p in $(system_get pids "$1"); do
		n=$((n + $(ls "/proc/$p/fd" | wc -l)))
	done
	echo "$n"
}

# one COUNT: so many of the containers, each with one reader. All have read once before: who
# has not for a while is forgotten while others are measured, and what a first reading costs is
# run.sh's section "cold".
one() {
	for file in meminfo uptime; do
		for s in $SYSTEMS; do
			progress "round $round of $ROUNDS: $file, $1 containers, $s"
			fleet once "$BIND/$s/$file" 0 "$1" >"$TMP/once" || bail "$s: failed"
			fleet_measure fleet "$file×$1" "$s" run "$SECONDS_EACH" "$BIND/$s/$file" \
				0 "$1" 1 $(($1 * 1000000 / RATE))
		done
	done
}

describe
for s in $SYSTEMS; do
	system_start "$s"
	account "$s"
	eval "$(system_var before "$s")=$(descriptors "$s")"
done
held start
progress "starting $CONTAINERS containers"
fleet_start "$CONTAINERS"
for round in $(seq "$ROUNDS"); do
	one "$FEW"
	one "$CONTAINERS"
done
held alive
if [ "$SOAK" -gt 0 ]; then
	for s in $SYSTEMS; do
		progress "soak: $s"
		fleet_measure soak "${SOAK}s" "$s" run "$SOAK" "$BIND/$s/meminfo" 0 "$CONTAINERS" 1 0
	done
	held soaked
fi

# But for the host's files and a timer, which stay open once they have been needed.
given_back() {
	[ "$(descriptors "$s")" -le "$(($(system_get before "$s") + 12))" ]
}

progress 'ending the containers'
kill -KILL "$FLEET_PID"
wait "$FLEET_PID" 2>/dev/null
t_now
end=$t_time
for s in $SYSTEMS; do
	wait_until given_back || diag "$s keeps $(descriptors "$s") descriptors"
	t_now
	note given_back all "$s" s $((t_time - end))
done
held end
report
