# Test library: swap.
#
# swap_start: sees to it that the host has some. Where it has none, 96 MB of it on a
# zram device of the test's own; they go when the test ends. Ends the test where that
# is not permitted.

SWAP_ZRAM=

swap_kb() {
	awk '$1 == "SwapTotal:" { print $2 }' /proc/meminfo
}

swap_start() {
	[ "$(swap_kb)" = 0 ] || return 0
	need_command mkswap swapon swapoff
	[ -e /sys/class/zram-control/hot_add ] || skip_all 'needs swap: the host has none, and no zram'
	read -r swap_n </sys/class/zram-control/hot_add || skip_all 'needs swap: no zram device to be had'
	SWAP_ZRAM=$swap_n
	echo 96M >"/sys/block/zram$swap_n/disksize" && mkswap "/dev/zram$swap_n" >/dev/null &&
		swapon "/dev/zram$swap_n" || skip_all 'needs swap, which is not permitted here'
}

swap_end() {
	[ -n "$SWAP_ZRAM" ] || return 0
	! grep -q "^/dev/zram$SWAP_ZRAM " /proc/swaps || swapoff "/dev/zram$SWAP_ZRAM"
	# Whoever looks at new devices may have it open for a moment.
	wait_until swap_remove
}

swap_remove() {
	[ ! -e "/sys/block/zram$SWAP_ZRAM" ] || {
		echo 1 >"/sys/block/zram$SWAP_ZRAM/reset" && echo "$SWAP_ZRAM" >/sys/class/zram-control/hot_remove
	} 2>/dev/null
}

swap_end_check() {
	[ -z "$SWAP_ZRAM" ] || [ ! -e "/sys/block/zram$SWAP_ZRAM" ] || echo "zram device left: $SWAP_ZRAM"
}

at_cleanup swap_end
