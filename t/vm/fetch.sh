#!/bin/sh
# fetch.sh VERSION: gets the Debian kernel that t/vm/run.sh boots.
#
# VERSION is a series, 6.1 or 6.12. The newest image package of that series in
# the enabled apt sources is downloaded and taken apart, never installed, into
# $BUILD/vm/VERSION (BUILD: "build" unless the environment says otherwise):
#
#   package     name and version of the Debian package
#   config      the kernel's configuration
#   kernel      what qemu boots: the plain ELF image where it can be extracted
#               (an emulated CPU needs seconds to decompress a bzImage)
#   modules/    the modules a VM may need, decompressed
#   modules/order  their names, each after those it depends on
#
# The directory appears whole or not at all, so an interrupted run can simply be
# repeated; a directory that is there is left alone. Remove it to fetch again.
#
# The plain flavour is taken: the smaller -cloud kernels have no 9p.

set -eu

# Grows when what the directory holds changes, so that old ones are replaced.
format=1

# What run.sh's init loads. Names that a kernel does not have as modules are
# built in, or belong to other versions.
wanted="virtio_pci virtio_console virtio_blk 9pnet_virtio 9p overlay
	fuse loop lzo-rle lzo zram crc32c_generic ext4 bfq dm_mod"

die() { echo "fetch.sh: $*" >&2; exit 1; }

# The newest unsigned image of series $1, as a package name. The signed packages
# hold the same kernel, but lag behind.
newest() {
	series=$(printf %s "$1" | sed 's/\./\\./g')
	apt-cache search --names-only "^linux-image-${series}[.].*-amd64-unsigned\$" |
		sed 's/ .*//' | grep -Ev -- '-(cloud|rt)-' | sort -V | tail -n 1
}

# The ELF image inside bzImage $1, to $2. The payload starts at a magic number,
# which can also occur by chance: try every place.
extract() {
	for how in 'xz -dc:\xfd7zXZ\x00' 'zstd -dcq:\x28\xb5\x2f\xfd' 'gzip -dcq:\x1f\x8b\x08'; do
		tool=${how%%:*}
		command -v "${tool%% *}" >/dev/null || continue
		for at in $(LC_ALL=C grep -aboP "${how#*:}" "$1" | cut -d: -f1); do
			# The tool complains of what follows the payload.
			tail -c +$((at + 1)) "$1" | $tool >"$2" 2>/dev/null || :
			[ "$(head -c 4 "$2" | tail -c 3)" = ELF ] && return 0
		done
	done
	rm -f "$2"
	return 1
}

# Copies module $1, and before it those it depends on, from the tree $src to
# $tmp/out/modules, and notes it in the order file. A name that is not there is
# no error: see $wanted.
add_module() {
	grep -qx "$1" "$tmp/out/modules/order" && return 0
	file=$(find "$src" -name "$(printf %s "$1" | sed 's/[-_]/[-_]/g').ko*" | head -n 1)
	[ -n "$file" ] || return 0
	case $file in
	*.xz) xz -dc "$file" >"$tmp/out/modules/$1.ko" ;;
	*.zst) zstd -dcq "$file" >"$tmp/out/modules/$1.ko" ;;
	*) cp "$file" "$tmp/out/modules/$1.ko" ;;
	esac
	for dep in $(tr '\0' '\n' <"$tmp/out/modules/$1.ko" |
		sed -n 's/^depends=//p' | tr ',' ' '); do
		add_module "$dep"
	done
	# The recursion has overwritten nothing but $file and $dep, both done with.
	echo "$1" >>"$tmp/out/modules/order"
}

[ $# -eq 1 ] || { echo "usage: fetch.sh VERSION (6.1 or 6.12)" >&2; exit 100; }
version=$1
case $version in
[0-9]*.[0-9]*) ;;
*) die "not a kernel series: $version" ;;
esac

top=${BUILD:-build}/vm
dir=$top/$version
if [ -f "$dir/format" ] && [ "$(cat "$dir/format")" = $format ]; then
	exit 0
fi

for tool in apt-get dpkg-deb xz; do
	command -v $tool >/dev/null || die "$tool is not installed"
done
mkdir -p "$top"
tmp=$(mktemp -d "$top/.fetch-$version.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

package=$(newest "$version")
[ -n "$package" ] || die "no kernel $version in the apt sources (apt-get update first?)"
echo "fetch.sh: $package" >&2
# As root apt gives the download to the user _apt, who cannot write here, and
# warns; sandboxing that download gains nothing, so say so.
(cd "$tmp" && apt-get -qq -o APT::Sandbox::User=root download "$package") >&2 ||
	die "apt-get download $package failed"
set -- "$tmp"/*.deb
[ -f "$1" ] || die "apt-get left no package"
dpkg-deb -x "$1" "$tmp/root"

src=$tmp/root/lib/modules
[ -d "$src" ] || src=$tmp/root/usr/lib/modules
mkdir -p "$tmp/out/modules"
: >"$tmp/out/modules/order"
for name in $wanted; do add_module "$name"; done
grep -qx 9pnet_virtio "$tmp/out/modules/order" || die "$package has no 9pnet_virtio"
extract "$tmp"/root/boot/vmlinuz-* "$tmp/out/kernel" ||
	cp "$tmp"/root/boot/vmlinuz-* "$tmp/out/kernel"
cp "$tmp"/root/boot/config-* "$tmp/out/config"
dpkg-deb -f "$1" Package Version >"$tmp/out/package"
echo $format >"$tmp/out/format"

# Two at once: who comes second finds a directory that is as good.
if [ -d "$dir" ]; then
	mv "$dir" "$tmp/old"
fi
mv -T "$tmp/out" "$dir" 2>/dev/null || [ -f "$dir/format" ] || die "cannot create $dir"
