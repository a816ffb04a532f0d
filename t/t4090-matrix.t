#!/bin/sh
# The same answers by every way to them: the tests of containers once more with each
# way forced, and as on Linux 4.19.
# run: first
. "$(dirname "$0")/lib.sh"
need_fuse
need_tool oldkernel

# again NAME TEST...: one assertion for each
again() {
	a_name=$1
	shift
	for a_test; do
		t_now
		a_begin=$t_time
		BUILD=$BUILD sh "$T_DIR/$a_test" >"$TMP/out" 2>&1
		a_status=$?
		t_now
		is "$a_status" 0 "$a_name: $a_test ($((t_time - a_begin)) s)" ||
			diag "$(grep -v '^ok ' "$TMP/out")"
	done
}

# All that came after 4.19 is refused, and nothing that was there.
is "$("$TOOL/oldkernel" --probe | tr '\n' ' ')" 'pidfd_send_signal io_uring_setup io_uring_enter open_tree move_mount fsopen fsconfig fsmount fspick pidfd_open clone3 close_range openat2 pidfd_getfd faccessat2 process_madvise epoll_pwait2 mount_setattr process_mrelease fchmodat2 statmount listmount mseal ' \
	'what Linux 4.19 does not have'

# The ways of old kernels: a helper asks for the init, and a helper reads the cgroups.
identity='t2060-userns.t t2070-identity.t t4010-identity-kinds.t t4000-identity-cgroups.t'
figures='t2000-memory.t t2010-cpus.t t2030-uptime.t'
whole='t2040-isolation.t t2050-lifecycle.t t2080-descriptors.t'

EVLXCFS_OPTS='--resolver=fork --cgroup-reader=helper'
export EVLXCFS_OPTS
# shellcheck disable=SC2086
again "$EVLXCFS_OPTS" $identity

EVLXCFS_OPTS=--cgroup-reader=helper
EVLXCFS_WRAP=$TOOL/oldkernel
export EVLXCFS_WRAP
# shellcheck disable=SC2086
again 'as on Linux 4.19' ${identity% *} $figures

if [ -n "${EVLXCFS_TEST_LONG:-}" ]; then
	# shellcheck disable=SC2086
	again 'as on Linux 4.19' t4000-identity-cgroups.t $whole
	EVLXCFS_WRAP=
	EVLXCFS_OPTS='--resolver=fork --cgroup-reader=helper'
	# shellcheck disable=SC2086
	again "$EVLXCFS_OPTS" $figures $whole
	EVLXCFS_OPTS='--resolver=fork --cgroup-reader=loop'
	# shellcheck disable=SC2086
	again "$EVLXCFS_OPTS" $identity $figures $whole
fi
done_testing
