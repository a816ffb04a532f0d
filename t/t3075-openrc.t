#!/bin/sh
# contrib's service under OpenRC, whose package .ci/run installs: a machine with another init has
# no use for it. In a mount namespace of its own, for what OpenRC has fixed names for.
# run: together
[ "${1:-}" = alone ] || exec unshare -m --propagation private "$0" alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-supervisor.sh"
need_fuse
need_command rc-service supervise-daemon

MNT=$TMP/openrc
DAEMON_LOG=/run/evlxcfs.log
mkdir "$TMP/etc" "$TMP/etc/init.d" "$TMP/etc/conf.d"
sed "s|/var/log/evlxcfs.log|$DAEMON_LOG|" "$T_TOP/contrib/openrc/evlxcfs" >"$TMP/etc/init.d/evlxcfs"
chmod 755 "$TMP/etc/init.d/evlxcfs"
cat >"$TMP/etc/conf.d/evlxcfs" <<END
evlxcfs_mountpoint=$MNT
evlxcfs_options=
END
cp /etc/rc.conf "$TMP/etc/" 2>/dev/null
mount -t tmpfs tmpfs /run || bail 'cannot mount /run'
# Where OpenRC of a booted machine notes what it has done.
for dir in daemons exclusive failed hotplugged inactive options scheduled started starting \
	stopping tmp wasinactive; do
	mkdir -p "/run/openrc/$dir"
done
echo default >/run/openrc/softlevel
mount -t tmpfs tmpfs /usr/local/sbin
cp "$EVLXCFS_BIN" /usr/local/sbin/evlxcfs
service_pid() {
	supervisor=$(cat /run/supervise-evlxcfs.pid 2>/dev/null)
	worker "$supervisor"
}
service_do() {
	case $1 in
	up) set -- start ;;
	down) set -- stop ;;
	upgrade) set -- reload ;;
	esac
	"$TMP/etc/init.d/evlxcfs" --nodeps "$1" >>"$TMP/openrc.log" 2>&1
}
# The service's cgroup, which OpenRC makes and leaves.
cgroups_of_service() {
	for dir in /sys/fs/cgroup/evlxcfs /sys/fs/cgroup/*/evlxcfs; do
		! [ -d "$dir" ] || echo "$dir"
	done
}
were=$(cgroups_of_service)
end_openrc() {
	! [ -e /run/supervise-evlxcfs.pid ] || service_do down
	[ -n "$were" ] || for dir in $(cgroups_of_service); do
		wait_until rmdir "$dir" 2>/dev/null
	done
}
end_openrc_check() {
	! [ -e /run/supervise-evlxcfs.pid ] || echo 'the service is left'
	[ "$(cgroups_of_service)" = "$were" ] || echo "its cgroup is left"
}
at_cleanup end_openrc
ok 'OpenRC: start' service_do up
life OpenRC

echo 'evlxcfs_options=--nonsense' >>"$TMP/etc/conf.d/evlxcfs"
nok 'OpenRC: a wrong option: it does not start' service_do up
ok 'OpenRC: and says why' grep -q nonsense "$TMP/openrc.log"
is "$(service_pid)" '' 'OpenRC: it is not tried again'
done_testing
