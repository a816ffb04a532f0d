#!/bin/sh
# contrib's services under the real supervisors of small hosts, runit and s6: started, crashed,
# upgraded, stopped, and started wrong.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-supervisor.sh"
need_fuse
need_command runsv sv s6-supervise s6-svc s6-svstat s6-svwait execlineb

# The daemon of the build is the one that is installed.
mkdir "$TMP/bin"
ln -s "$EVLXCFS_BIN" "$TMP/bin/evlxcfs"

# service NAME: copies contrib's with this test's mountpoint and runtime directory.
service() {
	MNT=$TMP/$1
	SV=$TMP/sv-$1
	cp -r "$T_TOP/contrib/$1/evlxcfs" "$SV"
	rm -rf "$SV/log"
	sed -i "s|/usr/local/sbin/evlxcfs|$TMP/bin/evlxcfs|" "$SV/run"
	DAEMON_LOG=$TMP/$1.log
}

supervisor_ended() {
	gone "$SUPERVISOR"
}

# --- runit -------------------------------------------------------------------

service runit
cat >"$SV/conf" <<END
MOUNTPOINT=$MNT
OPTIONS=--runtime-dir=$TMP/run-runit
END
runsv "$SV" >"$DAEMON_LOG" 2>&1 &
SUPERVISOR=$!
service_pid() {
	cat "$SV/supervise/pid"
}
service_do() {
	case $1 in
	upgrade) sv 1 "$SV" ;;
	*) sv -w 0 "$1" "$SV" >/dev/null ;;
	esac
}
life runit

echo OPTIONS=--nonsense >>"$SV/conf"
is_down() {
	grep -qx down "$SV/supervise/stat"
}
service_do up
ok 'runit: a wrong option' wait_until grep -q nonsense "$DAEMON_LOG"
ok 'runit: it is not tried for ever' wait_until is_down
sleep 2
is "$(grep -c nonsense "$DAEMON_LOG")" 1 'runit: once is enough'
kill -TERM "$SUPERVISOR"
ok 'runit: the supervisor can end' wait_until supervisor_ended

# --- s6 ----------------------------------------------------------------------

service s6
sed -i "s|/var/lib/evlxcfs|$MNT|; s|^\($TMP/bin/evlxcfs\) |\1 --runtime-dir=$TMP/run-s6 |" "$SV/run"
s6-supervise "$SV" >"$DAEMON_LOG" 2>&1 &
SUPERVISOR=$!
service_pid() {
	s6-svstat -o pid "$SV"
}
service_do() {
	case $1 in
	upgrade) s6-svc -1 "$SV" ;;
	down) s6-svc -d "$SV" ;;
	up) s6-svc -u "$SV" ;;
	esac
}
wait_until test -e "$SV/supervise/control"
ok 's6: it says that it is ready' s6-svwait -U -t 20000 "$SV"
ok 's6: and is' serves
life s6

sed -i "s|^$TMP/bin/evlxcfs |&--nonsense |" "$SV/run"
service_do up
ok 's6: a wrong option' wait_until grep -q nonsense "$DAEMON_LOG"
is_down() {
	[ "$(s6-svstat -o up,wantedup "$SV")" = 'false false' ]
}
ok 's6: it is not tried for ever' wait_until is_down
sleep 2
is "$(grep -c nonsense "$DAEMON_LOG")" 1 's6: once is enough'
s6-svc -x "$SV"
ok 's6: the supervisor can end' wait_until supervisor_ended
done_testing
