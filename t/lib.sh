# Test library: TAP, a daemon under test, and cleaning up after everything.
#
# A test is a POSIX shell script that sources this file, calls the functions
# below and ends with done_testing:
#
#	. "$(dirname "$0")/lib.sh"
#	daemon_start
#	is "$(wc -l <"$MNT/proc/loadavg")" 1 'loadavg is one line'
#	daemon_stop
#	done_testing
#
# Assertions (each prints one TAP line; NAME is always last but for ok):
#	ok NAME COMMAND...		the command succeeds (it runs in a subshell)
#	nok NAME COMMAND...		the command fails
#	is GOT WANT NAME		the same text
#	isnt GOT OTHER NAME		not the same text
#	is_near GOT WANT TOLERANCE NAME	numbers, |GOT - WANT| <= TOLERANCE
#	between LOW GOT HIGH NAME	numbers, LOW <= GOT <= HIGH
#	like TEXT ERE NAME		some line of TEXT matches
#	unlike TEXT ERE NAME
#	skip N REASON			N assertions are left out
#	skip_all REASON			the whole test is left out
#	diag TEXT			a comment
#
# Environment:
#	BUILD			directory of the products, default "build"
#	EVLXCFS_BIN		the daemon, default $BUILD/evlxcfs
#	EVLXCFS_OPTS		options added to every daemon
#	EVLXCFS_WRAP		command the daemon is run with, such as a tracer
#	EVLXCFS_TEST_NO_SKIP=1	a skip is a failure
#	EVLXCFS_TEST_DEADLINE	seconds before a wait is given up, default 60
#	EVLXCFS_TEST_NUMBER	tells this run from others at the same time, default $$

T_DIR=$(cd "$(dirname "$0")" && pwd)
T_TOP=$(cd "$T_DIR/.." && pwd)
case ${BUILD:=build} in
/*) ;;
*) BUILD=$T_TOP/$BUILD ;;
esac
TOOL=$BUILD/t/tool
: "${EVLXCFS_BIN:=$BUILD/evlxcfs}"
: "${EVLXCFS_TEST_DEADLINE:=60}"

# Everything a test starts inherits this mark, which is how a process that was
# left behind is found, whoever its parent is by then.
T_MARK=evlxcfs-test.${EVLXCFS_TEST_NUMBER:-$$}
EVLXCFS_TEST_MARK=$T_MARK
export EVLXCFS_TEST_MARK
LC_ALL=C
export LC_ALL

t_count=0
t_failed=0
t_diag=1
t_ended=
t_cleaners=
DAEMON_PID=
DAEMON_LOG=
MNT=

# --- TAP ---------------------------------------------------------------------

# The daemon's log without its report at the start and the line at its end.
daemon_said() {
	sed '1,/^evlxcfs: FUSE protocol/d; /^evlxcfs: ended;/d' "$DAEMON_LOG"
}

# What is said about a failure goes where prove shows it.
diag() {
	printf '%s\n' "$*" | sed 's/^/# /' >&"$t_diag"
}

t_pass() {
	t_count=$((t_count + 1))
	t_diag=1
	echo "ok $t_count - $*"
}

t_fail() {
	t_count=$((t_count + 1))
	t_failed=$((t_failed + 1))
	t_diag=2
	echo "not ok $t_count - $*"
	diag "failed: $*"
}

ok() {
	t_name=$1
	shift
	if t_out=$("$@" 2>&1); then
		t_pass "$t_name"
	else
		t_status=$?
		t_fail "$t_name"
		diag "status $t_status from: $*"
		[ -z "$t_out" ] || diag "$t_out"
		return 1
	fi
}

nok() {
	t_name=$1
	shift
	if t_out=$("$@" 2>&1); then
		t_fail "$t_name"
		diag "should have failed: $*"
		[ -z "$t_out" ] || diag "$t_out"
		return 1
	else
		t_pass "$t_name"
	fi
}

is() {
	if [ "$1" = "$2" ]; then
		t_pass "$3"
	else
		t_fail "$3"
		diag "     got: $1"
		diag "expected: $2"
		return 1
	fi
}

isnt() {
	if [ "$1" != "$2" ]; then
		t_pass "$3"
	else
		t_fail "$3"
		diag "got what it should not be: $1"
		return 1
	fi
}

t_is_number() {
	case $1 in
	'' | *[!0-9.-]*) return 1 ;;
	esac
}

between() {
	if t_is_number "$1" && t_is_number "$2" && t_is_number "$3" &&
		awk -v l="$1" -v x="$2" -v h="$3" 'BEGIN { exit !(l + 0 <= x + 0 && x + 0 <= h + 0) }'
	then
		t_pass "$4"
	else
		t_fail "$4"
		diag "     got: $2"
		diag "expected: $1 ... $3"
		return 1
	fi
}

is_near() {
	if t_is_number "$1" && t_is_number "$2" &&
		awk -v a="$1" -v b="$2" -v t="$3" 'BEGIN { d = a - b; exit !(d <= t && -d <= t) }'
	then
		t_pass "$4"
	else
		t_fail "$4"
		diag "     got: $1"
		diag "expected: $2, give or take $3"
		return 1
	fi
}

like() {
	if printf '%s\n' "$1" | grep -Eq -e "$2"; then
		t_pass "$3"
	else
		t_fail "$3"
		diag "     got: $1"
		diag "expected a match of: $2"
		return 1
	fi
}

unlike() {
	if printf '%s\n' "$1" | grep -Eq -e "$2"; then
		t_fail "$3"
		diag "             got: $1"
		diag "expected no match: $2"
		return 1
	else
		t_pass "$3"
	fi
}

skip() {
	t_left=$1
	shift
	while [ "$t_left" -gt 0 ]; do
		if [ -n "${EVLXCFS_TEST_NO_SKIP:-}" ]; then
			t_fail "skipped, which is not allowed here: $*"
		else
			t_count=$((t_count + 1))
			echo "ok $t_count # SKIP $*"
		fi
		t_left=$((t_left - 1))
	done
}

skip_all() {
	if [ "$t_count" -gt 0 ]; then
		skip 1 "$@"
		done_testing
	fi
	if [ -n "${EVLXCFS_TEST_NO_SKIP:-}" ]; then
		t_fail "skipped, which is not allowed here: $*"
		done_testing
	fi
	trap - EXIT
	t_cleanup
	echo "1..0 # SKIP $*"
	exit 0
}

bail() {
	t_fail "$*"
	exit 1
}

# The last call of every test.
done_testing() {
	t_ended=1
	exit
}

# --- waiting -----------------------------------------------------------------

# wait_until COMMAND...: run it until it succeeds; fails at the deadline.
wait_until() {
	t_now
	t_end=$((t_time + EVLXCFS_TEST_DEADLINE))
	until "$@"; do
		t_now
		[ "$t_time" -lt "$t_end" ] || return 1
		sleep 0.02
	done
}

t_now() {
	read -r t_time t_rest </proc/uptime
	t_time=${t_time%%.*}
}

# A process that is a zombie has ended: its parent is this shell or will be
# told in its own time.
alive() {
	[ -n "$1" ] && read -r t_stat 2>/dev/null <"/proc/$1/stat" || return 1
	case ${t_stat##*) } in
	Z* | X*) return 1 ;;
	esac
}

gone() {
	! alive "$1"
}

# --- mounts ------------------------------------------------------------------

is_mounted() {
	awk -v p="$1" '$5 == p { f = 1 } END { exit !f }' /proc/self/mountinfo
}

mount_count() {
	awk -v p="$1" '$5 == p { n++ } END { print n + 0 }' /proc/self/mountinfo
}

t_mounts_below() {
	awk -v p="$1" '$5 == p || index($5, p "/") == 1 { print $5 }' /proc/self/mountinfo
}

# fuse_waiting: requests at $MNT that are not answered yet, read by the daemon or not
# (Documentation/filesystems/fuse).
fuse_waiting() {
	if [ ! -e "$TMP/fusectl" ]; then
		mkdir "$TMP/fusectl"
		mount -t fusectl none "$TMP/fusectl"
	fi
	cat "$TMP/fusectl/$(mountpoint -d "$MNT" | cut -d : -f 2)/waiting"
}

# --- the daemon --------------------------------------------------------------

# daemon_start [OPTION...]: on a fresh directory. Sets MNT, DAEMON_PID and
# DAEMON_LOG. A test that cannot have its daemon ends here.
daemon_start() {
	t_mnts=$((${t_mnts:-0} + 1))
	mkdir "$TMP/mnt$t_mnts"
	daemon_start_at "$TMP/mnt$t_mnts" "$@"
}

# daemon_start_at DIRECTORY [OPTION...]
daemon_start_at() {
	[ -x "$EVLXCFS_BIN" ] || bail "no daemon to test: $EVLXCFS_BIN"
	MNT=$1
	shift
	daemon_spawn "$@" "$MNT"
	if ! wait_until t_ready_or_dead || ! [ -s "$t_ready" ]; then
		diag "the daemon's log:"
		diag "$(cat "$DAEMON_LOG")"
		bail "daemon serves at $MNT ($*)"
	fi
}

# daemon_spawn ARGUMENT...: start it and do not wait. EVLXCFS_OPTS and
# EVLXCFS_WRAP are lists of words on purpose.
daemon_spawn() {
	t_daemons=$((${t_daemons:-0} + 1))
	DAEMON_LOG=$TMP/daemon$t_daemons.log
	t_ready=$TMP/daemon$t_daemons.ready
	: >"$t_ready"
	# A sanitizer cannot look for leaks under a tracer.
	case ${EVLXCFS_WRAP:-} in
	*strace*) t_asan=detect_leaks=0 ;;
	*) t_asan=${ASAN_OPTIONS:-} ;;
	esac
	# shellcheck disable=SC2086
	ASAN_OPTIONS=$t_asan ${EVLXCFS_WRAP:-} "$EVLXCFS_BIN" --ready-fd=9 ${EVLXCFS_OPTS:-} "$@" \
		</dev/null >>"$DAEMON_LOG" 2>&1 9>"$t_ready" &
	DAEMON_PID=$!
	echo "$DAEMON_PID" >>"$TMP/daemons"
}

t_ready_or_dead() {
	[ -s "$t_ready" ] || gone "$DAEMON_PID"
}

# Every process of the daemon: the one that was started and its descendants.
daemon_pids() {
	t_tree "${1:-$DAEMON_PID}"
}

t_tree() {
	for t_pid in $1; do
		alive "$t_pid" || continue
		echo "$t_pid"
		for t_kid in $(cat "/proc/$t_pid/task/$t_pid/children" 2>/dev/null); do
			# A subshell, since the function's variables are global.
			(t_tree "$t_kid")
		done
	done
}

# The process that answers: the one that has /dev/fuse open and no child.
daemon_worker() {
	daemon_pids "${1:-$DAEMON_PID}" | tail -n 1
}

# daemon_wait: the exit status of DAEMON_PID in DAEMON_STATUS, "timeout" if it
# does not end.
daemon_wait() {
	DAEMON_STATUS=timeout
	wait_until gone "$DAEMON_PID" || return 1
	DAEMON_STATUS=0
	wait "$DAEMON_PID" || DAEMON_STATUS=$?
}

# daemon_stop [SIGNAL]: two assertions.
daemon_stop() {
	t_sig=${1:-TERM}
	t_family=$(daemon_pids)
	kill -"$t_sig" "$DAEMON_PID" 2>/dev/null
	daemon_wait
	is "$DAEMON_STATUS" 0 "daemon exits 0 on $t_sig" || diag "$(cat "$DAEMON_LOG")"
	t_left=
	is_mounted "$MNT" && t_left="mount at $MNT"
	for t_pid in $t_family; do
		wait_until gone "$t_pid" || t_left="$t_left process $t_pid"
	done
	is "$t_left" '' 'daemon leaves no mount and no process'
	DAEMON_PID=
}

# daemon_kill: no farewell for any of its processes, as in a power failure.
daemon_kill() {
	t_family=$(daemon_pids)
	# Stopped first: a keeper would replace a worker that dies before it.
	for t_pid in $t_family; do
		kill -STOP "$t_pid" 2>/dev/null
	done
	# The worker first: told of its keeper's end it would go on, and unmount.
	for t_pid in $(echo "$t_family" | tac); do
		kill -KILL "$t_pid" 2>/dev/null
	done
	daemon_wait
	for t_pid in $t_family; do
		wait_until gone "$t_pid"
	done
	DAEMON_PID=
}

# --- requirements ------------------------------------------------------------

# kernel_at_least MAJOR MINOR
kernel_at_least() {
	uname -r | awk -F'[.-]' -v a="$1" -v b="$2" '{ exit !($1 > a || ($1 == a && $2 >= b)) }'
}

need_root() {
	[ "$(id -u)" = 0 ] || skip_all 'needs root'
}

need_command() {
	for t_cmd; do
		command -v "$t_cmd" >/dev/null || skip_all "needs the program $t_cmd"
	done
}

need_fuse() {
	need_root
	[ -c /dev/fuse ] || skip_all 'needs /dev/fuse'
}

# need_tool NAME...: the C programs of t/tool.
need_tool() {
	for t_cmd; do
		[ -x "$TOOL/$t_cmd" ] || bail "$TOOL/$t_cmd is not built"
	done
}

# --- the end -----------------------------------------------------------------

# at_cleanup FUNCTION: call it at the end, however the end comes. The last one
# registered runs first.
at_cleanup() {
	t_cleaners="$1 $t_cleaners"
}

t_marked() {
	# grep itself must not carry the mark.
	env -u EVLXCFS_TEST_MARK grep -lszx "EVLXCFS_TEST_MARK=$T_MARK" /proc/[0-9]*/environ |
		while IFS=/ read -r t_x t_x t_pid t_x; do
			! alive "$t_pid" || echo "$t_pid"
		done
}

t_none_marked() {
	[ -z "$(t_marked)" ]
}

t_cleanup_daemons() {
	[ -e "$TMP/daemons" ] || return 0
	for t_dpid in $(cat "$TMP/daemons"); do
		alive "$t_dpid" || continue
		t_family=$(daemon_pids "$t_dpid")
		kill -TERM "$t_dpid" 2>/dev/null
		kill -CONT $t_family 2>/dev/null
	done
	t_tries=0
	while [ "$t_tries" -lt 250 ] && [ -n "$(daemon_pids "$(cat "$TMP/daemons")")" ]; do
		t_tries=$((t_tries + 1))
		sleep 0.02
	done
	for t_dpid in $(daemon_pids "$(cat "$TMP/daemons")"); do
		kill -KILL "$t_dpid" 2>/dev/null
	done
}

# A child that a signal caught between fork and exec does not carry the mark yet,
# and would begin its work when everything else is cleaned up.
t_end_children() {
	read -r t_kids 2>/dev/null <"/proc/$$/task/$$/children"
	for t_pid in $t_kids; do
		grep -qszx "EVLXCFS_TEST_MARK=$T_MARK" "/proc/$t_pid/environ" ||
			kill -KILL "$t_pid" 2>/dev/null
	done
}

# Leaves nothing behind: whatever carries the mark is ours and is ended, whatever
# is mounted below TMP is unmounted. Prints what could not be undone.
t_cleanup() {
	# The daemons first: a reader whose request was taken and is not answered
	# cannot be killed before.
	t_cleanup_daemons
	for t_fn in $t_cleaners; do
		"$t_fn"
	done
	# Descendants that a dead parent left, and background jobs of the test.
	for t_try in 1 2 3; do
		t_none_marked && break
		kill -KILL $(t_marked) 2>/dev/null
		wait_until t_none_marked
	done
	wait
	cd /
	t_mounts_below "$TMP" | sort -r | while read -r t_m; do
		umount -l "$t_m"
	done
	rm -rf --one-file-system "$TMP"

	t_left=$(t_marked)
	[ -z "$t_left" ] || echo "process left: $t_left"
	t_left=$(t_mounts_below "$TMP")
	[ -z "$t_left" ] || echo "mount left: $t_left"
	[ ! -e "$TMP" ] || echo "directory left: $TMP"
	for t_fn in $t_cleaners; do
		"${t_fn}_check"
	done
}

t_exit() {
	t_status=$?
	trap '' HUP INT TERM PIPE
	trap - EXIT
	if [ "$t_failed" -gt 0 ] && [ -n "$DAEMON_LOG" ] && [ -s "$DAEMON_LOG" ]; then
		t_diag=2
		diag "the last daemon's log:"
		diag "$(tail -n 40 "$DAEMON_LOG")"
	fi
	t_end_children
	t_left=$(t_cleanup 2>&1)
	if [ -n "$t_left" ]; then
		t_fail 'nothing is left behind'
		diag "$t_left"
	fi
	if [ -z "$t_ended" ]; then
		t_fail "the test ended early, status $t_status"
	elif [ "$t_count" -eq 0 ]; then
		t_fail 'the test asserted nothing'
	fi
	echo "1..$t_count"
	if [ -z "$t_ended" ] && [ "$t_status" -gt 128 ]; then
		exit "$t_status"
	fi
	[ "$t_failed" -eq 0 ] && exit 0
	exit 1
}

# The name is there before the traps and the directory after them, so that it is
# never left behind.
TMP=${TMPDIR:-/tmp}/$T_MARK.d
if [ -e "$TMP" ]; then
	echo "Bail out! $TMP exists"
	exit 111
fi
trap t_exit EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM
# Containers in a user namespace must be able to walk through it.
mkdir -m 755 "$TMP" || exit 111
