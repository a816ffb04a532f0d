#!/bin/sh
# A 32-bit program: small hosts have such processors. It passes the unit tests, and does in
# containers of this 64-bit kernel what the other one does. There are kernels, and hypervisors of
# kernels, that run no such programs (ENOEXEC): there it is only built.
# run: together
. "$(dirname "$0")/lib.sh"
need_command readelf musl-gcc flock
need_fuse
echo 'int main(void) { return 0; }' >"$TMP/none.c"
gcc -m32 -o "$TMP/none" "$TMP/none.c" 2>/dev/null || skip_all 'no 32-bit programs are made here (gcc-multilib)'

out=$BUILD/m32
mkdir -p "$out"
out=$(cd "$out" && pwd)
# The libraries' sources are those that the static program is made of.
ok 'sources of the libraries' flock "$BUILD" "$T_TOP/contrib/packaging/musl/build" "$BUILD/musl"

# library NAME DIRECTORY [CONFIGURE-OPTION...]
library() {
	name=$1 part=$2
	shift 2
	[ ! -f "$out/lib/$name.a" ] || return 0
	rm -rf "${out:?}/src/$name" && mkdir -p "$out/src/$name" &&
		tar -xf "$BUILD/musl/src/${name}"_*.orig.tar.* -C "$out/src/$name" --strip-components=1 &&
		cd "$out/src/$name" &&
		./configure -q --host=i686-linux-gnu --prefix="$out" --disable-shared --enable-static \
			CC='gcc -m32' CFLAGS=-Os "$@" && make -s -C "$part" install
}
for with in 'libev .' 'libcap-ng src --without-python --without-python3'; do
	(library $with) >"$TMP/log" 2>&1
	is "$?" 0 "${with%% *} for 32 bits" || diag "$(tail -n 20 "$TMP/log")"
done

unset MAKEFLAGS
mk() {
	make -j2 -C "$T_TOP" O="$out" CC='gcc -m32' CPPFLAGS="-isystem $out/include" LDFLAGS="-L$out/lib" \
		"$@" >"$TMP/log" 2>&1
}
mk all units
is "$?" 0 'it builds' || diag "$(tail -n 40 "$TMP/log")"
is "$(readelf -h "$out/evlxcfs" | sed -n 's/ *Class: *//p')" ELF32 'of 32 bits'

EVLXCFS_BIN=$out/evlxcfs
export EVLXCFS_BIN BUILD
# 126: there, and not to be executed.
"$TMP/none" 2>"$TMP/log"
if [ "$?" = 126 ]; then
	diag "not run, as this kernel executes no 32-bit programs: $(cat "$TMP/log")"
	done_testing
fi
mk check-unit
is "$?" 0 'the unit tests pass' || diag "$(grep -v '\.\. ok$' "$TMP/log" | tail -n 40)"
more=
[ -z "${EVLXCFS_TEST_LONG:-}" ] || more='t1010-read t1040-messages t1050-start t1070-idle t2020-stat t2050-lifecycle
	t2080-descriptors t2110-cpu-own t2130-disks t2150-slow-files t2200-loadavg t3000-kill t3040-endurance
	t3060-waiting t4010-identity-kinds t4100-mounts-ways'
for test in t1000-layout t1060-stop t2000-memory t2010-cpus t2030-uptime t2060-userns t2070-identity \
	t3030-handover t4020-resolver t4200-caps-status $more; do
	sh "$T_DIR/$test.t" >"$TMP/out" 2>&1
	is "$?" 0 "$test" || diag "$(grep -v '^ok ' "$TMP/out")"
done
done_testing
