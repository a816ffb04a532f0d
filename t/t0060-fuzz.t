#!/bin/sh
# The parsers take whatever comes: each fuzzer over its corpus, and some thousand
# inputs made from it. `make fuzz` goes on for longer.
# run: together
. "$(dirname "$0")/lib.sh"
need_command clang

out=$TMP/out
ok 'the fuzzers build' make -s -j"$(nproc)" -C "$T_TOP" O="$out" FUZZ_SECONDS=0 \
	$(cd "$T_DIR/fuzz" && for f in *.c; do echo "$out/fuzz/${f%.c}"; done)
for source in "$T_DIR"/fuzz/*.c; do
	name=$(basename "$source" .c)
	corpus=$T_DIR/fuzz/corpus/$name
	between 3 "$(ls "$corpus" | wc -l)" 1000 "$name: there is a corpus"
	ok "$name: its corpus" "$out/fuzz/$name" -artifact_prefix="$TMP/$name-" "$corpus"/*
	mkdir "$TMP/$name"
	ok "$name: what comes of it" "$out/fuzz/$name" -seed=1 -runs=5000 -timeout=10 \
		-artifact_prefix="$TMP/$name-" "$TMP/$name" "$corpus"
done
done_testing
