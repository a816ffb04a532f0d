#!/bin/sh
# Opening, looking up and listing fail once for want of memory or descriptors, whichever call
# it is. A reader sees what it sees without: no file and no CPU is missing.
# run: together
. "$(dirname "$0")/lib.sh"
need_fuse
need_command strace

daemon_start
cpu=$MNT/sys/devices/system/cpu
list() {
	(cd "$cpu" && ls . cpu0 && cat online)
}
want=$(list)
is "$(echo "$want" | grep -c '^cpu[0-9]*$')" "$(nproc --all)" 'every CPU is listed'

# refused CALL ERROR NTH: what list gives while the worker's NTH call fails; the number of
# failures in fact is in $TMP/count.
refused() {
	: >"$TMP/attached"
	strace -o "$TMP/trace" -p "$(daemon_worker)" -e "trace=$1" -e "inject=$1:error=$2:when=$3" 2>"$TMP/attached" &
	tracer=$!
	wait_until grep -q attached "$TMP/attached" >/dev/null
	list 2>&1
	kill "$tracer"
	wait "$tracer" 2>/dev/null || :
	grep -c INJECTED "$TMP/trace" >"$TMP/count"
}
for call in openat newfstatat getdents64 mmap; do
	for error in ENOMEM EMFILE; do
		failed=0
		for nth in 1 2 3 5 8 13 21; do
			got=$(refused $call $error $nth)
			failed=$((failed + $(cat "$TMP/count")))
			[ "$got" = "$want" ] || {
				is "$got" "$want" "$call: $error the $nth. time"
				break
			}
		done
		is "$got" "$want" "$call fails once with $error: the list is whole"
		case $call in
		mmap) ;;
		*) ok "$call: $error was given" [ "$failed" -gt 0 ] ;;
		esac
	done
done
daemon_stop
done_testing
