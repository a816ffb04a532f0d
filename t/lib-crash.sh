# Test library: a fleet of readers that must not notice what is done to the daemon.
# After lib.sh and lib-container.sh.
#
# fleet_make			four containers c1 ... c4 with different limits
# fleet_start SECONDS		two readers in each, and one on the host of a long file
# fleet_stop			ends them before their time
# fleet_check NAME		waits for them: three assertions
# worker			the daemon's worker, or nothing between two
# crash SIGNAL MS SECONDS [COUNT [WRITES]]
#				signals a worker every MS (tool/crash); their number in CRASHES
# fault_daemon			the binary with faults built in becomes EVLXCFS_BIN
# sanitized			the daemon is a build with sanitizers
# seconds HERE THERE		HERE, or THERE in an emulated machine
# at_length LONG SHORT		LONG in check-long, else SHORT

# Workers that abort leave no core file.
ulimit -c 0

# A sanitizer's own handlers do not say whether somebody sent the signal (daemon/ownfault.c).
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0:handle_abort=0:handle_sigbus=0
export ASAN_OPTIONS

FLEET='1 2 3 4'

seconds() {
	if [ -n "${EVLXCFS_TEST_VM:-}" ]; then
		echo "$2"
	else
		echo "$1"
	fi
}

at_length() {
	if [ -n "${EVLXCFS_TEST_LONG:-}" ]; then
		echo "$1"
	else
		echo "$2"
	fi
}

sanitized() {
	grep -q -e asan -e ubsan "/proc/$DAEMON_PID/maps"
}

fault_daemon() {
	EVLXCFS_BIN=${EVLXCFS_FAULT_BIN:-$EVLXCFS_BIN-fault}
	[ -x "$EVLXCFS_BIN" ] || bail "$EVLXCFS_BIN is not built"
}

# Two have one CPU, two have all.
fleet_make() {
	f_all=$(nproc)
	for f_c in $FLEET; do
		case $f_c in
		1) f_cpus=0 ;;
		2) f_cpus=$((f_all - 1)) ;;
		*) f_cpus=0-$((f_all - 1)) ;;
		esac
		ct_start "c$f_c" "mem=$((f_c * 64 + 64))M" "cpus=$f_cpus"
	done
}

fleet_start() {
	# Some 20 kB; it is there where the kernel has it and root may read it.
	f_long=$MNT/proc/slabinfo
	[ -r "$f_long" ] || f_long=$MNT/proc/cpuinfo
	"$TOOL/vigil" "$1" "$f_long" >"$TMP/vigil.host" 2>&1 &
	fleet_pids=$!
	for f_c in $FLEET; do
		f_cpus=$f_all
		[ "$f_c" -gt 2 ] || f_cpus=1
		for f_r in a b; do
			ct_exec "c$f_c" "$TOOL/vigil" "$1" $(((f_c * 64 + 64) * 1024)) "$f_cpus" / \
				>"$TMP/vigil.$f_c$f_r" 2>&1 &
			fleet_pids="$fleet_pids $!"
		done
	done
}

fleet_stop() {
	# They are descendants of the ct that put them into the container.
	for f_p in $fleet_pids; do
		kill -TERM "$(daemon_pids "$f_p" | tail -n 1)"
	done
}

fleet_ended() {
	for f_p in $fleet_pids; do
		gone "$f_p" || return 1
	done
}

# Readings, and the longest in milliseconds, of all readers.
fleet_count() {
	awk '$1 == "ok" { n += $2; if ($3 > m) m = $3 } END { printf "%d %d\n", n, m }' "$TMP"/vigil.*
}

fleet_check() {
	ok "$1: every reader ends" wait_until fleet_ended || {
		for f_p in $(t_marked); do
			diag "$f_p $(sed -n 's/^State:[[:space:]]*//p' "/proc/$f_p/status") $(cat "/proc/$f_p/wchan" 2>/dev/null) $(tr '\0' ' ' <"/proc/$f_p/cmdline")"
		done
	}
	f_bad=
	for f_c in "$TMP"/vigil.*; do
		grep -Eq '^ok [1-9][0-9]* [0-9]+$' "$f_c" || f_bad="$f_bad$f_c: $(head -c 1500 "$f_c")"
	done
	is "$f_bad" '' "$1: no reading failed or was wrong"
	is "$(fleet_asleep)" '' "$1: no process in uninterruptible sleep"
	fleet_reads=$(fleet_count)
	diag "$1: ${fleet_reads% *} readings, the longest took ${fleet_reads#* } ms"
	rm -f "$TMP"/vigil.*
}

# Processes of this test that wait for a server that is gone.
fleet_asleep() {
	for f_try in 1 2 3 4 5; do
		f_asleep=
		for f_p in $(t_marked); do
			case $(sed -n 's/^State:[[:space:]]*//p' "/proc/$f_p/status" 2>/dev/null) in
			D*) f_asleep="$f_asleep $f_p" ;;
			esac
		done
		[ -n "$f_asleep" ] || return 0
		sleep 0.5
	done
	echo "$f_asleep"
}

worker() {
	for f_p in $(cat "/proc/$DAEMON_PID/task/$DAEMON_PID/children" 2>/dev/null); do
		read -r f_comm 2>/dev/null <"/proc/$f_p/comm" && [ "$f_comm" = evlxcfs-worker ] && echo "$f_p"
	done | tail -n 1
}

crash() {
	CRASHES=$("$TOOL/crash" "$DAEMON_PID" "$@")
}
