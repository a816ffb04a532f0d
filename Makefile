# evlxcfs: one Makefile for everything. `make help` lists the targets.
#
#   make O=dir                        products elsewhere than in build/
#   make CC=clang                     another compiler
#   make SANITIZE=address,undefined   with sanitizers, in a directory of its own
#   make STATIC=1                     a static binary, in a directory of its own
#   make WERROR=1                     a warning is an error; CI sets it
#   make DESTDIR=/tmp/root PREFIX=/usr install
#   make SUPERVISOR=systemd install-contrib      or runit, s6, openrc
#   make FUZZ_SECONDS=600 fuzz                   takes clang
#   make clean                        also of build-san, build-static and build-musl

VERSION = 0.1.0

O ?= build$(if $(SANITIZE),-san)$(if $(STATIC),-static)
PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share
DESTDIR ?=
# What starts services here, and where it looks for them.
SUPERVISOR ?=
RUNITDIR ?= /etc/sv
S6DIR ?= /etc/s6/sv
SYSTEMDUNITDIR ?= $(PREFIX)/lib/systemd/system
OPENRCDIR ?= /etc/init.d

# Root may build in another user's tree (sudo make): one more make does it, and its products become
# that user's, who can go on building, however it ends.
ifndef given
owner := $(shell [ "$$(id -u)" != 0 ] || stat -c %u:%g . | grep -v '^0:')
endif
ifdef owner
goals := $(or $(MAKECMDGOALS),all)
.PHONY: given $(goals)
$(goals): given ;
given:
	@trap : HUP INT PIPE TERM; status=0; \
	$(MAKE) --no-print-directory given=1 $(goals) || status=$$?; \
	[ ! -d $O ] || chown -Rh $(owner) $O; exit $$status
else

ifeq ($(origin CC),default)
CC = gcc
endif
INSTALL ?= install
PROVE ?= prove
FUZZ_CC ?= clang
FUZZ_SECONDS ?= 60

# Almost all of its time is spent in the kernel: -O2 makes it larger, and not faster.
CFLAGS ?= -Os -g
# What is done for each character of a text.
$O/nsutil/procfile.o: CFLAGS += -O2
WARN = $(if $(filter 1,$(WERROR)),-Werror) -Wall -Wextra -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wvla -Wformat=2 -Wundef -Wwrite-strings
HARDEN = -fPIE -fstack-protector-strong $(if $(SANITIZE)$(findstring _FORTIFY_SOURCE,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
HARDEN_LD = $(if $(STATIC),-static-pie,-pie) -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack \
	-Wl,--as-needed
SAN = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)

cppflags = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -I. -DEVLXCFS_VERSION='"$(VERSION)"' $(CPPFLAGS)
# Nothing unwinds the stack at run time; debuggers find what they need in -g's sections. Symbols
# are bound at the start: a PLT would only be in the way.
SMALL = -ffunction-sections -fdata-sections -fno-unwind-tables -fno-asynchronous-unwind-tables \
	-fno-plt
cflags = -std=gnu11 $(WARN) $(HARDEN) $(SMALL) $(SAN) $(CFLAGS)
# One segment for all that is only read: what is not code would fill pages of its own.
ldflags = $(HARDEN_LD) -Wl,--gc-sections -Wl,-z,noseparate-code $(SAN) $(LDFLAGS)
libs = -lev -lcap-ng -lm

sources = $(sort $(wildcard fusechan/*.c nsutil/*.c cache/*.c daemon/*.c daemon/view/*.c))
headers = $(sort $(wildcard fusechan/*.h nsutil/*.h cache/*.h daemon/*.h daemon/view/*.h))
objects = $(sources:%.c=$O/%.o)
unit_sources = $(sort $(filter-out t/unit/fixture.c,$(wildcard t/unit/*.c)))
units = $(unit_sources:t/unit/%.c=$O/t/unit/%)
tool_sources = $(sort $(wildcard t/tool/*.c))
tools = $(tool_sources:t/tool/%.c=$O/t/tool/%)
bench_sources = $(sort $(wildcard t/bench/*.c))
bench_tools = $(bench_sources:t/bench/%.c=$O/t/bench/%)

# `make V=1` shows the commands.
Q = $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2))

.PHONY: all help units check check-long check-unit demo bench fuzz install uninstall install-lxcfs uninstall-lxcfs install-contrib \
	uninstall-contrib clean headers-check compile-commands deps tests format-check
.SECONDARY:
.DELETE_ON_ERROR:

all: $O/evlxcfs

help:
	@sed -n 's/^#   make/make/p' Makefile
	@echo 'targets: all check check-long check-unit demo bench fuzz clean'
	@echo '         install uninstall install-contrib uninstall-contrib'
	@echo '         install-lxcfs uninstall-lxcfs'
	@echo '         headers-check compile-commands format-check'

$O/evlxcfs: $(objects)
	$(call say,LINK,$@)
	$(Q)$(CC) $(cflags) $(ldflags) -o $@ $^ $(libs)

# The daemon with faults built in (fusechan/fault.h), for the tests alone: not installed.
fault_sources = fusechan/channel.c fusechan/fault.c fusechan/reply.c daemon/read.c daemon/serve.c daemon/worker.c
fault_objects = $(fault_sources:%.c=$O/fault/%.o)
$O/evlxcfs-fault: $(fault_objects) $(filter-out $(fault_sources:%.c=$O/%.o),$(objects))
	$(call say,LINK,$@)
	$(Q)$(CC) $(cflags) $(ldflags) -o $@ $^ $(libs)
$O/fault/%.o: %.c Makefile
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(cppflags) -DFAULT_INJECTION $(cflags) -MMD -MP -c -o $@ $<

# Everything but main(), for the unit tests.
$O/libevlxcfs.a: $(filter-out $O/daemon/main.o,$(objects))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$O/%.o: %.c Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(cppflags) $(cflags) -MMD -MP -c -o $@ $<

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

-include $(objects:.o=.d) $(fault_objects:.o=.d) $(units:=.d) $O/t/unit/fixture.d

# Each header compiles by itself.
headers-check: $(headers:%=$O/%.check)
$O/%.h.check: %.h Makefile
	$(call say,HEADER,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(cppflags) $(cflags) -Wno-unused-function -x c -fsyntax-only -include $< /dev/null
	@touch $@

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

# Installs what is missing, builds, and shows a container beside its host. As root.
demo:
	t/deps.sh demo
	$(MAKE) $O/evlxcfs
	BUILD=$O t/demo.sh

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

install: $O/evlxcfs
	$(INSTALL) -d "$(DESTDIR)$(SBINDIR)" "$(DESTDIR)$(MANDIR)/man8"
	$(INSTALL) -m 755 $O/evlxcfs "$(DESTDIR)$(SBINDIR)/evlxcfs"
	$(INSTALL) -m 644 contrib/man/evlxcfs.8 "$(DESTDIR)$(MANDIR)/man8/evlxcfs.8"

uninstall:
	rm -f "$(DESTDIR)$(SBINDIR)/evlxcfs" "$(DESTDIR)$(MANDIR)/man8/evlxcfs.8"

# In lxcfs's place: programs and services that start lxcfs start evlxcfs then.
install-lxcfs:
	$(INSTALL) -d "$(DESTDIR)$(BINDIR)"
	ln -sf "$(SBINDIR)/evlxcfs" "$(DESTDIR)$(BINDIR)/lxcfs"

uninstall-lxcfs:
	[ "$$(readlink "$(DESTDIR)$(BINDIR)/lxcfs")" != "$(SBINDIR)/evlxcfs" ] || rm "$(DESTDIR)$(BINDIR)/lxcfs"

# Below contrib/: what goes to DATADIR, and the files of the supervisor's service.
contrib_files = lxc/evlxcfs-hook lxc/evlxcfs.conf oci/evlxcfs-mounts oci/evlxcfs-run \
	kubernetes/Containerfile kubernetes/evlxcfs.yaml
service_files = $(if $(service_dir),$(patsubst contrib/$(SUPERVISOR)/%,%,$(sort \
	$(shell find contrib/$(SUPERVISOR) -type f))))
service_dir = $(or $(service_dir_$(SUPERVISOR)),$(error \
	SUPERVISOR is runit, s6, systemd, openrc or nothing))
service_dir_runit = $(RUNITDIR)
service_dir_s6 = $(S6DIR)
service_dir_systemd = $(SYSTEMDUNITDIR)
service_dir_openrc = $(OPENRCDIR)

# $(call put,FROM,FILES,TO): with the paths of this installation in them.
put = set -e; umask 022; for f in $(2); do to="$(DESTDIR)$(3)/$$f"; \
	$(INSTALL) -d "$${to%/*}"; rm -f "$$to"; \
	sed -e 's|/usr/local/sbin|$(SBINDIR)|g; s|/usr/local/share|$(DATADIR)|g' $(1)/$$f >"$$to"; \
	if [ -x $(1)/$$f ]; then chmod 755 "$$to"; fi; done
# $(call take,FILES,FROM): and directories that are empty then.
take = for f in $(1); do d="$${f%/*}"; rm -f "$(DESTDIR)$(2)/$$f"; \
	while [ "$$d" != "$$f" ] && rmdir "$(DESTDIR)$(2)/$$d" 2>/dev/null; do f=$$d; d=$${d%/*}; done; done

install-contrib:
	$(if $(SUPERVISOR),$(call put,contrib/$(SUPERVISOR),$(service_files),$(service_dir)))
	$(call put,contrib,$(contrib_files),$(DATADIR)/evlxcfs)

uninstall-contrib:
	$(if $(SUPERVISOR),$(call take,$(service_files),$(service_dir)))
	$(call take,$(contrib_files),$(DATADIR)/evlxcfs)
	rmdir "$(DESTDIR)$(DATADIR)/evlxcfs" 2>/dev/null || :

compile-commands: compile_commands.json
compile_commands.json: Makefile $(sources)
	@{ sep='['; for f in $(sources) $(unit_sources) t/unit/fixture.c; do \
		printf '%s\n{"directory":"%s","file":"%s","command":"%s"}' "$$sep" "$(CURDIR)" "$$f" \
			"$(CC) $(subst ",\\\",$(subst \,\\,$(cppflags))) $(cflags) -c $$f"; sep=','; \
	done; printf '\n]\n'; } >$@

format-check:
	clang-format --dry-run --Werror $(sources) $(headers) $(wildcard t/unit/*.[ch])

# With an O of the user's that one alone.
clean:
	rm -rf $O $(if $(filter file,$(origin O)),build-san build-static build-san-static build-musl)

endif
