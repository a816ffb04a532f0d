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

sources = $(sort $(wildcard fusechan/*.c nsutil/*.c cache/*.c daemon/*.c daemon/*/*.c))
headers = $(sort $(wildcard fusechan/*.h nsutil/*.h cache/*.h daemon/*.h daemon/*/*.h))
objects = $(sources:%.c=$O/%.o)

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

$O/%.o: %.c Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(cppflags) $(cflags) -MMD -MP -c -o $@ $<

-include $(objects:.o=.d)

# Each header compiles by itself.
headers-check: $(headers:%=$O/%.check)
$O/%.h.check: %.h Makefile
	$(call say,HEADER,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(cppflags) $(cflags) -Wno-unused-function -x c -fsyntax-only -include $< /dev/null
	@touch $@

# Installs what is missing, builds, and shows a container beside its host. As root.
demo:
	t/deps.sh demo
	$(MAKE) $O/evlxcfs
	BUILD=$O t/demo.sh

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

# Programs and rules of the tests and of what else is installed; the daemon builds without.
include $(wildcard t/tests.mk contrib/install.mk)

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
