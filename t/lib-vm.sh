# Test library: the other tests once more, in a virtual machine.
#
# vm_suite KERNEL LAYOUT [RUN-OPTION...]: boots once, runs there the tests that
# the variable VM_TESTS names (default: t1*.t and t2*.t), and reports one
# assertion for each of them, with its output when it failed. Inside, no test may
# leave anything out.

vm_suite() {
	vm_kernel=$1
	vm_layout=$2
	shift 2
	if ! [ -f "$BUILD/vm/$vm_kernel/format" ]; then
		"$T_DIR/vm/fetch.sh" "$vm_kernel" >"$TMP/fetch" 2>&1 || {
			diag "$(tail -n 5 "$TMP/fetch")"
			skip_all "no kernel $vm_kernel to boot"
		}
	fi
	[ -x "$EVLXCFS_BIN" ] || bail "no daemon to test: $EVLXCFS_BIN"
	cd "$T_TOP" || bail "$T_TOP"
	vm_tests=${VM_TESTS:-$(echo t/t1*.t t/t2*.t)}
	# EVLXCFS_TEST_VM: do less of what is too slow in an emulated machine.
	# shellcheck disable=SC2086
	EVLXCFS_TEST_NO_SKIP=1 EVLXCFS_TEST_VM=1 EVLXCFS_TEST_DEADLINE=180 "$T_DIR/vm/run.sh" \
		--kernel "$vm_kernel" --layout "$vm_layout" --timeout 3000 "$@" -- \
		sh -c 'for t; do
			read -r from rest </proc/uptime
			echo "### begin $t"
			sh "$t" 2>&1
			status=$?
			read -r to rest </proc/uptime
			echo "# $((${to%.*} - ${from%.*})) seconds"
			echo "### end $t $status"
		done' sh $vm_tests >"$TMP/vm.out" 2>"$TMP/vm.err"
	vm_status=$?
	for vm_t in $vm_tests; do
		sed -n "\\|^### begin $vm_t\$|,\\|^### end $vm_t |p" "$TMP/vm.out" >"$TMP/vm.one"
		vm_verdict=$(awk '
			/^ok / { ok++ }
			/^not ok / { bad++ }
			/^1\.\.[0-9]+/ { plan = substr($1, 4); planned = 1 }
			/^### end / { ended = 1; status = $NF }
			END {
				if (!ended) print "did not end"
				else if (!planned) print "no plan"
				else if (bad) print bad " of " plan " failed"
				else if (ok != plan || !plan) print ok + 0 " of " plan " ran"
				else if (status) print "status " status
				else print "ok"
			}' "$TMP/vm.one")
		is "$vm_verdict" ok "$vm_kernel $vm_layout: $vm_t ($(sed -n 's/^# \([0-9]* seconds\)$/\1/p' "$TMP/vm.one"))" || {
			[ ! -s "$TMP/vm.one" ] || diag "$(grep -v '^ok ' "$TMP/vm.one")"
		}
	done
	is "$vm_status" 0 'the machine ran to its end' || diag "$(tail -n 50 "$TMP/vm.err")"
}

need_vm() {
	need_command qemu-system-x86_64 busybox
	[ -x "$T_DIR/vm/run.sh" ] || bail 't/vm/run.sh is not there'
}
