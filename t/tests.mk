# The tests: unit tests, tools, a daemon with faults, benchmarks, fuzzers. The Makefile includes this.

unit_sources = $(sort $(filter-out t/unit/fixture.c,$(wildcard t/unit/*.c)))
units = $(unit_sources:t/unit/%.c=$O/t/unit/%)
tool_sources = $(sort $(wildcard t/tool/*.c))
tools = $(tool_sources:t/tool/%.c=$O/t/tool/%)
bench_sources = $(sort $(wildcard t/bench/*.c))
bench_tools = $(bench_sources:t/bench/%.c=$O/t/bench/%)

# Everything but main(), for the unit tests.
$O/libevlxcfs.a: $(filter-out $O/daemon/main.o,$(objects))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# The daemon with faults built in (fusechan/fault.h), for the tests alone: not installed.
fault_sources = fusechan/channel.c fusechan/fault.c fusechan/reply.c daemon/read.c daemon/serve.c daemon/worker.c
fault_objects = $(fault_sources:%.c=$O/fault/%.o)
$O/evlxcfs-fault: $(fault_objects) $(filter-out $(fault_sources:%.c=$O/%.o),$(objects))
	$(call say,LINK,$@)
	$(Q)$(CC) $(cflags) $(ldflags) -o $@ $^ $(libs)
$O/fault/%.o: %.c Makefile
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(cppflags) -DFAULT_INJECTION $(cflags) -MMD -MP -c -o $@ $<

$O/t/unit/%: $O/t/unit/%.o $O/t/unit/fixture.o $O/libevlxcfs.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(cflags) $(ldflags) -o $@ $^ $(libs)

# Tools that tests run inside containers: plain programs, without sanitizers.
$O/t/tool/%: t/tool/%.c Makefile
	$(call say,TOOL,$@)
	$(Q)mkdir -p $(@D) && $(CC) -D_GNU_SOURCE -std=gnu11 $(WARN) $(CFLAGS) -o $@ $< -lm

$O/t/tool/vigil: t/tool/vigil.h

# The benchmark's: its floor is our own channel with another handler.
$O/t/bench/%: t/bench/%.c t/bench/hist.h $O/libevlxcfs.a Makefile
	$(call say,BENCH,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(cppflags) $(cflags) $(ldflags) -o $@ $< $O/libevlxcfs.a $(libs)

-include $(fault_objects:.o=.d) $(units:=.d) $O/t/unit/fixture.d

units: $(units)

tests: $(units) $(tools) $O/evlxcfs $O/evlxcfs-fault

check-unit: $(units) headers-check
	$(PROVE) $(PROVEFLAGS) $(units)

# Each test says in its head how it may run. "together" with others: it measures no time and changes
# nothing that others look at. "first": the same, and it takes long. "alone". "long": in check-long
# only, since it needs an idle machine or boots one more kernel.
that_run = $(shell grep -lE '^\# run: $(1)$$' t/t*.t)
side_tests = $(call that_run,first) $(call that_run,together)
long_tests = $(call that_run,long)
all_tests = $(sort $(wildcard t/t*.t))

# Installs what the tests need, then runs them. As root.
check:
	t/deps.sh check
	$(MAKE) tests headers-check
	@export BUILD=$O; good=true; \
	$(PROVE) -j3 $(PROVEFLAGS) $(side_tests) $(units) || good=false; \
	$(PROVE) $(PROVEFLAGS) $(filter-out $(side_tests) $(long_tests),$(all_tests)) || good=false; \
	$$good

# All of them, at length: an hour or so.
check-long:
	t/deps.sh check
	$(MAKE) tests headers-check
	EVLXCFS_TEST_LONG=1 BUILD=$O $(PROVE) $(PROVEFLAGS) $(units) $(all_tests)

# Compares with lxcfs and with what FUSE itself costs. As root. BENCHFLAGS=--help says more.
bench: $O/evlxcfs $(tools) $(bench_tools)
	BUILD=$O t/bench/run.sh $(BENCHFLAGS)

# Parsers of what others write, each with a corpus (t/fuzz/corpus) that grows in $O/fuzz.
fuzzers = $(patsubst t/fuzz/%.c,$O/fuzz/%,$(sort $(wildcard t/fuzz/*.c)))
fuzz_parts = $(patsubst %.c,$O/fuzz/%.o,$(wildcard fusechan/*.c nsutil/*.c))
fuzz_flags = $(cppflags) -std=gnu11 $(WARN) -O1 -g -fno-sanitize-recover=all
fuzz: $(fuzzers)
	@for f in $(notdir $(fuzzers)); do \
		mkdir -p $O/fuzz/corpus/$$f && echo "fuzz $$f" && $O/fuzz/$$f -close_fd_mask=3 \
			-max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -timeout=10 \
			-artifact_prefix=$O/fuzz/$$f- $O/fuzz/corpus/$$f t/fuzz/corpus/$$f || exit; \
	done
$O/fuzz/parts.a: $(fuzz_parts)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$O/fuzz/%: t/fuzz/%.c t/fuzz/fuzz.h $O/fuzz/parts.a
	$(call say,FUZZ,$@)
	$(Q)$(FUZZ_CC) $(fuzz_flags) -fsanitize=fuzzer,address,undefined -o $@ $< $O/fuzz/parts.a $(libs)
$O/fuzz/%.o: %.c Makefile
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(FUZZ_CC) $(fuzz_flags) -fsanitize=fuzzer-no-link,address,undefined \
		-MMD -MP -c -o $@ $<
-include $(fuzz_parts:.o=.d)
