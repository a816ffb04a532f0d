#!/bin/sh
# The helper that looks for a container's init is seen by that container for a
# moment. What a container can do to it harms nobody else and shows it nothing.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool attack
need_command setpriv
daemon_start --resolver=fork

total='s/^MemTotal: *\([0-9]*\).*/\1/p'
rounds=40
worker=$(daemon_worker)
ct_start other mem=96M cpus=0

# A catch is a matter of luck, the more so beside other work: as many rounds as it takes.
# attack HOW COMMAND...: the attack from container "bad" in $out
attack() {
	how=$1
	shift
	out=
	for a_try in $(seq 40); do
		out=$(ct_exec bad "$@" "$TOOL/attack" "$how" /proc/meminfo "$rounds" 2>&1)
		like "$out" '^caught' "$how: every reader got an answer" || return
		case $out in
		*"$want 0"*) ;;
		*) return 0 ;;
		esac
	done
}

unharmed() {
	is "$(ct_exec other sed -n "$total" /proc/meminfo)" 98304 "$1: the other container sees itself"
	is "$(ct_exec bad sed -n "$total" /proc/meminfo)" 131072 "$1: and so does this one"
	is "$(daemon_worker)" "$worker" "$1: the daemon goes on"
	is "$(daemon_pids | wc -l)" "$family" "$1: no process is left"
}

family=$(daemon_pids | wc -l)

# Without a user namespace. All but CAP_SYS_PTRACE: may not trace.
ct_start bad mem=128M cpus=0
want=refused
attack trace setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace
like "$out" '^caught 0$' 'without CAP_SYS_PTRACE it cannot be traced'
unlike "$out" '^refused 0$' 'though it was met'
attack look setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace
like "$out" '^caught 0$' 'nor looked into'
unlike "$out" '^refused 0$' 'though it was met'
unharmed trace

# With it: it has no capability, one descriptor, and nothing in its memory but the
# program and its stack.
want=caught
attack trace
unlike "$out" '^caught 0$' 'with CAP_SYS_PTRACE it can be traced'
is "$(echo "$out" | sed -n 's/^caps \(.*\) writable.*/\1/p' | sort -u)" \
	'0000000000000000 fds 1 shared 0 files 1' \
	'it has no capability, one descriptor, and shares no memory with anybody'
between 1 "$(echo "$out" | sed -n 's/^caps .* writable //p' | sort -n | tail -n 1)" 64 \
	'what it can write is its stacks'
unharmed 'trace with CAP_SYS_PTRACE'
attack look
unlike "$out" '^caught 0$' 'and looked into'
is "$(echo "$out" | sed -n 's/^fd //p' | sort -u)" pipe 'its one descriptor is a pipe'
unharmed 'look with CAP_SYS_PTRACE'

# A signal: only the readers of that namespace wait, and see the host for once.
attack stop
unlike "$out" '^caught 0$' 'it can be stopped'
unharmed stop
attack kill
unlike "$out" '^caught 0$' 'it can be killed'
unharmed kill
ct_stop bad

# In a user namespace: nothing of it.
ct_start bad mem=128M cpus=0 userns
want=refused
attack trace
like "$out" '^caught 0$' "in a user namespace it cannot be traced"
unlike "$out" '^refused 0$' 'though it was met'
attack look
like "$out" '^caught 0$' "in a user namespace it cannot be looked into"
attack stop
like "$out" '^caught 0$' "in a user namespace it cannot be stopped"
unlike "$out" '^refused 0$' 'though it was met'
unharmed 'user namespace'
ct_stop bad
ct_stop other
daemon_stop
done_testing
