#!/bin/sh
# access(2) for writing and open(2) for writing agree on every file and directory.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool fsop
need_command setpriv

user='setpriv --reuid=1000 --regid=1000 --clear-groups'

# paths TYPE ROOT COMMAND...: the type's paths below ROOT/proc and the cpu tree, one a line; of
# /proc those that the daemon has.
paths() {
	p_type=$1 p_root=$2
	shift 2
	(cd "$MNT" && find proc -type "$p_type") | sed "s|^|$p_root/|" | grep -v '/proc$'
	"$@" find "$p_root/sys/devices/system/cpu" -type "$p_type"
}

# all WHAT TYPE ROOT WANT PRESSURE COMMAND...: each path of the type says WANT for access(2) and open(2),
# the files below pressure say PRESSURE.
all() {
	a_what=$1 a_type=$2 a_root=$3 a_want=$4 a_pressure=$5
	shift 5
	paths "$a_type" "$a_root" "$@" >"$TMP/paths"
	[ "$(wc -l <"$TMP/paths")" -gt 5 ] || [ "$a_type" = d ] || diag "few paths: $(cat "$TMP/paths")"
	"$@" "$TOOL/fsop" writable it <"$TMP/paths" >"$TMP/said"
	is "$(wc -l <"$TMP/said")" "$(wc -l <"$TMP/paths")" "$a_what: all are tried"
	is "$(grep -v '/pressure/' "$TMP/said" | sed 's/^it \(.*\) [^ ]*$/\1/' | sort | uniq -c | sed 's/^ *[0-9]* //' | paste -sd';')" \
		"$a_want" "$a_what: access, effective, open" || diag "$(head -n 5 "$TMP/said")"
	grep -q '/pressure/' "$TMP/said" || return 0
	is "$(grep '/pressure/' "$TMP/said" | sed 's/^it \(.*\) [^ ]*$/\1/' | sort -u | paste -sd';')" "$a_pressure" \
		"$a_what: pressure files"
}

# by_test WHAT WANT FILE COMMAND...: test -w, as a program of its own.
by_test() {
	b_what=$1 b_want=$2 b_file=$3
	shift 3
	b_said=no
	! "$@" env test -w "$b_file" || b_said=yes
	is "$b_said" "$b_want" "$b_what: test -w $b_file"
}

daemon_start
ct_start p mem=64M cpus=0
ct_start u mem=64M cpus=0 userns
ro='EROFS EROFS EROFS'
all 'root' f "$MNT" "$ro" "$ro" env
all 'not root' f "$MNT" "$ro" "$ro" $user
all 'container' f '' "$ro" "$ro" ct_exec p
all 'container, not root' f '' "$ro" "$ro" ct_exec p $user
all 'user namespace' f '' "$ro" "$ro" ct_exec u
# A directory cannot be opened for writing, whatever its mode.
ro='EROFS EROFS EISDIR'
all 'directories, root' d "$MNT" "$ro" '' env
all 'directories, not root' d "$MNT" "$ro" '' $user
is "$("$TOOL/fsop" open wronly,creat "$MNT/sys/devices/system/cpu/new")" EROFS 'no new file'
for f in meminfo pressure/cpu; do
	[ -e "$MNT/proc/$f" ] || continue
	by_test 'root' no "$MNT/proc/$f" env
	by_test 'user namespace' no "/proc/$f" ct_exec u
	is "$("$TOOL/fsop" truncate "$MNT/proc/$f")" EROFS "$f: truncate"
done
ct_stop p
ct_stop u

# Somebody privileged makes the superblock writable: the daemon goes on refusing.
mount -i -o remount,rw "$MNT"
is "$("$TOOL/fsop" open wronly "$MNT/proc/meminfo")" EROFS 'remounted read-write: open'
is "$("$TOOL/fsop" open rdonly,trunc "$MNT/proc/meminfo")" EROFS 'remounted read-write: truncation'
daemon_stop

# As procfs does: the mode says who may, and root may all.
daemon_start --enable-psi-poll
ct_start p mem=64M cpus=0
ct_start u mem=64M cpus=0 userns
yes='ok ok ok' no='EACCES EACCES EACCES'
all 'triggers, root' f "$MNT" "$yes" "$yes" env
all 'triggers, not root' f "$MNT" "$no" "$yes" $user
all 'triggers, container' f '' "$yes" "$yes" ct_exec p
all 'triggers, container, not root' f '' "$no" "$yes" ct_exec p $user
all 'triggers, user namespace' f '' "$no" "$yes" ct_exec u
all 'triggers, root without CAP_DAC_OVERRIDE' f "$MNT" "$no" "$yes" \
	setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-all
all 'triggers, directories, root' d "$MNT" 'ok ok EISDIR' '' env
all 'triggers, directories, not root' d "$MNT" 'EACCES EACCES EISDIR' '' $user
by_test 'triggers, root' yes "$MNT/proc/meminfo" env
by_test 'triggers, not root' no "$MNT/proc/meminfo" $user
by_test 'triggers, user namespace' no /proc/meminfo ct_exec u
[ ! -e "$MNT/proc/pressure/cpu" ] || by_test 'triggers, user namespace' yes /proc/pressure/cpu ct_exec u

# The same calls on the kernel's own file.
for f in meminfo stat swaps; do
	for words in "open wronly" "open rdwr,trunc" "open wronly,creat" "truncate"; do
		is "$("$TOOL/fsop" $words "$MNT/proc/$f")" "$("$TOOL/fsop" $words "/proc/$f")" "$f: $words as in procfs"
	done
	is "$("$TOOL/fsop" write wronly "$MNT/proc/$f" 0)" "$("$TOOL/fsop" write wronly "/proc/$f" 0)" "$f: write as in procfs"
	nok "$f: not empty afterwards" [ "$(wc -c <"$MNT/proc/$f")" = 0 ]
done
# Nothing is written anywhere.
find "$MNT/proc" "$MNT/sys" -type f ! -path '*/pressure/*' >"$TMP/paths"
while read -r f; do
	"$TOOL/fsop" write wronly "$f" 0
done <"$TMP/paths" | sort | uniq -c | sed 's/^ *//' >"$TMP/said"
is "$(cat "$TMP/said")" "$(wc -l <"$TMP/paths") EIO" 'a write to any other file fails with EIO'
daemon_stop
done_testing
