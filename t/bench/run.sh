#!/bin/sh
# Compares evlxcfs with lxcfs, with what FUSE itself costs, and with the host's own files.
# Prints a table.
usage() {
	cat <<-'END'
	usage: t/bench/run.sh [OPTION...]
	  --json               JSON instead of the table
	  --quick              fewer workloads and shorter, in a minute
	  --rounds=N           medians of so many, default 5
	  --seconds=S          of each measurement, default 0.2
	  --idle=S             of watching idle servers, default 10
	  --fleet=N            also so many containers at once (1000)
	  --sections=LIST      of: start cats fresh core pread fleet herd crowd cold syscalls idle memory
  --crowd=LIST         readers of one container beside another's, default 64 800 3000
	  --systems=LIST       of: native floor evlxcfs evlxcfs-cfs lxcfs lxcfs-cfs
	  --files=LIST         of: meminfo stat uptime loadavg cpuinfo
	  --other="BINARY ..." compare with this evlxcfs and options, too
	  --ahead              with a higher priority than what else runs on the machine
	Lists have blanks. Wants nothing else to run on the machine.
	END
}

SECTIONS='start cats fresh core pread fleet herd crowd cold syscalls idle memory'
CROWDS='64 800 3000'
SYSTEMS='native floor evlxcfs evlxcfs-cfs lxcfs lxcfs-cfs'
IDLE=10
FLEETS='1 10 100'
READ='meminfo stat uptime loadavg cpuinfo'
QUICK=
JSON=
ROUNDS=5
SECONDS_EACH=0.2
for arg; do
	case $arg in
	--help) usage; exit ;;
	--json) JSON=1 ;;
	--quick)
		QUICK=1
		ROUNDS=3
		SECONDS_EACH=0.1
		IDLE=5
		FLEETS='1 10'
		READ='meminfo uptime'
		CROWDS='64 800'
		;;
	--rounds=*) ROUNDS=${arg#*=} ;;
	--seconds=*) SECONDS_EACH=${arg#*=} ;;
	--idle=*) IDLE=${arg#*=} ;;
	--crowd=*) CROWDS=${arg#*=} ;;
	--fleet=*) FLEETS="$FLEETS ${arg#*=}" ;;
	--sections=*) SECTIONS=${arg#*=} ;;
	--other=*) OTHER=${arg#*=} ;;
	--ahead) AHEAD=1 ;;
	--systems=*) SYSTEMS=${arg#*=} ;;
	--files=*) READ=${arg#*=} ;;
	*) usage >&2; exit 100 ;;
	esac
done

. "$(dirname "$0")/lib.sh"
need_cgroups
[ -z "${AHEAD:-}" ] || go_ahead
[ -z "${OTHER:-}" ] || SYSTEMS="$SYSTEMS other"
command -v lxcfs >/dev/null || {
	case " $SYSTEMS" in
	*' lxcfs'*) echo 'run.sh: lxcfs is not installed: without it' >&2 ;;
	esac
	SYSTEMS=$(for s in $SYSTEMS; do [ "${s%-cfs}" = lxcfs ] || echo "$s"; done)
}

wanted() {
	case " $SECTIONS " in
	*" $1 "*) ;;
	*) return 1 ;;
	esac
}

servers() {
	for s in $SYSTEMS; do
		[ "$s" = native ] || echo "$s"
	done
}

# cats SECTION SYSTEM MODE PROCESSES FILE [NAME]
cats() {
	system_measure "$1" "${6:-$5×$4}" "$2" "$TOOL/ct" exec "$TMP/ct/c1" \
		"$BENCH/cats" "$3" "$4" "$SECONDS_EACH" "$BIND/$2/$5"
}

# --- sections, each one round ---

section_cats() {
	for file in $READ; do
		processes='1 4 16'
		[ "$file" != meminfo ] || [ -n "$QUICK" ] || processes='1 2 4 16'
		[ -z "$QUICK" ] || processes='1 4'
		for n in $processes; do
			for s in $SYSTEMS; do
				cats cats "$s" loop "$n" "$file"
			done
		done
	done
}

section_fresh() {
	for file in meminfo uptime; do
		for s in $SYSTEMS; do
			cats fresh "$s" fresh 1 "$file"
		done
	done
}

pinned() {
	system_measure core "$2" "$1" taskset -c 0 "$TOOL/ct" exec "$TMP/ct/c1" \
		"$BENCH/cats" loop 1 "$SECONDS_EACH" "$BIND/$1/$2"
}

section_core() {
	for s in $SYSTEMS; do
		for p in $(system_get pids "$s"); do
			taskset -acp 0 "$p"
		done >/dev/null
		for file in meminfo stat; do
			pinned "$s" "$file"
		done
		for p in $(system_get pids "$s"); do
			taskset -acp "0-$(($(nproc --all) - 1))" "$p"
		done >/dev/null
	done
}

section_pread() {
	for s in $SYSTEMS; do
		cats pread "$s" pread 1 meminfo meminfo
	done
}

# Each container 100 times a second at most, all of them 4,000 at most.
section_fleet() {
	for n in $FLEETS; do
		for s in $SYSTEMS; do
			fleet_measure fleet "$n" "$s" run "$FLEET_SECONDS" "$BIND/$s/meminfo" \
				0 "$n" 1 $((n * 250 > 10000 ? n * 250 : 10000))
		done
	done
}

section_herd() {
	for s in $(servers); do
		file=$BIND/$s/meminfo
		fleet_measure herd 1x4 "$s" run "$SECONDS_EACH" "$file" 0 1 4 0
		fleet_measure herd 100x4 "$s" run "$SECONDS_EACH" "$file" 0 100 4 0
		fleet_measure herd quiet "$s" run "$SECONDS_EACH" "$file" 0 1 1 1000
		fleet_measure herd beside-64,the-64 "$s" run "$SECONDS_EACH" "$file" 0 1 1 1000 1 2 64 0
	done
}

# One paced reader beside so many of another container. Long enough for 100 of its readings
# where each has to wait for all of the others'.
section_crowd() {
	for n in $CROWDS; do
		for s in $(servers); do
			file=$BIND/$s/meminfo
			fleet_measure crowd "beside-$n,the-$n" "$s" run "$CROWD_SECONDS" "$file" \
				0 1 1 2000 1 2 "$n" 0
		done
	done
}

# New containers each time: those of the fleet that have never read.
section_cold() {
	for s in $SYSTEMS; do
		fleet_measure cold first "$s" once "$BIND/$s/uptime" "$cold" $((cold + 8))
		fleet_measure cold second "$s" once "$BIND/$s/uptime" "$cold" $((cold + 8))
	done
	cold=$((cold + 8))
}

# --- sections that are done once ---

section_start() {
	mkdir "$TMP/mnt-start"
	for round in $(seq "$ROUNDS"); do
		for s in $(servers); do
			[ "$s" != floor ] || [ -d "$TMP/floor" ] || floor_contents
			# shellcheck disable=SC2046
			us=$("$BENCH/start" "$TMP/mnt-start/proc/meminfo" $(system_command "$s") \
				"$TMP/mnt-start" 2>>"$TMP/start.log") || bail "$s does not start"
			note start time "$s" ms "$(awk -v us="$us" 'BEGIN { printf "%.1f", us / 1000 }')"
			wait_until not_mounted
		done
	done
}

not_mounted() {
	! is_mounted "$TMP/mnt-start"
}

attached() {
	grep -qs attached "$TMP/strace.err"
}

# System calls of the server for one cat.
section_syscalls() {
	command -v strace >/dev/null || return 0
	for file in $READ; do
		for s in $(servers); do
			progress "system calls: $file, $s"
			# shellcheck disable=SC2046
			strace -f -c -o "$TMP/strace.out" \
				$(printf -- '-p %s ' $(system_get pids "$s")) 2>"$TMP/strace.err" &
			strace=$!
			wait_until attached
			ct_exec c1 "$BENCH/cats" loop 1 0.2 "$BIND/$s/$file" >"$TMP/strace.cats"
			kill -INT "$strace"
			wait "$strace"
			read -r count rest <"$TMP/strace.cats"
			awk -v count="$((count + 1))" -v file="$file" -v s="$s" '
				$1 ~ /^[0-9.]+$/ && $NF != "total" && $4 / count >= 0.05 {
					printf "val syscalls %s %s %s %.2f\n", file, s, $NF, $4 / count
				}' "$TMP/strace.out" >>"$RESULTS"
		done
	done
}

# With every container alive and nobody reading.
section_idle() {
	progress "idle for $IDLE s"
	for s in $(servers); do
		# shellcheck disable=SC2046
		"$BENCH/usage" $(system_get pids "$s") -- sh -c "sleep $IDLE; echo" >"$TMP/idle-$s" &
		eval "$(system_var idle "$s")=\$!"
	done
	for s in $(servers); do
		wait "$(system_get idle "$s")"
		read -r ns switches <"$TMP/idle-$s"
		note idle "${IDLE}s" "$s" wakeups "$switches"
		note idle "${IDLE}s" "$s" cpu_us $((ns / 1000))
	done
}

# --- all of it ---

describe
! wanted start || section_start
for s in $SYSTEMS; do
	progress "starting $s"
	system_start "$s"
done
! wanted memory || memory start
ct_start c1 nobind mem=1G
measure_needed
if wanted fleet || wanted herd || wanted crowd || wanted cold; then
	size=100
	for n in $FLEETS; do
		[ "$n" -le "$size" ] || size=$n
	done
	cold=$size
	progress "starting $size containers"
	fleet_start $((size + 8 * ROUNDS))
fi
CROWD_SECONDS=$(awk -v s="$SECONDS_EACH" 'BEGIN { print s * 10 }')
FLEET_SECONDS=$(awk -v s="$SECONDS_EACH" 'BEGIN { print s * 2 }')
for round in $(seq "$ROUNDS"); do
	for section in cats fresh core pread fleet herd crowd cold; do
		wanted "$section" || continue
		progress "round $round of $ROUNDS: $section"
		"section_$section"
	done
done
! wanted syscalls || section_syscalls
# What was read a while ago is forgotten by then.
! wanted memory || memory end
if wanted idle; then
	progress 'waiting for quiet'
	sleep 16
	section_idle
fi
report
