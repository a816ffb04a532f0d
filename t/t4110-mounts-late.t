#!/bin/sh
# cgroup mounts that are hidden when the daemon starts, that are not there yet, that
# a dead daemon has left, that it may not use.
# run: alone
. "$(dirname "$0")/lib-mounts.sh"
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_command setpriv
need_tool nsmounts
mounts_init

mem_of() {
	ct_exec "$1" sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo
}

host=$(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)

# fails NAME OPTION...: the daemon does not start, and says one line.
fails() {
	name=$1
	shift
	mkdir "$TMP/never"
	MNT=$TMP/never
	daemon_spawn --runtime-dir="$TMP/run" "$@" "$MNT"
	daemon_wait
	is "$DAEMON_STATUS" 111 "$name: exit 111"
	is "$(grep -c '^evlxcfs: ' "$DAEMON_LOG")" 1 "$name: one line" || diag "$(cat "$DAEMON_LOG")"
	nok "$name: nothing is mounted" is_mounted "$MNT"
	rmdir "$TMP/never"
}

for bad in --cgroup-mounts= --cgroup-mounts=Clone --cgroup-mounts=clones; do
	status=0
	"$EVLXCFS_BIN" "$bad" "$TMP" 2>"$TMP/err" || status=$?
	is "$status $(wc -l <"$TMP/err")" '100 1' "$bad is refused"
done

# Covered: where the host has it, it cannot be reached.
mount -t tmpfs none "$m_top"
fails 'covered, clones only' --cgroup-mounts=clone
fails "covered, the host's only" --cgroup-mounts=host
umount "$m_top"
for way in namespace auto; do
	controllers=$([ -z "$CG_V2" ] || cat "$CG_V2/cgroup.controllers")
	mount -t tmpfs none "$m_top"
	text=$(cat /proc/self/mountinfo)
	daemon_start --cgroup-mounts=$way --runtime-dir="$TMP/run"
	is "$(mounts_text)" "$text" "covered, $way: no option of a superblock changed, no mount added"
	is "$(ns_fds "$(daemon_worker)" | wc -l)" 1 "covered, $way: in a namespace"
	umount "$m_top"
	is "$([ -z "$CG_V2" ] || cat "$CG_V2/cgroup.controllers")" "$controllers" \
		"covered, $way: cgroup.controllers is the same"
	ct_start a mem=64M cpus=0
	is "$(mem_of a)" 65536 "covered, $way: containers get right answers"
	ct_stop a
	daemon_stop
done

# sees CONTAINER KB: a container that was started without the daemon's files. Where
# the test has no cgroups, the reader is not in the container's.
sees() {
	if [ -z "$m_lost" ]; then
		ct_exec "$1" cat <"$MNT/proc/meminfo" >"$TMP/seen"
	else
		sees_outside "$1"
	fi && [ "$(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' "$TMP/seen")" = "$2" ]
}

sees_outside() {
	nsenter -t "$(ct_pid "$1")" -p -C -m -- cat <"$MNT/proc/meminfo" >"$TMP/seen"
}

# Not there yet.
ct_start early mem=64M cpus=0 nobind
mounts_lose
daemon_start --runtime-dir="$TMP/run"
like "$(cat "$DAEMON_LOG")" 'no cgroup hierarchy' 'no cgroups at all: the daemon says so'
is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal 'and serves'
ok "a container gets the host's file" sees early "$host"
mounts_regain
ok 'cgroups that are mounted later are found' wait_until sees early 65536
ct_start late mem=96M cpus=0
is "$(mem_of late)" 98304 'by a new container too'
is "$(ct_exec late grep -c '^cpu[0-9]' /proc/stat)" 1 'with all hierarchies'
ct_stop late
mounts_hide
is $? 0 'the host can unmount them again'
ok 'without harm' sees early 65536
mounts_restore
daemon_stop

# Parts of the hierarchies, as Docker has them in its containers.
m_move
umount -R "$m_top"
[ -z "$CG_V1" ] || mount -t tmpfs none "$m_top"
for m in $CG_V1 $CG_V2; do
	at=$m_top${m#"$TMP/cg"}
	[ -d "$at" ] || mkdir "$at"
	mount --bind "$m/$CG_TEST" "$at"
	echo "$at/early" >>"$TMP/parts"
done
mv "$TMP/parts" "$TMP/ct/early/cgroups"
umount -R "$TMP/cg"
is "$(grep -c " /$CG_TEST $m_top.* - cgroup" /proc/self/mountinfo)" "$(echo $CG_V1 $CG_V2 | wc -w)" \
	'only parts of the hierarchies are mounted'
for way in clone namespace host; do
	daemon_start --cgroup-mounts=$way --runtime-dir="$TMP/run"
	ok "$way: a container in them" sees early 65536
	daemon_stop
done
m_lost=1
umount -R "$m_top"
mounts_regain
ct_stop early

# Left by a dead daemon.
daemon_start --cgroup-mounts=namespace --runtime-dir="$TMP/run"
daemon_kill
umount "$MNT"
mount -t tmpfs stale "$TMP/run/cgroup"
mkdir "$TMP/run/cgroup/memory"
mount -t tmpfs stale "$TMP/run/cgroup/memory"
mount -t tmpfs stale "$TMP/run/cgroup"
daemon_start --cgroup-mounts=namespace --runtime-dir="$TMP/run"
is "$(t_mounts_below "$TMP/run")" '' 'what a dead daemon left mounted is detached'
ct_start a mem=64M cpus=0
is "$(mem_of a)" 65536 'and the new one works'
ct_stop a
daemon_stop

# Nothing that could be written.
: >"$TMP/file"
fails 'no runtime directory' --cgroup-mounts=namespace --runtime-dir="$TMP/file"
daemon_start --runtime-dir="$TMP/file"
ct_start a mem=64M cpus=0
is "$(mem_of a)" 65536 'which matters to no other way'
ct_stop a
daemon_stop
done_testing
