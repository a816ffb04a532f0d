#!/bin/sh
# --enable-psi-poll: a container's process is woken when its own cgroup is under pressure,
# also over a crash and an upgrade of the daemon.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
. "$T_DIR/lib-crash.sh"
need_fuse
need_cgroups
need_tool pressed
need_tool burn
need_command setpriv
head -n 1 /proc/pressure/cpu >/dev/null 2>&1 || skip_all 'this kernel counts no pressure'
diag "$(cg_describe)"

cpu=/proc/pressure/cpu
often='some 100000 2000000'
steady='some 20000 2000000'
# Where the machine alone must not make one.
rare_text='some 1900000 2000000'

# pressed CONTAINER [WAIT...]: a trigger on its CPUs, and what it says.
pressed() {
	p_ct=$1
	shift
	ct_exec "$p_ct" "$TOOL/pressed" "$cpu" "$often" "$@" | paste -sd' '
}

# press CONTAINER [MS]: two that want its one CPU, each for so long.
press() {
	ct_exec "$1" "$TOOL/burn" user "${2:-1500}" &
	pr_one=$!
	ct_exec "$1" "$TOOL/burn" user "${2:-1500}"
	wait $pr_one
}

# waiter NAME CONTAINER WAIT...: one in the background, which has set its trigger.
waiter() {
	w_name=$1
	w_ct=$2
	shift 2
	rm -f "$TMP/$w_name.set"
	pressed "$w_ct" "say=$TMP/$w_name.set" "$@" >"$TMP/$w_name" &
	eval "w_$w_name=$!"
	wait_until test -e "$TMP/$w_name.set" || diag "$w_name: no trigger in time"
}

# says NAME TEXT WHAT: what it has said in the end.
says() {
	eval "wait \$w_$1"
	is "$(cat "$TMP/$1")" "$2" "$3"
}

# Its helpers are its children.
worker() {
	pgrep -P "$DAEMON_PID"
}

files() {
	find "/proc/$(worker)/fd" -type l | wc -l
}

daemon_start
ct_start plain mem=128M cpus=0
is "$(pressed plain)" EROFS 'without the option: read-only'
is "$(ct_exec plain stat -c %a $cpu)" 444 'and its mode says so'
ct_stop plain
daemon_stop

if [ -z "$(cg_version psi)" ]; then
	# The host's, whose file wants CAP_SYS_RESOURCE in older kernels.
	want=$("$TOOL/pressed" $cpu "$often" again | paste -sd' ')
	daemon_start --enable-psi-poll
	ct_start host mem=128M cpus=0
	is "$(pressed host again)" "$want" 'no cgroup2: a trigger on the host'
	daemon_stop
	done_testing
fi

daemon_start --enable-psi-poll --kept-files=0
ct_start p mem=128M cpus=0
# Work in p must not keep q from its CPU, which is pressure.
ct_start q mem=128M "cpus=$(sed 's/.*[-,]//' /sys/devices/system/cpu/online)"
is "$(ct_exec p stat -c %a $cpu /proc/pressure/memory /proc/meminfo | paste -sd' ')" '666 666 444' 'modes'
is "$(ct_exec p head -n 1 $cpu | sed 's/[0-9.]\{1,\}/N/g')" 'some avgN=N avgN=N avgN=N total=N' 'it can be read'
is "$(ct_exec p "$TOOL/pressed" /proc/meminfo "$often")" EIO 'no other file takes one'
before=$(files)

# EINVAL where the kernel takes only multiples of 2 s from a process without CAP_SYS_RESOURCE (Linux 6.5,
# also in Debian's 6.1). The daemon has the capability where this test has it.
any=$("$TOOL/pressed" "$(cg_path p psi)/cpu.pressure" 'some 150000 1000000')
like "$any" '^(set|EINVAL)$' 'a window of 1 s, from the kernel'
while IFS=: read -r text want; do
	is "$(ct_exec p "$TOOL/pressed" $cpu "$text")" "$want" "'$text': $want"
done <<EOT
some 150000 1000000:$any
some 100000 3000000:$any
some 100000 500000:$any
full 500000 9999999:$any
some 100000 499999:EINVAL
some 1 1:EINVAL
some 100000 10000001:EINVAL
some 100000 2000000:set
full 1 10000000:set
some 2000000 2000000:set
some   500000	4000000:set
some 0 2000000:EINVAL
some 2000001 2000000:EINVAL
some 100000 12000000:EINVAL
some 100000 18446744073711551616:EINVAL
some -1 2000000:EINVAL
some 100000:EINVAL
some:EINVAL
all 100000 2000000:EINVAL
somewhat 100000 2000000:EINVAL
100000 2000000:EINVAL
EOT
for f in io memory; do
	is "$(ct_exec p "$TOOL/pressed" /proc/pressure/$f "$often")" set "$f: set"
done
is "$(pressed p again)" 'set EBUSY' 'a second one for the same open file'
is "$(ct_exec p "$TOOL/pressed" $cpu '' poll=5)" error 'without a trigger poll says so'
ok 'from a shell, which makes the file shorter first' ct_exec p sh -c "echo '$often' >$cpu"
is "$(ct_exec p setpriv --reuid=1000 --clear-groups "$TOOL/pressed" $cpu "$often")" set 'not only root'

waiter one p poll=30
waiter two p epoll=30
# p is under pressure for longer than the second that this one asks for; a busy machine makes less in q.
often='some 1000000 2000000'
waiter other q poll=4
often='some 100000 2000000'
press p
says one 'set event' 'poll: an event'
says two 'set event' 'epoll: an event'
says other 'set none' 'not in another container'

# As many events in 21 s as the kernel tells of itself: 11 where it is asked with the capability. The
# two do not begin at the same moment.
press p 25000 &
pressing=$!
"$TOOL/pressed" "$(cg_path p psi)/cpu.pressure" "$steady" "say=$TMP/native.set" count=21 >"$TMP/native" &
native=$!
wait_until test -e "$TMP/native.set"
ct_exec p "$TOOL/pressed" $cpu "$steady" count=21 >"$TMP/counted"
wait $native
wait $pressing
native=$(sed -n 2p "$TMP/native")
between 4 "$native" 12 'events of steady pressure, from the kernel'
between $((native - 1)) "$(sed -n 2p "$TMP/counted")" $((native + 1)) "as many from the daemon as the kernel's $native"

# A crash: what waits is set again.
waiter one p poll=60
waiter two p epoll=60
old=$(worker)
kill -KILL "$old"
replaced() {
	[ "$(worker)" != "$old" ] && ct_exec p head -c 1 $cpu >/dev/null
}
ok 'another worker' wait_until replaced
is "$(pressed q)" set 'which takes triggers'
press p
says one 'set event' 'after a crash: poll'
says two 'set event' 'after a crash: epoll'

# An upgrade.
waiter one p poll=60
old=$(worker)
kill -HUP "$DAEMON_PID"
ok 'a new program' wait_until replaced
press p
says one 'set event' 'after an upgrade'

# Whoever waits is not alarmed by that: more of them than are set again at a time. Of memory: twenty
# processes that start at once on one CPU are pressure of their own container's CPU, and a virtual
# machine that stands still meanwhile makes that last. What is behind the 31st byte does not matter.
long="$rare_text $(printf '%01000d')"
calm() {
	for c_i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		ct_exec q "$TOOL/pressed" /proc/pressure/memory "$long" "say=$TMP/calm.$c_i" poll=7 &
	done
	wait
}
calm | sort | uniq -c | paste -sd' ' >"$TMP/calm" &
calm=$!
are_set() {
	[ "$(find "$TMP" -name 'calm.*' | wc -l)" = 20 ]
}
ok 'twenty that wait' wait_until are_set
old=$(worker)
kill -KILL "$old"
ok 'another worker' wait_until replaced
old=$(worker)
kill -HUP "$DAEMON_PID"
ok 'and another' wait_until replaced
wait $calm
is "$(sed 's/  */ /g' "$TMP/calm")" ' 20 none 20 set' 'none was told anything'

# Nor is one whose CPU has been under pressure before: the kernel begins to count anew with the trigger,
# but where it would not take any window (window_reset() in psi_trigger_create() of kernel/sched/psi.c
# takes the total of triggers set with the capability).
ct_exec p "$TOOL/pressed" $cpu "$rare_text" "say=$TMP/past.set" poll=7 >"$TMP/past" &
past=$!
ok 'one that waits where pressure is past' wait_until test -e "$TMP/past.set"
old=$(worker)
kill -KILL "$old"
ok 'another worker sets it again' wait_until replaced
wait $past
want=none
[ $any = set ] || want='(none|event)'
like "$(paste -sd' ' "$TMP/past")" "^set $want\$" 'it was told of no past pressure'

# Somebody ends the process that has the files open besides.
# (A new trigger of Linux 6.12 tells of what was before it, too: not of the CPUs.)
ct_exec p "$TOOL/pressed" /proc/pressure/memory "$rare_text" "say=$TMP/quiet.set" poll=120 >"$TMP/quiet" &
quiet=$!
ok 'a trigger' wait_until test -e "$TMP/quiet.set"
holder() {
	pgrep -P "$(worker)"
}
# It is a new one whenever there is a new trigger: one that stays.
one_holder() {
	held=$(holder)
	sleep 0.3
	[ "$(echo "$held" | grep -c .)" = 1 ] && [ "$held" != "${old:-}" ] && [ "$(holder)" = "$held" ]
}
old=
ok 'a holder' wait_until one_holder
old=$(holder)
kill -KILL "$old"
ok 'another holder' wait_until one_holder
waiter one p poll=30
press p
says one 'set event' 'which nobody notices'
for pid in $(cat "$(cg_path p psi)/cgroup.procs"); do
	read -r comm 2>/dev/null <"/proc/$pid/comm" && [ "$comm" = pressed ] && kill "$pid"
done
wait $quiet

# Its cgroup has so many, and no other less for that.
is "$(pressed p many=40)" 'set 31 ENOSPC' 'a container has 32 at most'
waiter one p many=40 poll=60
is "$(pressed q many=31)" 'set 31 set' 'another one has its own'
press p
says one 'set 31 ENOSPC event' 'the first of them still tells'
all_closed() {
	[ "$(files)" -le "$before" ]
}
ok 'nothing stays open' wait_until all_closed
no_helper() {
	[ "$(daemon_pids | wc -l)" = 2 ]
}
ok 'no helper stays' wait_until no_helper

# A container that has ended.
waiter one q poll=30
cg=$(cg_path q psi)
ct_stop q
nok 'its cgroup can be removed' test -e "$cg"
ok 'and nothing of it stays open' wait_until all_closed

# All places taken: whoever has most makes room for who has less.
for c in 1 2 3 4 5 6 7 8; do
	ct_start "r$c" mem=64M cpus=0
	ct_exec "r$c" "$TOOL/pressed" /proc/pressure/memory "$rare_text" many=31 "say=$TMP/r$c.set" poll=120 >"$TMP/r$c" &
done
all_taken() {
	[ "$(find "$TMP" -name 'r*.set' | wc -l)" = 8 ]
}
ok 'eight containers' wait_until all_taken
is "$(cat "$TMP"/r? | sort | uniq -c | sed 's/^ *//' | paste -sd,)" '8 31 set,8 set' 'have all 256 places'
is "$(pressed p many=3)" 'set 3 set' 'and one that has none gets some'
for c in 1 2 3 4 5 6 7 8; do
	ct_stop "r$c"
done

# Its files are the container's own.
ct_start u mem=128M cpus=0 userns
while read -r d; do
	chown -R 100000:100000 "$d"
done <"$TMP/ct/u/cgroups"
is "$(pressed u)" set 'a container with a user namespace that owns its cgroup'
daemon_stop
daemon_start --enable-psi-poll --drop-capability=dac_override
ct_start v mem=128M cpus=0 userns
is "$(pressed v)" set 'without dac_override: one that does not'
while read -r d; do
	chown -R 100000:100000 "$d"
done <"$TMP/ct/v/cgroups"
is "$(pressed v)" EACCES 'and one that does'
daemon_stop
unlike "$(cat "$DAEMON_LOG")" 'refused' 'the kernel took every answer'

# Workers that end in the middle: every write is answered, and no place is lost.
fault_daemon
for stage in replied:5 parked:2; do
	EVLXCFS_FAULT=$stage daemon_start --enable-psi-poll
	ct_start w mem=128M cpus=0
	for i in 1 2 3 4 5 6 7 8 9 10; do
		pressed w many=3
	done | sort | uniq -c | sed 's/^ *//' >"$TMP/w"
	is "$(cat "$TMP/w")" '10 set 3 set' "aborts at $stage: all are set"
	is "$(pressed w many=40)" 'set 31 ENOSPC' 'and all places are there'
	like "$(cat "$DAEMON_LOG")" 'was ended by signal 6' 'it happened'
	ct_stop w
	daemon_stop
done
done_testing
