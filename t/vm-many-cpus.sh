#!/bin/sh
# A container of the last CPU alone on a host of many: what counts CPUs or indexes by their numbers,
# and what looks for the end of a file that is long for the host and short for the container.
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
last=$(sed 's/.*-//' /sys/devices/system/cpu/online)
[ "$last" -ge 3 ] || skip_all 'takes four CPUs'

daemon_start
ct_start one mem=128M cpus="$last"
ct_start pair mem=128M cpus=0-1

numbers() {
	ct_exec "$1" sh -c 'cd /sys/devices/system/cpu && cat online present possible offline
		getconf _NPROCESSORS_ONLN
		getconf _NPROCESSORS_CONF
		nproc
		nproc --all
		sed -n "s/^cpu\([0-9]\{1,\}\) .*/\1/p" /proc/stat
		sed -n "s/^processor.*: //p" /proc/cpuinfo' | tr '\n' ' '
}
is "$(numbers one)" "$last $last 0-$last 0-$((last - 1)) 1 $((last + 1)) 1 $((last + 1)) $last $last " 'the last CPU alone'
is "$(numbers pair)" '0-1 0-1 0-1  2 2 2 2 0 1 0 1 ' 'the first two'

# Sizes: from another reader's, whose text is longer.
for f in cpuinfo stat; do
	for tail in 'tail -n 2' 'tail -n 1' 'tail -n 7' tac; do
		wc -c "$MNT/proc/$f" >/dev/null
		is "$(ct_exec one $tail /proc/$f | sed 's/[0-9. ][0-9. ]*/ /g')" \
			"$(ct_exec one cat /proc/$f | $tail | sed 's/[0-9. ][0-9. ]*/ /g')" "$tail of $f ($(cat "/proc/$f" | wc -c) bytes for the host)"
	done
	! kernel_at_least 6 5 || between "$(cat "/proc/$f" | wc -c)" "$(stat -c %s "$MNT/proc/$f")" 1000000 "$f: its size holds the host's text"
	is "$(tail -n 2 "$MNT/proc/$f" | sed 's/[0-9. ][0-9. ]*/ /g')" "$(tail -n 2 "/proc/$f" | sed 's/[0-9. ][0-9. ]*/ /g')" "the host's tail of $f"
done

# jemalloc has an arena for each CPU where all that there are are online, and indexes them by
# sched_getcpu(3).
for library in /usr/lib/*/libjemalloc.so.2; do
	[ -e "$library" ] || skip_all 'needs libjemalloc2'
done
arenas() {
	ct_exec "$1" env LD_PRELOAD="$library" MALLOC_CONF=percpu_arena:percpu,stats_print:true \
		perl -e 'my @a = map { "x" x 5000 } 1 .. 200; print "ran\n"' >"$TMP/jemalloc" 2>&1 || echo "status $?"
	sed -n 's/^ran$/&/p; s/.*opt\.percpu_arena: //p; s/.*\(Per-CPU arena disabled\).*/\1/p' "$TMP/jemalloc" | sort
}
is "$(arenas one)" '"disabled"
Per-CPU arena disabled
ran' 'jemalloc on the last CPU alone declines an arena for each CPU' || diag "$(head -n 20 "$TMP/jemalloc")"
is "$(arenas pair)" '"percpu"
ran' 'jemalloc on the first two has one for each' || diag "$(head -n 20 "$TMP/jemalloc")"
ct_stop one
ct_stop pair
daemon_stop
done_testing
