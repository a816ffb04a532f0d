#!/bin/sh
# The same answers by every way to them: the tests of containers once more with each
# way forced, and as on Linux 4.19.
. "$(dirname "$0")/lib.sh"
need_fuse
need_tool oldkernel

# again NAME TEST...: one assertion for each
again() {
	a_name=$1
	shift
	for a_test; do
		BUILD=$BUILD sh "$T_DIR/$a_test" >"$TMP/out" 2>&1
		a_status=$?
		is "$a_status" 0 "$a_name: $a_test" || diag "$(grep -v '^ok ' "$TMP/out")"
	done
}

identity='t2040-isolation.t t2050-lifecycle.t t2060-userns.t t2070-identity.t
	t4000-identity-cgroups.t t4010-identity-kinds.t'

# shellcheck disable=SC2086
for way in '--resolver=fork --cgroup-reader=loop' '--resolver=fork --cgroup-reader=helper'; do
	EVLXCFS_OPTS=$way
	export EVLXCFS_OPTS
	again "$way" $identity
done

EVLXCFS_OPTS=--cgroup-reader=helper
EVLXCFS_WRAP=$TOOL/oldkernel
export EVLXCFS_OPTS EVLXCFS_WRAP
# shellcheck disable=SC2086
again 'as on Linux 4.19' $identity t2000-memory.t t2010-cpus.t t2030-uptime.t t2080-descriptors.t
done_testing
