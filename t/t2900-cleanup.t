#!/bin/sh
# A test that is interrupted, killed or that fails leaves nothing behind.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_command perl setsid
need_tool fsop

cat >"$TMP/inner" <<'EOT'
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
daemon_start
ct_start one mem=64M cpus=0
ct_start two mem=64M cpus=0 outer_mem=96M
ct_start three mem=64M userns nest=init.scope
# Its complaints at the end would get into the middle of a line of TAP.
ct_exec one sh -c 'while :; do cat /proc/meminfo /proc/stat; done' >/dev/null 2>&1 &
mkfifo "$TMP/fifo"
"$TOOL/fsop" hold 5 "$MNT/proc/meminfo" <>"$TMP/fifo" >/dev/null &
(cd "$MNT/proc" && exec sleep 1000) &
mkdir "$TMP/tmpfs"
mount -t tmpfs none "$TMP/tmpfs"
daemon_spawn "$TMP/nowhere"
kill -STOP "$(daemon_worker "$(head -n 1 "$TMP/daemons")")"
t_pass 'all is there'
echo up >>"$REPORT"
case $END in
wait)
	sleep 1000 &
	wait $!
	;;
exit) exit 3 ;;
bail) bail 'something' ;;
done) done_testing ;;
esac
EOT

# In a process group of its own, with the signals as a terminal gives them: a
# shell's background jobs ignore INT.
start_inner() {
	rm -f "$TMP/report"
	REPORT=$TMP/report END=$1 perl -e '
		use POSIX; delete $ENV{EVLXCFS_TEST_NUMBER}; setpgid(0, 0); $SIG{INT} = $SIG{QUIT} = "DEFAULT"; exec @ARGV' \
		sh -c '. "$1"' "$T_DIR/inner" "$TMP/inner" >"$TMP/inner.out" 2>&1 &
	inner=$!
}

# Whatever a test of this test's leaves behind, this test must not.
inner_end() {
	[ -z "${inner:-}" ] || ! alive "$inner" || {
		kill -TERM "-$inner"
		wait_until gone "$inner"
	}
}
inner_end_check() {
	:
}
at_cleanup inner_end

left() {
	mark=evlxcfs-test.$inner
	env -u EVLXCFS_TEST_MARK grep -lszx "EVLXCFS_TEST_MARK=$mark" /proc/[0-9]*/environ
	grep "$mark" /proc/self/mountinfo
	for m in $CG_V1 $CG_V2; do
		[ ! -e "$m/$mark" ] || echo "$m/$mark"
	done
	ls -d "${TMPDIR:-/tmp}/$mark".* 2>/dev/null
}

finished() {
	wait_until gone "$inner" || {
		t_fail 'it ends'
		return 1
	}
	status=0
	wait "$inner" || status=$?
}

is_up() {
	grep -q '^up$' "$TMP/report" 2>/dev/null || gone "$inner"
}

for how in exit bail done; do
	start_inner $how
	finished
	case $how in
	done) is "$status" 0 'a test that ends well' || diag "$(cat "$TMP/inner.out")" ;;
	*) is "$status" 1 "a test that ends by $how" ;;
	esac
	like "$(cat "$TMP/inner.out")" '^ok [0-9]+ - all is there' 'was complete'
	is "$(left)" '' "leaves nothing ($how)"
done

for sig in INT TERM HUP; do
	for to in group shell; do
		start_inner wait
		wait_until is_up
		like "$(cat "$TMP/report" "$TMP/inner.out")" '^up$' 'a test runs'
		if [ $to = group ]; then
			kill -$sig -$inner
		else
			kill -$sig "$inner"
		fi
		finished
		case $sig in
		HUP) want=129 ;;
		INT) want=130 ;;
		TERM) want=143 ;;
		esac
		is "$status" $want "$sig to its $to ends it" || diag "$(cat "$TMP/inner.out")"
		is "$(left)" '' "and leaves nothing ($sig, $to)"
		like "$(cat "$TMP/inner.out")" '^not ok .*ended early' 'and it says so'
	done
done

# At any other moment.
for delay in 0 0.03 0.08 0.15 0.25 0.4; do
	start_inner wait
	wait_until kill -0 -$inner 2>/dev/null
	sleep $delay
	kill -TERM -$inner 2>/dev/null
	finished
	is "$(left)" '' "TERM after $delay seconds leaves nothing"
done
done_testing
