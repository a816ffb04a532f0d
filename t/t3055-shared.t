#!/bin/sh
# Resources that are counted per user or per host, and that containers can use up: a system
# call is refused as the kernel does it then, and readers must not notice. HACKING.md has
# the table.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
. "$T_DIR/lib-crash.sh"
need_fuse
need_cgroups
need_tool vigil fsop fdstore watches
need_command strace

mkdir "$TMP/bin"
real=$EVLXCFS_BIN
EVLXCFS_BIN=$TMP/bin/evlxcfs
install_copy() {
	cp "$real" "$TMP/bin/new"
	mv "$TMP/bin/new" "$EVLXCFS_BIN"
}

serves() {
	[ "$(timeout 5 head -c 8 "$MNT/proc/meminfo" 2>/dev/null)" = MemTotal ]
}

told() {
	[ "$(grep -c -e "$2" "$DAEMON_LOG")" -ge "$1" ]
}

count() {
	grep -c -e "$1" "$DAEMON_LOG"
}

traced() {
	grep -qs '^TracerPid:[[:space:]]*[1-9]' "/proc/$1/status"
}

untraced() {
	! traced "$1"
}

# trace PID... -- STRACE-OPTION...
trace() {
	t_pids=
	while [ "$1" != -- ]; do
		t_pids="$t_pids -p $1"
		t_last=$1
		shift
	done
	shift
	# shellcheck disable=SC2086 # a list of words
	strace -qq "$@" $t_pids 2>/dev/null &
	tracer=$!
	wait_until traced "$t_last"
}

untrace() {
	kill "$tracer" 2>/dev/null
	wait "$tracer" 2>/dev/null
	wait_until untraced "$DAEMON_PID"
}

# refuse CALL ERROR PID...: for good, until untrace.
refuse() {
	r_call=$1
	r_error=$2
	shift 2
	trace "$@" -- -f -o /dev/null -e "trace=$r_call" -e "inject=$r_call:error=$r_error"
}

install_copy

# --- watches of epoll, fs.epoll.max_user_watches
daemon_start --resolver=fork
total() {
	ct_exec "$1" timeout 20 sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo
}
refuse epoll_ctl ENOSPC "$DAEMON_PID" "$(worker)"
ct_start c1 mem=128M
is "$(total c1)" 131072 'no epoll watch for a helper: the container is answered'
like "$(cat "$DAEMON_LOG")" 'goes on with poll' 'the worker goes on with poll(2)'
old=$(worker)
kill -KILL "$old"
ok 'no epoll watch: a new worker serves' serves
isnt "$(worker)" "$old" 'it is another one'
ct_start c2 mem=64M
is "$(total c2)" 65536 'no epoll watch: a new container is answered by the new worker'
kill -HUP "$DAEMON_PID"
ok 'no epoll watch: another binary takes over' wait_until told 1 'goes on with the mount'
ok 'no epoll watch: the new binary serves' serves
is "$(total c1)" 131072 'no epoll watch: the container reads on'
untrace
unlike "$(cat "$DAEMON_LOG")" 'cannot start' 'no start of a worker failed'
daemon_stop

# The same with a limit that is reached. It is the whole machine's.
if [ -n "${EVLXCFS_TEST_VM:-}" ]; then
	limit=/proc/sys/fs/epoll/max_user_watches
	was=$(cat "$limit")
	daemon_start --resolver=fork
	ct_stop c1
	ct_start c1 mem=128M
	mkfifo "$TMP/hold"
	exec 8<>"$TMP/hold"
	echo 300 >"$limit"
	ct_exec c1 sh -c 'ulimit -n 1000; exec "$1" <"$2" >"$3" 2>&1' sh "$TOOL/watches" "$TMP/hold" "$TMP/watches" &
	hog=$!
	ok 'a container takes all epoll watches of uid 0' wait_until grep -q full "$TMP/watches"
	# As if the container took at once what the dead worker gives back.
	echo 1 >"$limit"
	kill -KILL "$(worker)"
	ok 'all epoll watches are taken: a new worker serves' serves
	like "$(cat "$DAEMON_LOG")" 'goes on with poll' 'all epoll watches are taken: with poll(2)'
	kill -HUP "$DAEMON_PID"
	ok 'all epoll watches are taken: another binary takes over' wait_until told 1 'goes on with the mount'
	is "$(total c1)" 131072 'all epoll watches are taken: the container reads on'
	echo "$was" >"$limit"
	exec 8<&-
	kill -KILL "$hog"
	daemon_stop
fi

# --- epoll instances and timers, at the start of a worker
ct_stop c1
ct_stop c2
daemon_start
ct_start c1 mem=128M
for call in epoll_create1 timerfd_create pidfd_open eventfd2 inotify_init1; do
	refuse "$call" EMFILE "$DAEMON_PID"
	kill -KILL "$(worker)"
	ok "$call refused: a new worker serves" serves
	is "$(total c1)" 131072 "$call refused: a container is answered"
	untrace
done
ct_stop c1
daemon_stop

# --- processes: pid_max, threads-max
daemon_start
refuse clone,fork,vfork,clone3 EAGAIN "$DAEMON_PID"
kill -KILL "$(worker)"
head -c 8 "$MNT/proc/meminfo" >"$TMP/out" &
reader=$!
ok 'no process for a worker: the keeper says so' wait_until told 2 'cannot start a worker'
ok 'no process for a worker: a reader waits' alive "$reader"
untrace
ok 'a process is there: the reader is answered' wait_until gone "$reader"
is "$(cat "$TMP/out")" MemTotal 'with the file'
# The keeper's old worker serves when there is no process for the trial or for a new worker.
refuse clone,fork,vfork,clone3 EAGAIN "$DAEMON_PID"
old=$(worker)
kill -HUP "$DAEMON_PID"
ok 'no process for a trial: not upgraded' wait_until told 1 'not upgraded'
is "$(worker)" "$old" 'no process for a trial: the worker is the same'
ok 'no process for a trial: it serves' serves
untrace
daemon_stop

# --- an upgrade, one system call of which fails
daemon_start
rm -f "$TMP"/vigil.*
fleet_make
fleet_start 1000
trace "$DAEMON_PID" -- -o "$TMP/trace"
kill -HUP "$DAEMON_PID"
ok 'an upgrade that is traced' wait_until told 1 'goes on with the mount'
untrace

# numbers CALL: which calls of the keeper come before execve(2), and which ones in main().
# Between them is the dynamic linker's work, which no program can do again.
numbers() {
	awk -v call="$1(" 'index($0, "openat(AT_FDCWD, \"/dev/null\"") == 1 { skip = 0 }
		index($0, call) == 1 { n++; if (!skip) print n }
		index($0, "execve(") == 1 { skip = 1 }' "$TMP/trace"
}

# sweep CALL ERROR
sweep() {
	bad=
	tried=0
	for n in $(numbers "$1"); do
		[ "$tried" -lt "$most" ] || break
		before=$(count 'goes on with the mount')
		not=$(count 'not upgraded')
		trace "$DAEMON_PID" -- -o /dev/null -e "trace=$1" -e "inject=$1:error=$2:when=$n"
		kill -HUP "$DAEMON_PID"
		ended() {
			told $((before + 1)) 'goes on with the mount' || told $((not + 1)) 'not upgraded' ||
				gone "$DAEMON_PID"
		}
		wait_until ended && serves && alive "$DAEMON_PID" || bad="$bad $n"
		untrace
		alive "$DAEMON_PID" || break
		tried=$((tried + 1))
	done
	is "$bad" '' "$1 fails with $2 at one of $tried places: the mount is served"
}

most=$(at_length 1000 12)
sweep openat EMFILE
sweep mmap ENOMEM
sweep signalfd4 EMFILE
sweep socketpair EMFILE
sweep pipe2 EMFILE
sweep clone EAGAIN
sweep sendto ENOMEM
sweep recvfrom ENOMEM
sweep execve ENOMEM
sweep readlink ENOMEM
sweep fcntl ENOMEM
fleet_stop
fleet_check 'upgrades with one failure'
is "$(mount_count "$MNT")" 1 'it is mounted once'

# --- a new binary whose workers do not start
fault=${EVLXCFS_FAULT_BIN:-$real-fault}
[ -x "$fault" ] || bail "$fault is not built"
: >"$TMP/no-start"
cat >"$TMP/bin/new" <<SCRIPT
#!/bin/sh
[ "\$1" != --check ] || exec $fault "\$@"
EVLXCFS_FAULT_WHILE=$TMP/no-start exec $fault "\$@"
SCRIPT
chmod 755 "$TMP/bin/new"
mv "$TMP/bin/new" "$EVLXCFS_BIN"
old=$(worker)
n=$(count 'goes on with the mount')
fleet_start 1000
kill -HUP "$DAEMON_PID"
ok 'workers of a new binary do not start: another is tried' wait_until told 2 'the old one goes on'
is "$(worker)" "$old" 'the old worker serves'
ok 'its readers are answered' serves
is "$(count 'goes on with the mount')" "$n" 'the upgrade is not over'
rm "$TMP/no-start"
ok 'a worker of the new binary starts: it takes over' wait_until told $((n + 1)) 'goes on with the mount'
isnt "$(worker)" "$old" 'another worker serves'
ok 'the old worker has ended' wait_until gone "$old"
fleet_stop
fleet_check 'a new binary whose workers do not start'
daemon_stop

# --- a start on a mount that a supervisor kept, which is refused something
for c in $FLEET; do
	ct_stop "c$c"
done
mkdir "$TMP/mnt" "$TMP/super"
MNT=$TMP/mnt
mkfifo "$TMP/super/in"
# What is in this file is refused.
cat >"$TMP/refused" <<SCRIPT
#!/bin/sh
[ -s "$TMP/refuse" ] || exec "\$@"
exec strace -D -qq -o /dev/null \$(cat "$TMP/refuse") "\$@"
SCRIPT
chmod 755 "$TMP/refused"
"$TOOL/fdstore" "$TMP/super" "$TMP/refused" "$real" --keep-mount "$MNT" \
	<"$TMP/super/in" >"$TMP/super/err" 2>&1 &
super=$!
exec 6>"$TMP/super/in"
DAEMON_LOG=$TMP/super/err
logged() {
	[ "$(grep -c -e "$2" "$TMP/super/log" 2>/dev/null)" -ge "$1" ]
}

begin() {
	echo start >&6
	wait_until logged "$1" "$2" || return
	read -r DAEMON_PID <"$TMP/super/pid"
	echo "$DAEMON_PID" >>"$TMP/daemons"
}

end() {
	kill -TERM "$DAEMON_PID"
	ends=$((ends + 1))
	wait_until logged "$ends" '^ended'
}

ends=0
starts=1
ok 'a start that keeps the mount' begin 1 '^READY=1'
read -r DAEMON_PID <"$TMP/super/pid"
for refuse in signalfd4:error=EMFILE:when=1..2 memfd_create:error=ENFILE:when=1 \
	socketpair:error=EMFILE:when=1 clone:error=EAGAIN:when=1; do
	end
	echo "-e trace=${refuse%%:*} -e inject=$refuse" >"$TMP/refuse"
	head -c 8 "$MNT/proc/meminfo" >"$TMP/read" &
	reader=$!
	starts=$((starts + 1))
	ok "$refuse: a start on the kept mount succeeds in the end" begin "$starts" '^READY=1'
	read -r DAEMON_PID <"$TMP/super/pid"
	ok "$refuse: whoever waited is answered" wait_until gone "$reader"
	is "$(cat "$TMP/read")" MemTotal "$refuse: with the file"
done
# Told to end while it tries again.
end
echo '-e trace=signalfd4 -e inject=signalfd4:error=EMFILE' >"$TMP/refuse"
echo start >&6
ok 'refused for good: the log says so' wait_until told 4 'cannot wait for events'
read -r DAEMON_PID <"$TMP/super/pid"
ok 'refused for good: it goes on trying' alive "$DAEMON_PID"
end
is "$(tail -n 1 "$TMP/super/log")" 'ended 0' 'refused for good: TERM ends it'
ok 'refused for good: the mount is kept' is_mounted "$MNT"
exec 6>&-
wait "$super"
umount -l "$MNT"
done_testing
