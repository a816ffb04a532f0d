#!/bin/sh
# Each capability that is kept is needed: what stops working without it.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool pressed
need_command setpriv

host=$(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)

mem_of() {
	ct_exec "$1" sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo
}

# The container's root owns its cgroup, in every hierarchy, and closes it.
close_cgroups() {
	while read -r d; do
		chown -R 100000:100000 "$d"
		chmod 700 "$d"
	done <"$TMP/ct/$1/cgroups"
}

each() {
	daemon_start "$@"
	ct_start plain mem=64M cpus=0
	ct_start user mem=96M cpus=0 userns
	ct_start closed mem=128M cpus=0
	close_cgroups closed
	is "$(mem_of plain)" "$plain" "a privileged container ($*)"
	is "$(mem_of user)" "$user" "a container with a user namespace ($*)"
	is "$(mem_of closed)" "$closed" "a container that has closed its cgroup ($*)"
	ct_stop plain
	ct_stop user
	ct_stop closed
}

for resolver in ioctl fork; do
	plain=65536 user=98304 closed=131072
	each --resolver=$resolver
	daemon_stop

	# Who made a user namespace may do everything in it, with or without.
	plain=$host user=98304 closed=$host
	each --resolver=$resolver --drop-capability=sys_ptrace
	daemon_stop

	plain=65536 user=98304 closed=$host
	each --resolver=$resolver --drop-capability=dac_read_search
	daemon_stop
done

plain=$host user=$host closed=$host
each --resolver=fork --drop-capability=sys_admin
kill -TERM "$DAEMON_PID"
daemon_wait
ok 'without sys_admin it cannot unmount' is_mounted "$MNT"
umount "$MNT"
DAEMON_PID=
nok 'afterwards it is gone' is_mounted "$MNT"

# natively COMMAND...: what comes of triggers with windows of 1 s and 2 s on the kernel's file, cgroup2's
# or else the host's, for a process that the command starts.
natively() {
	n_file=/proc/pressure/cpu
	[ -z "$(cg_version psi)" ] || n_file=$(cg_path plain psi)/cpu.pressure
	for n_text in 'some 100000 1000000' 'some 100000 2000000'; do
		"$@" "$TOOL/pressed" "$n_file" "$n_text"
	done | paste -sd' '
}

# windows COMMAND OPTION...: the same through the daemon with the options.
windows() {
	w_like=$1
	shift
	daemon_start --enable-psi-poll "$@"
	ct_start plain mem=64M cpus=0
	w_want=$(natively $w_like)
	is "$(for w_text in 'some 100000 1000000' 'some 100000 2000000'; do
		ct_exec plain "$TOOL/pressed" /proc/pressure/cpu "$w_text"
	done | paste -sd' ')" "$w_want" "triggers of 1 s and 2 s as for '$w_like' ($*)"
	ct_stop plain
	daemon_stop
}

if head -n 1 /proc/pressure/cpu >/dev/null 2>&1; then
	without='setpriv --inh-caps=-sys_resource --bounding-set=-sys_resource'
	windows env
	windows "$without" --drop-capability=sys_resource
fi

for bad in --drop-capability= --drop-capability=everything --drop-capability=sys; do
	status=0
	"$EVLXCFS_BIN" "$bad" "$TMP" 2>"$TMP/err" || status=$?
	is "$status $(wc -l <"$TMP/err")" '100 1' "$bad is refused"
done
done_testing
