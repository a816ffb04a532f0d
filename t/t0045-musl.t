#!/bin/sh
# The static binary with musl for small hosts: it builds from source packages, is small,
# and does in containers what the other one does.
# run: first
. "$(dirname "$0")/lib.sh"
need_command musl-gcc readelf strip flock
need_fuse

out=$BUILD/musl
ok 'contrib/packaging/musl/build' flock "$BUILD" "$T_TOP/contrib/packaging/musl/build" "$out" || done_testing
is "$(readelf -lW "$out/evlxcfs" | grep INTERP; readelf -dW "$out/evlxcfs" | grep NEEDED)" '' 'it needs no library'
ok 'strip' strip -o "$TMP/evlxcfs" "$out/evlxcfs"
between 50000 "$(wc -c <"$TMP/evlxcfs")" 300000 'bytes, stripped'

EVLXCFS_BIN=$TMP/evlxcfs
export EVLXCFS_BIN BUILD
more=
[ -z "${EVLXCFS_TEST_LONG:-}" ] || more='t1010-read t2050-lifecycle t2080-descriptors t2155-limits-nested t3030-handover'
for test in t1000-layout t1060-stop t2000-memory t2010-cpus t2030-uptime t2060-userns t2070-identity \
	t4200-caps-status $more; do
	sh "$T_DIR/$test.t" >"$TMP/out" 2>&1
	is "$?" 0 "$test" || diag "$(grep -v '^ok ' "$TMP/out")"
done
done_testing
