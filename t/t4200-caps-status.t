#!/bin/sh
# What every process of the daemon may do, as /proc/PID/status says it.
# run: together
. "$(dirname "$0")/lib.sh"
need_fuse
need_command setpriv perl

# CAP_DAC_READ_SEARCH 2, CAP_SYS_PTRACE 19, CAP_SYS_ADMIN 21
WANT=280004
SETPCAP=100

field() {
	sed -n "s/^$2:[[:space:]]*0*\([0-9a-f]\)/\1/p" "/proc/$1/status"
}

# and MASK MASK, in hexadecimal without leading zeros
and() {
	printf '%x' $((0x$1 & 0x$2))
}

has_dropped() {
	for pid in $(daemon_pids); do
		[ "$(field "$pid" NoNewPrivs)" = 1 ] || return 1
	done
}

# least NAME COUNT: of all its processes, of which there are COUNT.
least() {
	ok "$1: gives up privileges" wait_until has_dropped
	is "$(daemon_pids | wc -l)" "$2" "$1: processes"
	for pid in $(daemon_pids); do
		name="$1, $(cat "/proc/$pid/comm")"
		is "$(field "$pid" CapPrm)" "$have" "$name: permitted"
		is "$(field "$pid" CapEff)" "$have" "$name: effective"
		is "$(field "$pid" CapBnd)" "$bound" "$name: bounding"
		is "$(field "$pid" CapInh) $(field "$pid" CapAmb)" '0 0' "$name: inheritable and ambient"
		is "$(field "$pid" NoNewPrivs)" 1 "$name: no_new_privs"
		is "$(field "$pid" Threads)" 1 "$name: one thread"
		is "$(field "$pid" Umask)" 22 "$name: umask"
		is "$(readlink "/proc/$pid/fd/0")" /dev/null "$name: standard input"
	done
	is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal "$1: serves"
}

# What this test itself has sets the limit.
have=$(and $WANT "$(field self CapPrm)")
bound=$have
[ "$(and $SETPCAP "$(field self CapEff)")" = $SETPCAP ] || bound=$(field self CapBnd)

umask 0
daemon_start
umask 022
least start 2
old=$(daemon_worker)
kill -KILL "$old"
wait_until gone "$old"
replaced() {
	[ "$(daemon_pids | wc -l)" = 2 ] && head -c 1 "$MNT/proc/meminfo" >/dev/null
}
ok 'another worker' wait_until replaced
least 'after a crash' 2
exe=$(readlink "/proc/$DAEMON_PID/exe")
old=$(daemon_worker)
kill -HUP "$DAEMON_PID"
wait_until gone "$old"
ok 'the installed binary anew' wait_until replaced
is "$(readlink "/proc/$DAEMON_PID/exe")" "$exe" 'it is the same'
least 'after an upgrade' 2
daemon_stop

daemon_start --no-keeper
least 'no keeper' 1
daemon_stop

# However it is started. 8 is closed on exec by nobody.
cat >"$TMP/started" <<'SCRIPT'
#!/usr/bin/perl
# started CLOSED-DESCRIPTORS COMMAND...
my $closed = shift;
use POSIX;
open(STDIN, '<', $0) or die;
POSIX::close($_) for split(/,/, $closed);
exec @ARGV or die;
SCRIPT
chmod 755 "$TMP/started"
for closed in none 0 0,1 0,1,2; do
	EVLXCFS_WRAP="$TMP/started $closed"
	daemon_start
	least "closed descriptors: $closed" 2
	for pid in $(daemon_pids); do
		for fd in 0 1 2; do
			case ,$closed, in
			*,$fd,*) is "$(readlink "/proc/$pid/fd/$fd")" /dev/null "descriptor $fd was closed" ;;
			esac
		done
	done
	daemon_stop
done

# CAP_DAC_OVERRIDE 1 and CAP_SYS_RESOURCE 24, for triggers only.
had=$have,$bound
have=$(and 1280006 "$(field self CapPrm)")
[ "$bound" = "${had%,*}" ] && bound=$have
daemon_start --enable-psi-poll
least 'with triggers' 2
daemon_stop
# Also where one of the two cannot be had: less is kept, and it serves.
for name in sys_resource:1000000 dac_override:2; do
	with=$have,$bound
	have=$(printf '%x' $((0x$have & ~0x${name#*:})))
	[ "$bound" != "${with%,*}" ] || bound=$have
	daemon_start --enable-psi-poll --drop-capability="${name%:*}"
	least "with triggers, without ${name%:*}" 2
	daemon_stop
	have=${with%,*} bound=${with#*,}
done
have=${had%,*} bound=${had#*,}

# With capabilities to inherit, as a supervisor can give them.
EVLXCFS_WRAP='setpriv --inh-caps=+sys_admin,+chown --ambient-caps=+sys_admin,+chown'
daemon_start
least 'ambient capabilities' 2
daemon_stop

# Without some that it would keep, or need for dropping.
EVLXCFS_WRAP='setpriv --inh-caps=-all --bounding-set=-dac_read_search'
full=$have
fullbound=$bound
have=$(printf '%x' $((0x$full & ~4)))
[ "$bound" != "$full" ] || bound=$have
daemon_start
least 'less in the bounding set' 2
daemon_stop

EVLXCFS_WRAP='setpriv --inh-caps=-all --bounding-set=-setpcap'
have=$full
bound=$(printf '%x' $((0x$(field self CapBnd) & ~0x$SETPCAP)))
daemon_start
least 'no way to bound' 2
daemon_stop

EVLXCFS_WRAP=
bound=$fullbound
bound=$(printf '%x' $((0x$fullbound & ~4)))
have=$(printf '%x' $((0x$full & ~4)))
[ "$fullbound" = "$full" ] || bound=$fullbound
daemon_start --drop-capability=dac_read_search --drop-capability=CAP_CHOWN
least 'told to do without' 2
daemon_stop
done_testing
