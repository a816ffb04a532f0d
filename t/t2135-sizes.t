#!/bin/sh
# The size that a file shows is never less than what a read returns, also on a host whose files
# grow, and is close enough to the end for programs that look for that.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
. "$T_DIR/lib-block.sh"
need_fuse
need_cgroups
need_command perl tar losetup
need_tool fsop

growing='cpuinfo diskstats slabinfo stat swaps'

# Loop devices that nothing is bound to: each is a line of diskstats.
# loops add|remove FIRST LAST
loops() {
	perl -e 'open my $f, "+<", "/dev/loop-control" or die "loop-control: $!\n";
		for my $n ($ARGV[1] .. $ARGV[2]) {
			defined ioctl $f, $ARGV[0] eq "add" ? 0x4C80 : 0x4C81, $n or die "$ARGV[0] $n: $!\n";
		}' "$@"
}
loops_first=700
loops_last=699
more_loops() {
	loops add $((loops_last + 1)) $((loops_last + $1)) || bail 'cannot add loop devices'
	loops_last=$((loops_last + $1))
}
loops_end() {
	[ $loops_last -lt $loops_first ] || loops remove $loops_first $loops_last
	loops_last=699
}
loops_end_check() {
	[ ! -e "/sys/block/loop$loops_first" ] || echo 'loop devices left'
}
at_cleanup loops_end

# Reads as much as stat(2) told, at once.
cat >"$TMP/sized" <<'EOT'
open my $f, "<", $ARGV[0] or die;
my $n = -s $f;
sysread $f, my $text, $n;
print $text;
EOT
# The same with what node has.
cat >"$TMP/node.js" <<'EOT'
const fs = require('fs');
const fd = fs.openSync(process.argv[2]);
const buffer = Buffer.alloc(fs.fstatSync(fd).size);
process.stdout.write(buffer.subarray(0, fs.readSync(fd, buffer)));
EOT

# lines_of COMMAND...: how many lines, without the padding that tar adds
lines_of() {
	"$@" 2>/dev/null | tr -d '\000' | wc -l
}

# check WHAT FILE RUN...: the file read in every way, where RUN runs commands
check() {
	what=$1
	file=$2
	shift 2
	lines=$(lines_of "$@" cat "$file")
	is "$(lines_of "$@" perl "$TMP/sized" "$file")" "$lines" "$what: perl reads all of the size"
	is "$("$@" tail -n 1 "$file" | awk '{ print $3 }')" "$("$@" cat "$file" | awk 'END { print $3 }')" "$what: tail -n 1"
	is "$("$@" tail -n 2 "$file" | awk '{ print $3 }')" "$("$@" cat "$file" | awk '{ a = b; b = $3 } END { print a (a == "" ? "" : "\n") b }')" "$what: tail -n 2"
	is "$(lines_of "$@" sh -c "tar -C '${file%/*}' -cf - '${file##*/}' | tar -xOf -")" "$lines" "$what: tar"
	is "$("$@" tac "$file" | awk 'NR == 1 { print $3 }')" "$("$@" cat "$file" | awk 'END { print $3 }')" "$what: tac"
	# Figures gain digits meanwhile.
	is_near "$("$@" wc -c "$file" | cut -d' ' -f1)" "$("$@" cat "$file" | wc -c)" 16 "$what: wc -c"
	[ -n "$(command -v node)" ] || return 0
	is "$(lines_of "$@" node -e "process.stdout.write(require('fs').readFileSync('$file', 'utf8'))")" "$lines" "$what: node's readFileSync"
	is "$(lines_of "$@" node "$TMP/node.js" "$file")" "$lines" "$what: node reads all of the size"
}

here() {
	"$@"
}

block_start 1
daemon_start --enable-intr
if ! kernel_at_least 6 5; then
	for f in $growing; do
		is "$(stat -c %s "$MNT/proc/$f")" 0 "size of $f"
	done
	daemon_stop
	done_testing
	exit
fi

ct_start c
block_count c
ct_exec c dd if="$BLOCK" of=/dev/null bs=64k count=4 iflag=direct 2>/dev/null
for more in 0 90 60 90 200; do
	more_loops "$more"
	sleep 0.6 # The daemon measures the host's file twice a second.
	length=$(wc -c </proc/diskstats)
	between "$(wc -c </proc/diskstats)" "$(stat -c %s "$MNT/proc/diskstats")" 1000000 "$length bytes of the host: the size is more"
	check "$length bytes" "$MNT/proc/diskstats" here
	check "$length bytes, in a container" /proc/diskstats ct_exec c
	text=$(ct_exec c cat /proc/diskstats | wc -c)
	between "$text" "$(ct_exec c "$TOOL/fsop" fd /proc/diskstats E0)" $((length > 12288 ? text + 8192 : 16384)) "$length bytes: the end for a container"
done
loops_end
for f in $growing; do
	between "$(wc -c <"/proc/$f")" "$(stat -c %s "$MNT/proc/$f")" 1000000 "$f: the size is more than the text"
done
is "$(lines_of perl "$TMP/sized" "$MNT/proc/stat")" "$(lines_of cat /proc/stat)" 'stat with --enable-intr: all of it'
is "$(ct_exec c perl "$TMP/sized" /proc/stat | awk 'END { print $1 }')" softirq 'stat with --enable-intr, in a container: up to the last line'

# What never grows so far keeps its page, which the kernel need not ask for again.
for f in meminfo uptime loadavg; do
	is "$(stat -c %s "$MNT/proc/$f")" 4096 "size of $f"
done
ct_stop c
daemon_stop
done_testing
