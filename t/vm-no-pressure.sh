#!/bin/sh
# Run in a virtual machine whose cgroups count no pressure (cgroup_disable=pressure): a
# container sees the host's, and its triggers are of that.
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool pressed
cpu=/proc/pressure/cpu
is "$(find "$(cg_mount psi)" -maxdepth 1 -name '*.pressure')" '' 'no cgroup has such a file'

# total COMMAND...
total() {
	"$@" | sed -n 's/^some .* total=//p'
}

daemon_start --enable-psi-poll
ct_start p mem=128M cpus=0
low=$(total cat $cpu)
own=$(total ct_exec p cat $cpu)
between "$low" "$own" "$(total cat $cpu)" "the host's pressure"
is "$(ct_exec p cat $cpu | sed 's/[0-9.]\{1,\}/N/g')" "$(sed 's/[0-9.]\{1,\}/N/g' $cpu)" 'its lines'
is "$(ct_exec p "$TOOL/pressed" $cpu 'some 100000 2000000' again | paste -sd' ')" 'set EBUSY' 'a trigger'
daemon_stop
done_testing
