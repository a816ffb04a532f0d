#!/bin/sh
# Callers of every kind: containers that share the host's pid namespace, pods,
# containers in containers, a pid 1 that becomes another program, callers that
# cannot be seen, and namespaces whose number was another's a moment ago.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool fsop
need_command nsenter unshare
daemon_start

total='s/^MemTotal: *\([0-9]*\).*/\1/p'
host=$(sed -n "$total" /proc/meminfo)
sees() {
	ct_exec "$1" sed -n "$total" /proc/meminfo
}

# --- the host's pid namespace, a cgroup of its own
for kind in hostpid 'hostpid nocgns'; do
	# shellcheck disable=SC2086
	ct_start hp mem=128M cpus=0 $kind
	is "$(sees hp)" 131072 "$kind: its memory"
	is "$(ct_exec hp grep -c '^processor' /proc/cpuinfo)" 1 "$kind: its CPUs"
	is_near "$(ct_exec hp cut -d. -f1 /proc/uptime)" "$(cut -d. -f1 /proc/uptime)" 3 "$kind: the host's uptime"
	is "$(ct_exec hp "$TOOL/fsop" thread /proc/meminfo | sed -n "$total")" 131072 "$kind: a thread"
	ct_stop hp
done
is "$(sed -n "$total" "$MNT/proc/meminfo")" "$host" 'and the host sees the host'

# The same name again is another container.
for mb in 64 96; do
	ct_start hp mem=${mb}M cpus=0 hostpid nocgns
	is "$(sees hp)" $((mb * 1024)) "the host's pid namespace, a new container of ${mb} MB"
	ct_stop hp
done

# --- a pod: one pid namespace, several cgroups
pod() {
	nsenter -t "$(ct_pid pause)" -p -m -- "$@" sed -n "$total" "$MNT/proc/meminfo"
}
for kind in '' nocgns; do
	enter=${kind:+env}
	: "${enter:=unshare --cgroup}"
	# shellcheck disable=SC2086
	ct_start pause mem=64M cpus=0 nobind $kind
	ct_start app1 mem=96M cpus=0 nobind
	ct_start app2 mem=160M cpus=0 nobind
	for time in first second; do
		is "$(ct_exec pause sed -n "$total" "$MNT/proc/meminfo")" 65536 "pod ${kind:-with namespaces}: the pause container, the $time time"
		# shellcheck disable=SC2086
		is "$(ct_join app1 nsenter -t "$(ct_pid pause)" -p -m -- $enter sed -n "$total" "$MNT/proc/meminfo")" 98304 "pod ${kind:-with namespaces}: one container"
		# shellcheck disable=SC2086
		is "$(ct_join app2 nsenter -t "$(ct_pid pause)" -p -m -- $enter sed -n "$total" "$MNT/proc/meminfo")" 163840 "pod ${kind:-with namespaces}: another"
	done
	ct_stop app1
	ct_stop app2
	ct_stop pause
done

# --- an administrator's shell that enters the namespaces but no cgroup: nsenter -m -p
session=$CG_TEST-session
session_cleanup() {
	cg_kill "$session"
	cg_remove "$session"
}
session_cleanup_check() {
	cg_left=$(cg_dirs "$session")
	[ -z "$cg_left" ] || echo "cgroup left: $cg_left"
}
at_cleanup session_cleanup
cg_mkdir "$session" && cg_mkdir "$session/scope" || bail "cannot make a cgroup $session"
mkdir -p "$TMP/ct/session" "$TMP/ct/root"
for m in $CG_V1 $CG_V2; do
	echo "$m/$session/scope" >&3
	echo "$m"
done >"$TMP/ct/root/cgroups" 3>"$TMP/ct/session/cgroups"

# enters SHELL NAME COMMAND...
enters() {
	shell=$1
	name=$2
	shift 2
	ct_join "$shell" nsenter -t "$(ct_pid "$name")" -p -m -- "$@"
}
for kind in '' nocgns; do
	# shellcheck disable=SC2086
	ct_start adm mem=128M swap=0 cpus=0 $kind
	what="nsenter -m -p into a container ${kind:-with namespaces}"
	for shell in session root; do
		is "$(enters $shell adm sed -n "$total" /proc/meminfo)" 131072 "$what, from the $shell cgroup: its memory"
		is "$(enters $shell adm grep -c '^processor' /proc/cpuinfo)" 1 "$what, from the $shell cgroup: its CPUs in cpuinfo"
		is "$(enters $shell adm grep -c '^cpu[0-9]' /proc/stat)" 1 "$what, from the $shell cgroup: its CPUs in stat"
		is "$(enters $shell adm cat /sys/devices/system/cpu/online)" 0 "$what, from the $shell cgroup: its CPUs in online"
		between 0 "$(enters $shell adm cut -d. -f1 /proc/uptime)" 60 "$what, from the $shell cgroup: its uptime"
		# A sleep, a subshell at most, and the reader.
		between 1 "$(enters $shell adm sed 's|.*/\([0-9]*\) .*|\1|' /proc/loadavg)" 4 "$what, from the $shell cgroup: its tasks in loadavg"
		is "$(enters $shell adm sed 1d /proc/swaps)" '' "$what, from the $shell cgroup: its swap"
	done
	ct_stop adm
done

# An init in the root cgroup and work that is not.
ct_start work mem=128M cpus=0 nobind
mkfifo "$TMP/hold"
ct_join root unshare --pid --fork cat "$TMP/hold" &
unshare=$!
wait_until grep -q . "/proc/$unshare/task/$unshare/children"
inroot=$(cat "/proc/$unshare/task/$unshare/children")
is "$(ct_join work nsenter -t $inroot -p -- sed -n "$total" "$MNT/proc/meminfo")" 131072 \
	'pid 1 in the root cgroup, the reader not: where the reader is'
is "$(ct_join root nsenter -t $inroot -p -- sed -n "$total" "$MNT/proc/meminfo")" "$host" \
	'pid 1 and the reader in the root cgroup: the host'"'"'s memory'
: >"$TMP/hold"
wait "$unshare"
ct_stop work

# --- three deep
# cgroup2 lets no cgroup give on controllers while it has processes.
make_room() {
	while read -r d; do
		mkdir "$d/leaf"
		if [ "$CG_VER_cpuset" = 1 ] && [ "$d" = "$CG_DIR_cpuset/$2" ]; then
			cat "$d/cpuset.mems" >"$d/leaf/cpuset.mems"
			cat "$d/cpuset.cpus" >"$d/leaf/cpuset.cpus"
		fi
		while read -r p; do
			echo "$p" >"$d/leaf/cgroup.procs"
		done <"$d/cgroup.procs"
	done <"$TMP/ct/$1/cgroups"
	sed -i 's|$|/leaf|' "$TMP/ct/$1/cgroups"
}

# Our number of the process that is pid 1 of the innermost namespace in a cgroup.
init_in() {
	while read -r p; do
		case $(awk '$1 == "NSpid:" { print $NF }' "/proc/$p/status") in
		1) echo "$p" ;;
		esac
	done <"$1/cgroup.procs"
}

# inside PARENT NAME MEGABYTES [OPTION]
inside() {
	read -r in_p <"$TMP/ct/$1/cgroup"
	make_room "$1" "$in_p"
	cg_mkdir "$in_p/$2" && cg_limit "$in_p/$2" "mem=$3M" || bail "cannot make $in_p/$2"
	mkdir "$TMP/ct/$2"
	echo "$in_p/$2" >"$TMP/ct/$2/cgroup"
	for m in $CG_V1 $CG_V2; do
		echo "$m/$in_p/$2"
	done >"$TMP/ct/$2/cgroups"
	mkfifo "$TMP/ct/$2/go"
	ct_exec "$1" "$TOOL/ct" start "$TMP/ct/$2" ${4:-} -- sleep 2147483647 >"$TMP/ct/$2/log" 2>&1 &
	wait_until test -s "$TMP/ct/$2/pid" || bail "no container $2: $(cat "$TMP/ct/$2/log")"
	init_in "$CG_DIR_memory/$in_p/$2" >"$TMP/ct/$2/pid"
	echo >"$TMP/ct/$2/go"
}
look() {
	ct_exec "$1" sed -n "$total" "$MNT/proc/meminfo"
}
ct_start outer mem=256M nobind
inside outer middle 160
inside middle inner 64
for time in first second; do
	is "$(look outer)" 262144 "three deep, the outermost, the $time time"
	is "$(look middle)" 163840 'three deep, the middle one'
	is "$(look inner)" 65536 'three deep, the innermost'
done
ct_stop outer
rm -r "$TMP/ct/middle" "$TMP/ct/inner"

# A container's administrator and a container in it. Their common root is the outer
# container's, /leaf and /middle below it have nothing else in common.
ct_start outer mem=256M nobind
inside outer middle 160 --host-cgroup
inner=$(awk '$1 == "NSpid:" { print $3 }' "/proc/$(ct_pid middle)/status")
for time in first second; do
	is "$(ct_exec outer nsenter -t "$inner" -p -m -- sed -n "$total" "$MNT/proc/meminfo")" 163840 \
		"nsenter -m -p from a container into one in it, the $time time"
done
ct_stop outer
rm -r "$TMP/ct/middle"

# --- pid 1 becomes another program
cat >"$TMP/becomes" <<'end'
while ! [ -e "$1/now" ]; do sleep 0.05; done
exec sh -c 'echo >"$1/done"; exec sleep 2147483647' sh "$1"
end
ct_start execs mem=128M cpus=0 sh "$TMP/becomes" "$TMP"
is "$(sees execs)" 131072 'before pid 1 becomes another program'
before=$(ct_exec execs cut -d' ' -f1 /proc/uptime)
: >"$TMP/now"
wait_until test -e "$TMP/done"
is "$(sees execs)" 131072 'and after that'
between "$before" "$(ct_exec execs cut -d' ' -f1 /proc/uptime)" 1000 'its uptime goes on'
ct_stop execs

# --- numbers of namespaces that are used again
ct_start small mem=72M cpus=0 nobind
ct_start large mem=144M cpus=0 nobind
: >"$TMP/numbers"
for flags in '--pid --fork --cgroup' '--pid --fork' '--cgroup'; do
	bad=0
	for i in 1 2 3 4 5 6 7 8; do
		for size in small:73728 large:147456; do
			# shellcheck disable=SC2086
			got=$(ct_join ${size%:*} unshare $flags sh -c '
				sed -n "$1" "$2"
				readlink "$4/self/ns/pid" "$4/self/ns/cgroup" | tr "\n" " " >>"$3"
				echo >>"$3"' sh "$total" "$MNT/proc/meminfo" "$TMP/numbers" /proc)
			[ "$got" = "${size#*:}" ] || bad=$((bad + 1))
		done
	done
	is "$bad" 0 "namespaces one after another: unshare $flags"
done
diag "$(sort "$TMP/numbers" | uniq -d | wc -l) numbers came more than once"
ct_stop small
ct_stop large
daemon_stop

# --- callers that the daemon cannot see: it is in a pid namespace, they are not
mkdir "$TMP/inner"
unshare --pid --fork --kill-child --mount-proc "$EVLXCFS_BIN" ${EVLXCFS_OPTS:-} \
	--runtime-dir="$TMP/run" --ready-fd=9 "$TMP/inner" </dev/null >"$TMP/inner.log" 2>&1 9>"$TMP/inner.ready" &
unshare=$!
ok 'a daemon in a pid namespace' wait_until test -s "$TMP/inner.ready" || diag "$(cat "$TMP/inner.log")"
inner=$(cat "/proc/$unshare/task/$unshare/children" | tr -d ' ')
is "$(sed -n "$total" "/proc/$inner/root$TMP/inner/proc/meminfo")" "$host" "a caller that it cannot see sees the host"
ok 'and every file' sh -c 'find "$1" -type f -exec cat {} + >/dev/null' sh "/proc/$inner/root$TMP/inner/proc"
kill -TERM "$inner"
ok 'it ends' wait_until gone "$unshare"
done_testing
