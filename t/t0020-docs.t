#!/bin/sh
# Program, manual, README and contrib name the same options; what the texts tell to
# run is there; scripts and manifests can be parsed.
# run: together
. "$(dirname "$0")/lib.sh"
cd "$T_TOP" || exit
[ -x "$EVLXCFS_BIN" ] || bail "no daemon to ask: $EVLXCFS_BIN"

# Options of --help, of the manual's OPTIONS and of its SYNOPSIS, one a line.
of_help() {
	"$EVLXCFS_BIN" --help | sed -n 's/^  \(-[a-z]\)\{0,1\},\{0,1\} *\(--[a-z][a-z-]*\)\{0,1\}.*/\1 \2/p' |
		tr ' ' '\n' | grep . | sort
}

# Of an option with a letter the letter alone.
of_help_once() {
	"$EVLXCFS_BIN" --help | sed -n 's/^  \(-[a-z]\).*/\1/p; s/^ *\(--[a-z][a-z-]*\).*/\1/p' | sort
}

of_manual() {
	awk '
		$1 == ".Sh" { inside = $2 == "OPTIONS" }
		inside && $1 == ".It" {
			for (i = 2; i < NF; i++)
				if ($i == "Fl") {
					gsub(/\\/, "", $(i + 1))
					print "-" $(i + 1)
				}
		}' "$1" | sort
}

of_synopsis() {
	awk '
		$1 == ".Sh" { inside = $2 == "SYNOPSIS" }
		inside && /Fl/ {
			gsub(/\\/, "")
			for (i = 1; i < NF; i++)
				if ($i == "Fl" || $i == ".Fl")
					print $(i + 1)
			if ($0 ~ /[|]/)
				print $NF
		}' "$1" | while read -r word; do
		case $word in
		-*) echo "-$word" ;;
		*) echo "$word" | sed 's/./-&\n/g' ;;
		esac
	done | grep . | sort -u
}

# Options in backquotes in a section of a text.
of_section() {
	awk -v title="$2" '/^## / { inside = $0 == "## " title } inside' "$1" |
		grep -o '`-[^`]*`' | tr -d '`' | sed 's/[=[ ].*//' | sort -u
}

# Options behind the program's name in files that start it.
of_commands() {
	grep -hoE '(^|[ /])evlxcfs( +-[^ ]+)+' "$@" | tr ' ' '\n' | grep '^-' | sed 's/[=[].*//' | sort -u
}

# unknown LIST: what of it --help does not have.
unknown() {
	for option in $1; do
		echo "$help" | grep -qxe "$option" || echo "$option"
	done
}

help=$(of_help)
between 30 "$(echo "$help" | wc -l)" 200 '--help has many options'
like "$help" '^--enable-cfs$' 'among them a long one'
like "$help" '^-o$' 'and a short one'
is "$(unknown '--enable-cfs --no-such -o -X')" '--no-such
-X' 'an unknown option is told from a known one'

manual=contrib/man/evlxcfs.8
is "$(of_manual $manual)" "$help" 'the manual explains every option of --help, and no other'
is "$(sed -n '/^\.Sh CAPABILITIES/,/^\.Sh EXIT/s/^\.It Dv //p' $manual)" \
	"$(grep -o '{CAP_[A-Z_]*' nsutil/caps.c | tr -d '{')" 'the manual lists the capabilities that are kept'
synopsis=$(of_synopsis $manual)
like "$synopsis" '^--ready-fd$' 'the synopsis has options'
is "$synopsis" "$(of_help_once)" 'each of --help, by its letter if it has one'
is "$(of_manual $manual | grep -c '^--')" "$(of_manual $manual | grep '^--' | sort -u | wc -l)" 'none is explained twice'

options=$(of_section README.md Options)
like "$options" '^--enable-cfs$' "README's table has options"
is "$(unknown "$options")" '' 'and only those there are'

commands=$(of_commands README.md contrib/README.md contrib/man/evlxcfs.8 $(find contrib -type f ! -name '*.md' ! -path '*/man/*'))
like "$commands" '^--ready-fd$' 'services give options'
is "$(unknown "$commands")" '' 'and only those there are'

# The two commands that a newcomer types, and every other target that is named.
for target in demo check; do
	like "$(cat README.md)" "^    sudo make $target\$" "README: make $target"
	like "$(cat Makefile */*.mk)" "^$target:" "there is a target $target"
done
named=$(grep -hoE '(^    |`|sudo )make( [A-Z]+=[^ ]+)* [a-z][a-z-]*' README.md HACKING.md contrib/README.md |
	sed 's/.* //' | sort -u)
like "$named" '^install-contrib$' 'the texts name targets'
for target in $named; do
	grep -qE "^($target|[a-z -]* $target)( [a-z -]*)?:" Makefile */*.mk || echo "$target"
done >"$TMP/missing"
is "$(cat "$TMP/missing")" '' 'and only those there are'
for file in $(grep -hoE '(contrib|t|daemon|cache|nsutil|fusechan)/[a-zA-Z0-9_./-]*\.(sh|t|c|h|md|8)\b' \
	README.md HACKING.md contrib/README.md | sort -u); do
	case $file in
	*NAME*) ;;
	*) [ -e "$file" ] || echo "$file" ;;
	esac
done >"$TMP/missing"
is "$(cat "$TMP/missing")" '' 'files that the texts name are there'

version=$(sed -n 's/^VERSION = //p' Makefile)
is "$("$EVLXCFS_BIN" --version)" "$version" 'the version'
for file in alpine/APKBUILD openwrt/Makefile debian/changelog; do
	like "$(grep -iE '^(pkgver|PKG_VERSION|evlxcfs)' contrib/packaging/$file)" "[=( ]$version\\)?" \
		"packaging: $file has it"
done
like "$(cat contrib/kubernetes/evlxcfs.yaml)" "image: evlxcfs:$version\$" 'so has the manifest'

scripts=$(find contrib -type f -exec grep -lE '^#!/(bin/sh|sbin/openrc-run)' {} + | sort; echo contrib/packaging/alpine/APKBUILD)
between 8 "$(echo "$scripts" | wc -l)" 100 'contrib has scripts'
for script in $scripts; do
	ok "$script: syntax" sh -n "$script"
done
for script in $(find contrib -type f -exec grep -lE '^#!' {} +); do
	[ -x "$script" ] || echo "$script"
done >"$TMP/missing"
is "$(cat "$TMP/missing")" '' 'all can be executed'
if command -v shellcheck >/dev/null; then
	# shellcheck disable=SC2086
	ok 'shellcheck finds nothing' shellcheck -s sh $scripts
fi
for file in contrib/s6/*/run contrib/s6/*/finish; do
	is "$(tr -cd '{' <"$file" | wc -c)" "$(tr -cd '}' <"$file" | wc -c)" "$file: blocks are closed"
done
is "$(cat contrib/s6/evlxcfs/producer-for contrib/s6/evlxcfs-log/consumer-for)" "$(printf 'evlxcfs-log\nevlxcfs')" 's6-rc: a pipeline'
is "$(sed -n 's/.*--ready-fd=//p' contrib/s6/evlxcfs/run | cut -d' ' -f1)" "$(cat contrib/s6/evlxcfs/notification-fd)" \
	's6: the descriptor that readiness is told on'

if command -v systemd-analyze >/dev/null; then
	sed "s|^ExecStart=[^ ]*|ExecStart=$EVLXCFS_BIN|" contrib/systemd/evlxcfs.service >"$TMP/evlxcfs.service"
	ok 'systemd takes the unit' systemd-analyze verify --man=no "$TMP/evlxcfs.service"
fi
if python3 -c 'import yaml' 2>/dev/null; then
	is "$(python3 -c 'import sys, yaml
for doc in yaml.safe_load_all(open(sys.argv[1])): print(doc["kind"])' contrib/kubernetes/evlxcfs.yaml)" \
		"$(printf 'DaemonSet\nPod')" 'the manifest is YAML'
fi
if command -v mandoc >/dev/null; then
	is "$(mandoc -Tlint -Wstyle $manual 2>/dev/null | grep -v 'referenced manual not found')" '' 'mandoc finds nothing'
	like "$(mandoc -Tmarkdown $manual)" '^# EXIT STATUS$' 'the manual can be shown'
else
	skip 2 'needs the program mandoc'
fi
done_testing
