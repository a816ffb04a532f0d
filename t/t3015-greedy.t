#!/bin/sh
# One container fills the pool of snapshots from nested pid namespaces. After a crash and
# after an upgrade another container still reads on in the texts that it has begun.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
. "$T_DIR/lib-crash.sh"
need_fuse
need_cgroups
need_command perl

# A read that does not start at 0 gives the text that the first one was from: uptime, which
# is another one 10 ms later, tells whether a reader has got two.
cat >"$TMP/reader.pl" <<'PERL'
use strict;
$| = 1;
my (@open, @text);
sub text {
	my ($fh) = @_;
	sysseek($fh, 1, 0);
	sysread($fh, my $text, 4096) or die "read: $!";
	return $text;
}
while (<STDIN>) {
	if (/^open (\d+)/) {
		for (1 .. $1) {
			open(my $fh, '<', '/proc/uptime') or die "open: $!";
			push @open, $fh;
			push @text, text($fh);
		}
		print "ok\n";
	} else {
		print scalar(grep { text($open[$_]) eq $text[$_] } 0 .. $#open), "\n";
	}
}
PERL
# Starts the readers and hands each line "NAME ORDER" to the reader of that name.
cat >"$TMP/readers.pl" <<'PERL'
use strict;
use IPC::Open2;
$| = 1;
my ($reader, $ct, $other, $greedy, $nested) = @ARGV;
my (%to, %from);
for (0 .. $nested) {
	my @in = $_ ? ($greedy, 'unshare', '-fp') : ($other);
	open2($from{$_}, $to{$_}, $ct, 'exec', @in, 'perl', $reader);
	$to{$_}->autoflush(1);
}
while (<STDIN>) {
	my ($name, $order) = split / /, $_, 2;
	print { $to{$name} } $order;
	print readline($from{$name}) // "no answer\n";
}
PERL

NESTED=6
# Snapshots that one owner can have, daemon/handle.h.
EACH=16

order() {
	echo "$*" >&3
	read -r reply <&4
	echo "$reply"
}

greedy_open() {
	for n in $(seq $NESTED); do
		order "$n" "open $EACH"
	done | sort | uniq -c | awk '{ print $1, $2 }'
}

changed() {
	[ -n "$(worker)" ] && [ "$(worker)" != "$1" ]
}

daemon_start
ct_start greedy mem=128M
ct_start other mem=64M
mkfifo "$TMP/in" "$TMP/out"
perl "$TMP/readers.pl" "$TMP/reader.pl" "$TOOL/ct" "$TMP/ct/other" "$TMP/ct/greedy" $NESTED \
	<"$TMP/in" >"$TMP/out" 2>"$TMP/err" &
exec 3>"$TMP/in" 4<"$TMP/out"

is "$(order 0 open 4)" ok 'one container begins to read four texts'
is "$(greedy_open)" "$NESTED ok" 'another one fills the pool from six nested pid namespaces'
is "$(order 0 open 4)" ok 'the first begins four more'
is "$(order 0 again)" 8 'it reads on in all of them'

for how in crash upgrade crash; do
	before=$(worker)
	case $how in
	crash) kill -KILL "$before" ;;
	upgrade) kill -HUP "$DAEMON_PID" ;;
	esac
	ok "$how: another worker serves" wait_until changed "$before"
	is "$(greedy_open)" "$NESTED ok" "$how: the greedy container goes on"
	is "$(order 0 again)" 8 "$how: the other one reads on in all of its texts"
done
exec 3>&- 4<&-
is "$(cat "$TMP/err")" '' 'no reader complains'
daemon_stop
done_testing
