#!/bin/sh
# contrib's service under the real systemd, in a machine that has it as pid 1: started, restarted,
# reloaded, crashed, stopped, and started wrong, while a container has the files. t9020 runs it.
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_cgroups
need_command systemctl journalctl
[ "$(cat /proc/1/comm)" = systemd ] || bail 'pid 1 is not systemd'
MNT=/var/lib/evlxcfs

cp "$EVLXCFS_BIN" /usr/local/sbin/evlxcfs
cp "$T_TOP/contrib/systemd/evlxcfs.service" /etc/systemd/system/
systemctl daemon-reload

main_pid() {
	systemctl show -P MainPID evlxcfs
}

worker() {
	cat "/proc/$1/task/$1/children" 2>/dev/null
}

reads() {
	[ "$(head -c 8 "$MNT/proc/meminfo" 2>/dev/null)" = MemTotal ]
}

# The container's own text, by the mount that it was started with.
total() {
	ct_exec c1 head -n 1 /proc/meminfo 2>&1
}
TOTAL='MemTotal:          65536 kB'

ok 'start' systemctl start evlxcfs
is "$(systemctl is-active evlxcfs)" active 'it is active once it serves'
is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal 'and can be read at once'
is "$(systemctl show -P NFileDescriptorStore evlxcfs)" 2 'systemd keeps the mount and the state'
is "$(cat "/proc/$(main_pid)/comm")" evlxcfs 'the main process is the keeper'
ct_start c1 mem=64M
is "$(total)" "$TOTAL" 'a container sees its own'

# Reads until it is told to stop; what fails or is wrong is counted.
ct_exec c1 sh -c 'while [ ! -e "$1/stop" ]; do
	[ "$(head -n 1 /proc/meminfo)" = "$2" ] && echo good || echo bad
done' sh "$TMP" "$TOTAL" >"$TMP/reader" 2>&1 &
reader=$!
wait_until test -s "$TMP/reader"

exec 3<"$MNT/proc/meminfo"
before=$(main_pid)
ok 'restart' systemctl restart evlxcfs
isnt "$(main_pid)" "$before" 'another main process'
is "$(head -c 8 <&3)" MemTotal 'a file that was open can be read'
is "$(total)" "$TOTAL" 'so can the container that was there before'

before=$(main_pid)
first=$(worker "$before")
reloaded() {
	[ -n "$(worker "$before")" ] && [ "$(worker "$before")" != "$first" ]
}
ok 'reload' systemctl reload evlxcfs
ok 'by another worker' wait_until reloaded
is "$(main_pid)" "$before" 'of the same main process'

kill -KILL "$before"
started_again() {
	[ "$(systemctl is-active evlxcfs)" = active ] && [ "$(main_pid)" != "$before" ]
}
ok 'the keeper is killed: started again' wait_until started_again
is "$(total)" "$TOTAL" 'the container that was there before goes on'
is "$(systemctl show -P NRestarts evlxcfs)" 1 'by one start'
is "$(mount_count "$MNT")" 1 'there is one mount'

: >"$TMP/stop"
wait_until gone "$reader"
is "$(sort -u "$TMP/reader")" good "none of $(wc -l <"$TMP/reader") readings in between failed"
exec 3<&-

ok 'stop' systemctl stop evlxcfs
is "$(systemctl is-active evlxcfs)" inactive 'it is stopped'
like "$(total)" 'not connected' 'the mount of a container is dead'
ok 'and started' systemctl start evlxcfs
ok 'it serves' reads
is "$(mount_count "$MNT")" 1 'with one mount: the dead one is gone'
ct_stop c1
systemctl stop evlxcfs

mkdir -p /run/systemd/system/evlxcfs.service.d
printf '[Service]\nExecStart=\nExecStart=/usr/local/sbin/evlxcfs --nonsense\n' \
	>/run/systemd/system/evlxcfs.service.d/wrong.conf
systemctl daemon-reload
nok 'a wrong option: it does not start' systemctl start evlxcfs
sleep 2
is "$(systemctl show -P NRestarts -P ActiveState evlxcfs | paste -s -d ' ')" '0 failed' 'and is not tried again'
like "$(journalctl -u evlxcfs --no-pager)" nonsense 'the journal says why'
umount "$MNT" 2>/dev/null
done_testing
