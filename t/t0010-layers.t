#!/bin/sh
# What the tree may look like: which layer includes which, who speaks, how long a
# file is, what lies at the top. Each rule is tried first on a tree that breaks it.
# run: together
. "$(dirname "$0")/lib.sh"

# Every check takes a tree and prints what is wrong with it.

layers='fusechan nsutil cache daemon'

includes() {
	(cd "$1" && find $layers -name '*.[ch]' -exec grep -Hn '^[[:space:]]*#[[:space:]]*include' {} +) |
		sed 's/:[[:space:]]*#[[:space:]]*include[[:space:]]*/:/'
}

# "FILE:LINE:"HEADER"" of our own headers.
arrows() {
	includes "$1" | awk -F: '
		BEGIN {
			may["fusechan"] = "fusechan"
			may["nsutil"] = "nsutil"
			may["cache"] = "cache nsutil"
			may["daemon"] = "daemon cache nsutil fusechan"
		}
		$3 ~ /^"/ {
			header = $3
			gsub(/"/, "", header)
			split($1, from, "/")
			split(header, to, "/")
			if (index(" " may[from[1]] " ", " " to[1] " ") == 0 || header !~ /\//)
				print $1 ":" $2 ": includes " header
		}'
}

event_loop() {
	includes "$1" | grep '<ev' | grep -v '^daemon/loop\.c:' | sed 's/$/ outside daemon\/loop.c/'
}

views() {
	includes "$1" | awk -F: '
		$1 ~ /^daemon\/view\// && $3 ~ /^"/ {
			header = $3
			gsub(/"/, "", header)
			if (header !~ /^daemon\/(view|outbuf)\.h$/ && header !~ /^daemon\/view\// &&
				header !~ /^nsutil\// && header !~ /^cache\/(container|load|cpuview|saturate)\.h$/)
				print $1 ":" $2 ": a view includes " header
		}'
}

speech() {
	(cd "$1" && find fusechan nsutil cache -name '*.[ch]' -exec grep -HnE \
		'(^|[^a-z_])(log_[a-z]+|v?f?printf|f?puts|f?putc|putchar|perror|(v?syslog)|v?warnx?|v?errx?) ?\(|std(out|err)|STD(OUT|ERR)' {} +)
}

long_files() {
	(cd "$1" && find . \( -name .git -o -name 'build*' \) -prune -o -name '*.[ch]' -exec wc -l {} +) |
		awk '$1 > 450 && $2 != "total" { print substr($2, 3) " has " $1 " lines" }'
}

# As one would search for them; spelled so that this file does not have them.
promises() {
	(cd "$1" && find . \( -name .git -o -name 'build*' -o -name .cache -o -name compile_commands.json \) -prune \
		-o -type f -exec grep -HnIE '(^|[^A-Za-z0-9_])(TO''DO|FIX''ME|X''XX)([^A-Za-z0-9_]|$)' {} +)
}

# Files of /proc and /sys opened by path, or by a sysconf(3) that does so, may be ours.
paths() {
	(cd "$1" && find $layers -name '*.[ch]' ! -path daemon/hostfs.c -exec grep -HnE \
		'(open|stat|access|read|realpath|printf)[a-z0-9]*\([^;]*"/(proc|sys)[/"]|[^*]*sysconf\(_SC_(NPROC|PHYS)' {} +)
}

# Tests that make does not know how to run.
unrunnable() {
	(cd "$1/t" && for test in t*.t; do
		count=$(grep -cE '^# run: (first|together|alone|long)$' "$test")
		[ "$count" = 1 ] || echo "$test says $count times how it may run"
	done)
}

strangers() {
	for entry in "$1"/* "$1"/.[!.]*; do
		case ${entry##*/} in
		Makefile | LICENSE | README.md | HACKING.md | NEWS.md | '*') ;;
		fusechan | nsutil | cache | daemon | t | contrib) ;;
		.ci | .clang-format | .editorconfig | .gitignore | .git | '.[!.]*') ;;
		build* | compile_commands.json | .cache | .prove) ;;
		*) [ "$entry" = "$BUILD" ] || echo "${entry##*/}" ;;
		esac
	done
}

bad=$TMP/bad
mkdir -p "$bad/daemon/view" "$bad/fusechan" "$bad/nsutil" "$bad/cache" "$bad/libs"
cat >"$bad/nsutil/a.c" <<'C'
#include "nsutil/a.h"
#include "cache/b.h"
	fprintf(stderr, "x");
C
cat >"$bad/cache/b.c" <<'C'
  # include "fusechan/c.h"
#include "nsutil/a.h"
#include "b.h"
	snprintf(text, sizeof(text), "x");
C
cat >"$bad/fusechan/c.c" <<'C'
#include "daemon/log.h"
	log_warn("x");
C
cat >"$bad/daemon/serve.c" <<'C'
#include <ev.h>
#include "fusechan/c.h"
#include "cache/b.h"
	open("/proc", O_PATH);
	failed("/proc", r);
	snprintf(path, sizeof(path), "/sys/%s", name);
	openat(proc, "self/stat", O_RDONLY);
	sysconf(_SC_NPROCESSORS_CONF);
C
printf '#include <ev.h>\n' >"$bad/daemon/loop.c"
cat >"$bad/daemon/view/stat.c" <<'C'
#include "daemon/view.h"
#include "daemon/view/memory.h"
#include "daemon/server.h"
#include "cache/cpuview.h"
#include "cache/pidns.h"
C
yes '/* x */' | head -n 451 >"$bad/daemon/long.c"
yes '/* x */' | head -n 450 >"$bad/daemon/short.c"
mkdir -p "$bad/t/unit"
cp "$bad/daemon/long.c" "$bad/t/unit/long.c"
printf '/* %s: later */\n' 'TO''DO' >"$bad/daemon/later.h"
printf 'mktemp %s\n' 'X''XXXXX' >"$bad/daemon/never.h"

printf '# run: together\n' >"$bad/t/t1-good.t"
printf '# run: sometimes\n' >"$bad/t/t2-other.t"
printf '# run: alone\n# run: long\n' >"$bad/t/t3-twice.t"

is "$(arrows "$bad" | sort)" 'cache/b.c:1: includes fusechan/c.h
cache/b.c:3: includes b.h
fusechan/c.c:1: includes daemon/log.h
nsutil/a.c:2: includes cache/b.h' 'a wrong arrow is found'
is "$(event_loop "$bad")" 'daemon/serve.c:1:<ev.h> outside daemon/loop.c' 'so is a second event loop'
is "$(views "$bad" | sort)" 'daemon/view/stat.c:3: a view includes daemon/server.h
daemon/view/stat.c:5: a view includes cache/pidns.h' 'a view that knows too much'
is "$(speech "$bad" | sort)" 'fusechan/c.c:2:	log_warn("x");
nsutil/a.c:3:	fprintf(stderr, "x");' 'a library that speaks'
is "$(paths "$bad" | cut -d: -f1,2)" 'daemon/serve.c:4
daemon/serve.c:6
daemon/serve.c:8' 'a file of /proc or /sys that is opened by path'
is "$(long_files "$bad" | sort)" 'daemon/long.c has 451 lines
t/unit/long.c has 451 lines' 'a long file'
is "$(promises "$bad" | sed 's/:.*//')" ./daemon/later.h 'a promise'
is "$(strangers "$bad")" libs 'something new at the top'

is "$(unrunnable "$bad")" 't2-other.t says 0 times how it may run
t3-twice.t says 2 times how it may run' 'a test that does not say how it may run'

is "$(find "$T_TOP"/fusechan "$T_TOP"/nsutil "$T_TOP"/cache "$T_TOP"/daemon -name '*.c' | wc -l | awk '{ print ($1 > 40) }')" \
	1 'there are files to look at'
is "$(arrows "$T_TOP")" '' 'layers: daemon to cache to nsutil, daemon to fusechan, no other'
is "$(event_loop "$T_TOP")" '' 'only daemon/loop.c knows libev'
is "$(views "$T_TOP")" '' 'a view includes only what it should'
is "$(speech "$T_TOP")" '' 'only the daemon speaks'
is "$(paths "$T_TOP")" '' 'only daemon/hostfs.c opens /proc or /sys by path'
is "$(long_files "$T_TOP")" '' 'no file has more than 450 lines'
is "$(promises "$T_TOP")" '' 'nothing is put off'
is "$(unrunnable "$T_TOP")" '' 'each test says how it may run'
is "$(strangers "$T_TOP")" '' 'nothing new at the top'
done_testing
