#!/bin/sh
# The kernel refuses an answer. The reader gets EIO or a good answer, and never sleeps on.
# run: together
. "$(dirname "$0")/lib.sh"
need_fuse
need_command strace
need_command timeout

daemon_start
# refused ERROR NTH: uptime is read to its end, from an open descriptor, while the worker's
# NTH writev(2) fails. Prints the reader's status, the failures, and the reader's error.
refused() {
	: >"$TMP/attached"
	exec 3<"$MNT/proc/uptime"
	strace -o "$TMP/trace" -p "$(daemon_worker)" -e trace=writev -e "inject=writev:error=$1:when=$2" 2>"$TMP/attached" &
	tracer=$!
	wait_until grep -q attached "$TMP/attached" >/dev/null
	status=0
	timeout -s KILL 10 cat <&3 >"$TMP/out" 2>"$TMP/err" || status=$?
	kill "$tracer"
	wait "$tracer" 2>/dev/null || :
	exec 3<&-
	# Its RELEASE is answered before the next OPEN is.
	sleep 0.1
	echo "$status $(grep -c INJECTED "$TMP/trace") $(sed 's/.*: //' "$TMP/err")"
}
cat "$MNT/proc/uptime" >/dev/null
# The answers to the READ of the text and to the one at its end.
for error in EINVAL ENOMEM EFAULT EPERM; do
	for nth in 1 2; do
		is "$(refused $error $nth)" '1 1 Input/output error' "$error for answer $nth: the reader gets EIO"
	done
done
like "$(daemon_said)" 'the kernel refused an answer to READ: Invalid argument' 'the log names the request'
is "$(refused EINVAL 1..3)" '1 3 Input/output error' 'three refusals one after another: the reader still gets EIO'
is "$(refused ENOENT 99)" '0 0 ' 'without a refusal it reads'
ok 'the daemon serves on' grep -q . "$MNT/proc/uptime"
daemon_stop
done_testing
