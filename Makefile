# evlxcfs: one Makefile for everything. `make help` lists the targets.
#
#   make O=dir                        products elsewhere than in build/
#   make CC=clang                     another compiler
#   make SANITIZE=address,undefined   with sanitizers, in a directory of its own
#   make STATIC=1                     a static binary, in a directory of its own
#   make DESTDIR=/tmp/root PREFIX=/usr install

VERSION = 0.1.0

O ?= build$(if $(SANITIZE),-san)$(if $(STATIC),-static)
PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share
DESTDIR ?=

ifeq ($(origin CC),default)
CC = gcc
endif
PKG_CONFIG ?= pkg-config
INSTALL ?= install
PROVE ?= prove

CFLAGS ?= -O2 -g
WARN = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wvla -Wformat=2 -Wundef -Wwrite-strings
HARDEN = -fPIE -fstack-protector-strong $(if $(SANITIZE),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
HARDEN_LD = $(if $(STATIC),-static-pie,-pie) -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack \
	-Wl,--as-needed
SAN = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)

cppflags = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I. -DEVLXCFS_VERSION='"$(VERSION)"' $(CPPFLAGS)
cflags = -std=gnu11 $(WARN) $(HARDEN) -ffunction-sections -fdata-sections $(SAN) $(CFLAGS)
ldflags = $(HARDEN_LD) -Wl,--gc-sections $(SAN) $(LDFLAGS)
libs = -lev -lcap-ng -lm

sources = $(sort $(wildcard fusechan/*.c nsutil/*.c cache/*.c daemon/*.c daemon/view/*.c))
headers = $(sort $(wildcard fusechan/*.h nsutil/*.h cache/*.h daemon/*.h daemon/view/*.h))
objects = $(sources:%.c=$O/%.o)
unit_sources = $(sort $(filter-out t/unit/fixture.c,$(wildcard t/unit/*.c)))
units = $(unit_sources:t/unit/%.c=$O/t/unit/%)
tool_sources = $(sort $(wildcard t/tool/*.c))
tools = $(tool_sources:t/tool/%.c=$O/t/tool/%)

# `make V=1` shows the commands.
Q = $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $(2))

.PHONY: all help check check-unit demo bench install uninstall clean headers-check \
	compile-commands deps tests format-check
.SECONDARY:
.DELETE_ON_ERROR:

all: $O/evlxcfs

help:
	@sed -n 's/^#   make/make/p' Makefile
	@echo 'targets: all check check-unit demo bench install uninstall clean'
	@echo '         headers-check compile-commands format-check'

$O/evlxcfs: $(objects)
	$(call say,LINK,$@)
	$(Q)$(CC) $(cflags) $(ldflags) -o $@ $^ $(libs)

# The daemon with faults built in (fusechan/fault.h), for the tests alone: not installed.
fault_sources = fusechan/channel.c fusechan/fault.c fusechan/reply.c daemon/serve.c daemon/worker.c
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

-include $(objects:.o=.d) $(fault_objects:.o=.d) $(units:=.d) $O/t/unit/fixture.d

# Each header compiles by itself.
headers-check: $(headers:%=$O/%.check)
$O/%.h.check: %.h Makefile
	$(call say,HEADER,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(cppflags) $(cflags) -Wno-unused-function -x c -fsyntax-only -include $< /dev/null
	@touch $@

tests: $(units) $(tools) $O/evlxcfs $O/evlxcfs-fault

check-unit: $(units) headers-check
	$(PROVE) $(PROVEFLAGS) $(units)

# Installs what the tests need, then runs them all. As root.
check:
	t/deps.sh check
	$(MAKE) tests headers-check
	BUILD=$O $(PROVE) $(PROVEFLAGS) $(units) t

# Installs what is missing, builds, and shows a container beside its host. As root.
demo:
	t/deps.sh demo
	$(MAKE) $O/evlxcfs
	BUILD=$O t/demo.sh

bench: $O/evlxcfs $(tools)
	BUILD=$O t/bench/run.sh

install: $O/evlxcfs
	$(INSTALL) -d $(DESTDIR)$(SBINDIR)
	$(INSTALL) -m 755 $O/evlxcfs $(DESTDIR)$(SBINDIR)/evlxcfs

uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/evlxcfs

compile-commands: compile_commands.json
compile_commands.json: Makefile $(sources)
	@{ sep='['; for f in $(sources) $(unit_sources) t/unit/fixture.c; do \
		printf '%s\n{"directory":"%s","file":"%s","command":"%s"}' "$$sep" "$(CURDIR)" "$$f" \
			"$(CC) $(subst ",\\\",$(subst \,\\,$(subst ',,$(cppflags)))) $(cflags) -c $$f"; sep=','; \
	done; printf '\n]\n'; } >$@

format-check:
	clang-format --dry-run --Werror $(sources) $(headers) $(wildcard t/unit/*.[ch])

clean:
	rm -rf $O
