# Test library: a stand-in for the host's /sys, in the test's own mount namespace. The
# daemon reads a clone of /sys without what is mounted in it, so that a file of it can be
# another one only where all of /sys is.
#
# sys_replace		from now on /sys has the CPUs' lists and directories as they were,
#			an empty cpufreq, and in fs what the host has there

sys_replace() {
	[ -d /sys/devices/system/cpu ] || skip_all 'needs /sys/devices/system/cpu'
	mkdir "$TMP/sys"
	mount -t tmpfs none "$TMP/sys"
	sys_cpu=$TMP/sys/devices/system/cpu
	mkdir -p "$sys_cpu/cpufreq" "$TMP/sys/fs"
	for sys_file in online possible present offline kernel_max; do
		cat "/sys/devices/system/cpu/$sys_file" >"$sys_cpu/$sys_file"
	done
	for sys_file in /sys/devices/system/cpu/cpu[0-9]*; do
		mkdir "$sys_cpu/${sys_file##*/}"
	done
	mount --rbind /sys/fs "$TMP/sys/fs"
	mount --rbind "$TMP/sys" /sys
}
