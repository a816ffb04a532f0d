#!/bin/sh
# The ways to build: another compiler, another directory, a static binary, headers
# by themselves; what the linker was told; compile_commands.json.
# run: together
. "$(dirname "$0")/lib.sh"
need_command clang readelf perl
[ -x "$EVLXCFS_BIN" ] || bail "no daemon to look at: $EVLXCFS_BIN"

# In a copy, to see that nothing is written outside of O.
src=$TMP/src
mkdir "$src" "$src/t"
cp -R "$T_TOP/Makefile" "$T_TOP/fusechan" "$T_TOP/nsutil" "$T_TOP/cache" "$T_TOP/daemon" "$src/"
cp -R "$T_TOP/t/unit" "$T_TOP/t/tests.mk" "$src/t/"
files() {
	(cd "$src" && find . -path ./out -prune -o -type f -print | sort)
}
before=$(files)
mk() {
	make -s -j"$(nproc)" -C "$src" WERROR=1 "$@"
}

# hardened FILE KIND: what the Makefile promises of the binary.
hardened() {
	like "$(readelf -hW "$1")" 'Type: +DYN' "$2: position independent"
	like "$(readelf -dW "$1")" 'FLAGS_1.*PIE' "$2: and a program"
	like "$(readelf -lW "$1")" 'GNU_RELRO' "$2: relocations are read-only"
	like "$(readelf -dW "$1")" 'FLAGS.*(BIND_)?NOW' "$2: all bound at start"
	like "$(readelf -lW "$1")" 'GNU_STACK.* RW +0x' "$2: the stack is not executable"
	is "$(readelf -lW "$1" | awk '/LOAD/ && / RWE /')" '' "$2: nothing is writable and executable"
	like "$(readelf -sW "$1")" '__stack_chk_fail' "$2: stack protector"
}

hardened "$EVLXCFS_BIN" 'the daemon'
sanitized=$(readelf -sW "$EVLXCFS_BIN" | grep -c '__asan_init')
if [ "$sanitized" = 0 ]; then
	like "$(readelf -sW "$EVLXCFS_BIN")" '__[a-z]+_chk(@|$)' 'the daemon: fortified'
	ok 'the daemon: strip' strip -o "$TMP/stripped" "$EVLXCFS_BIN"
	between 50000 "$(wc -c <"$TMP/stripped")" 200000 'the daemon: bytes, stripped'
	is "$(readelf -dW "$EVLXCFS_BIN" | sed -n 's/.*NEEDED.*\[\(.*\)\.so.*/\1/p' | grep -vE '^(libc|libm|libev|libcap-ng|ld-linux.*)$')" '' \
		'the daemon: no other libraries'
fi
is "$(readelf -dW "$EVLXCFS_BIN" | grep -E 'RPATH|RUNPATH')" '' 'the daemon: no search path of its own'

# -O1 is faster, and enough for FORTIFY_SOURCE.
ok 'clang builds it without a warning, in O=out/clang' mk CC=clang O=out/clang CFLAGS=-O1
is "$("$src/out/clang/evlxcfs" --version)" "$("$EVLXCFS_BIN" --version)" 'it runs'
hardened "$src/out/clang/evlxcfs" clang
is "$(files)" "$before" 'nothing is written outside of O'
is "$(mk CC=clang O=out/clang CFLAGS=-O1 -q && echo up to date)" 'up to date' 'and nothing is left to do'
sleep 0.01
touch "$src/nsutil/cpuset.h"
nok 'a header that changed is noticed' mk CC=clang O=out/clang CFLAGS=-O1 -q

ok 'neither does gcc warn with -O3' mk CC=gcc O=out/gcc CFLAGS=-O3
echo '#warning of no weight' >"$src/nsutil/warned.c"
nok 'a warning is an error with WERROR=1' mk O=out/warned out/warned/nsutil/warned.o
ok 'and none without' mk WERROR= O=out/warned out/warned/nsutil/warned.o
rm "$src/nsutil/warned.c"
ok 'flags of the user that are fortified, too' mk O=out/flags CFLAGS='-Os -D_FORTIFY_SOURCE=1' out/flags/daemon/log.o

# The objects are the same as those of the dynamic one.
mkdir -p "$src/out"
cp -R "$src/out/clang" "$src/out/static"
rm "$src/out/static/evlxcfs"
find "$src/out/static" -name '*.o' -exec touch {} +
ok 'STATIC=1' mk CC=clang STATIC=1 O=out/static CFLAGS=-O1
is "$("$src/out/static/evlxcfs" --version)" "$("$EVLXCFS_BIN" --version)" 'it runs'
is "$(readelf -lW "$src/out/static/evlxcfs" | grep INTERP; readelf -dW "$src/out/static/evlxcfs" | grep NEEDED)" '' \
	'it needs no library'
hardened "$src/out/static/evlxcfs" static

ok 'every header compiles by itself' mk CC=clang O=out/clang headers-check
echo 'int f(struct nowhere x);' >"$src/nsutil/bad.h"
nok 'one that does not is found' mk CC=clang O=out/clang headers-check
rm "$src/nsutil/bad.h"

ok 'compile-commands' mk compile-commands
cat >"$TMP/json.pl" <<'PERL'
use JSON::PP;
local $/;
my $all = decode_json(<STDIN>);
my %seen;
for (@$all) {
	die "no such file: $_->{file}\n" unless -f "$_->{directory}/$_->{file}";
	die "no command: $_->{file}\n" unless $_->{command} =~ /^gcc .*-DEVLXCFS_VERSION=.* -c \Q$_->{file}\E$/;
	$seen{$_->{file}}++;
}
my @sources = map { s|^\Q$ARGV[0]\E/||r } glob "$ARGV[0]/{fusechan,nsutil,cache,daemon,daemon/view,t/unit}/*.c";
die "missing: $_\n" for grep { !$seen{$_} } @sources;
# A command as it stands.
my ($one) = grep { $_->{file} eq 'daemon/options.c' } @$all;
chdir $one->{directory};
exit system("$one->{command} -fsyntax-only") >> 8;
PERL
ok 'compile_commands.json is JSON, has every source, and its commands work' \
	sh -c "CC=gcc perl '$TMP/json.pl' '$src' <'$src/compile_commands.json'"
ok 'clean' mk O=out/clang clean
nok 'takes the products away' test -e "$src/out/clang"
mkdir "$src/build" "$src/build-san" "$src/build-static" "$src/build-musl"
ok 'clean of another O' mk O=out/gcc clean
is "$(cd "$src" && echo build*)" 'build build-musl build-san build-static' 'takes that alone'
ok 'clean of all' mk clean
is "$(cd "$src" && echo build*)" 'build*' 'takes those in their usual places'
done_testing
