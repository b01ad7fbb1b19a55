# SPDX-License-Identifier: MIT
# The only entry point: "make help".  Every folder of userland has a module.mk that adds to
# LIBS, PROGS, TESTS and FUZZERS and says what each is made of:
#
#   PROGS += ipsecctl                             (TOOLS: the same, but never installed;
#                                                 HELPERS: not for people, in libexecdir)
#   ipsecctl_SRCS := userland/ctl/main.c ...      relative to this folder
#   ipsecctl_LIBS := policy base                  of ours; theirs come along
#   ipsecctl_PKGS := libsystemd libedit           pkg-config names
#
# Everything made goes to build/.  Tests are linked from objects with sanitizers (build/asan),
# fuzzers from instrumented ones (build/fuzz, and build/cover to count what they reach).

MAKEFLAGS += -rR --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

VERSION := $(shell sed -n 's/^IPD_VERSION := //p' Kbuild)

# "make V=1" shows the commands.
V ?= 0
ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n'
endif
export V FULL

CC := gcc
AR := ar
CLANG := clang
PKG_CONFIG := pkg-config
INSTALL := install

DESTDIR ?=
prefix ?= /usr
sbindir ?= $(prefix)/sbin
libexecdir ?= $(prefix)/lib/ipsec-policy
mandir ?= $(prefix)/share/man
unitdir ?= $(prefix)/lib/systemd/system
initramfsdir ?= $(prefix)/share/initramfs-tools
sysusersdir ?= $(prefix)/lib/sysusers.d
tmpfilesdir ?= $(prefix)/lib/tmpfiles.d
completiondir ?= $(prefix)/share/bash-completion/completions
zshcompletiondir ?= $(prefix)/share/zsh/vendor-completions
dkmsdir ?= $(prefix)/src/ipsec-policy-$(VERSION)

LIBS :=
PROGS :=
HELPERS :=
TOOLS :=
TESTS :=
FUZZERS :=
FRAGMENTS := $(sort $(wildcard userland/*/module.mk userland/lib/*/module.mk kernel/tests/*/module.mk \
	selftests/*/module.mk))
include $(FRAGMENTS)

# --- flags ----------------------------------------------------------------

# pkg-config is asked once per variable, and only when something is compiled.
ALL_PKGS = $(sort $(foreach t,$(LIBS) $(PROGS) $(HELPERS) $(TOOLS) $(TESTS) $(FUZZERS),$($(t)_PKGS)))
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(ALL_PKGS) || echo -error-pkg-config))$(PKG_CFLAGS)

INCLUDES := -Iuserland/lib -Iuserland -Iinclude/uapi -Ibuild
WARNINGS := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wvla
CPPFLAGS_OWN = -D_GNU_SOURCE -DIPD_VERSION='"$(VERSION)"' $(INCLUDES) $(PKG_CFLAGS)
CFLAGS_OWN := -std=gnu11 $(WARNINGS) -g -MMD -MP

CFLAGS ?= -O2
HARDENING := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
	-fstack-clash-protection -fcf-protection -Wformat -Wformat-security -fPIE
HARDENING_LINK := -pie -Wl,-z,relro,-z,now

SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FUZZ_FLAGS := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -O1
# Without sanitizers, whose own branches nothing ever reaches.
COVER_FLAGS := -fsanitize=fuzzer-no-link -fprofile-instr-generate -fcoverage-mapping -O1

plain_CC = $(CC) $(CPPFLAGS_OWN) $(CPPFLAGS) $(CFLAGS_OWN) $(HARDENING) $(CFLAGS)
asan_CC = $(CC) $(CPPFLAGS_OWN) $(CPPFLAGS) $(CFLAGS_OWN) $(SANITIZERS) -O1
fuzz_CC = $(CLANG) $(CPPFLAGS_OWN) $(CPPFLAGS) $(CFLAGS_OWN) $(FUZZ_FLAGS)
cover_CC = $(CLANG) $(CPPFLAGS_OWN) $(CPPFLAGS) $(CFLAGS_OWN) $(COVER_FLAGS)

# --- what is built from what ----------------------------------------------

# Libraries of $(1), with theirs, each once.
libs_of = $(sort $($(1)_LIBS) $(foreach l,$($(1)_LIBS),$(call libs_of,$(l))))
pkgs_of = $(sort $($(1)_PKGS) $(foreach l,$(call libs_of,$(1)),$($(l)_PKGS)))
objects = $(patsubst %.c,build/$(2)/%.o,$($(1)_SRCS))
archives = $(patsubst %,build/$(2)lib%.a,$(call libs_of,$(1)))
pkg_libs = $(if $(call pkgs_of,$(1)),$$$$($(PKG_CONFIG) --libs $(call pkgs_of,$(1))))
# Order of archives does not matter within a group.
link_inputs = $(call objects,$(1),$(2)) -Wl,--start-group $(call archives,$(1),$(3)) \
	-Wl,--end-group $(call pkg_libs,$(1)) $($(1)_LDLIBS)

build/obj/%.o: %.c Makefile
	$(say) CC $<
	$(Q)mkdir -p $(@D) && $(plain_CC) -c -o $@ $<

build/asan/%.o: %.c Makefile
	$(say) CC "$< (asan)"
	$(Q)mkdir -p $(@D) && $(asan_CC) -c -o $@ $<

build/fuzz/%.o: %.c Makefile
	$(say) CC "$< (fuzz)"
	$(Q)mkdir -p $(@D) && $(fuzz_CC) -c -o $@ $<

build/cover/%.o: %.c Makefile
	$(say) CC "$< (cover)"
	$(Q)mkdir -p $(@D) && $(cover_CC) -c -o $@ $<

define archive_rule
build/$(3)lib$(1).a: $(call objects,$(1),$(2))
	$$(say) AR $$@
	$$(Q)mkdir -p $$(@D) && rm -f $$@ && $$(AR) rcs $$@ $$^
endef
$(foreach l,$(LIBS),$(eval $(call archive_rule,$(l),obj,)))
$(foreach l,$(LIBS),$(eval $(call archive_rule,$(l),asan,asan/)))
$(foreach l,$(LIBS),$(eval $(call archive_rule,$(l),fuzz,fuzz/)))
$(foreach l,$(LIBS),$(eval $(call archive_rule,$(l),cover,cover/)))

define program_rule
build/$(1): $(call objects,$(1),obj) $(call archives,$(1),)
	$$(say) LD $$@
	$$(Q)$$(CC) $$(HARDENING_LINK) $$(CFLAGS) $$(LDFLAGS) -o $$@ $(call link_inputs,$(1),obj,)
endef
$(foreach p,$(PROGS) $(HELPERS) $(TOOLS),$(eval $(call program_rule,$(p))))

# The programs again with sanitizers, for runs in guests that look for memory errors.
define asan_program_rule
build/asan/bin/$(1): $(call objects,$(1),asan) $(call archives,$(1),asan/)
	$$(say) LD $$@
	$$(Q)mkdir -p $$(@D) && $$(CC) $$(SANITIZERS) -o $$@ $(call link_inputs,$(1),asan,asan/)
endef
$(foreach p,$(PROGS) $(HELPERS) $(TOOLS),$(eval $(call asan_program_rule,$(p))))

define test_rule
build/tests/$(1): $(call objects,$(1),asan) $(call archives,$(1),asan/)
	$$(say) LD $$@
	$$(Q)mkdir -p $$(@D) && $$(CC) $$(SANITIZERS) $($(1)_LDFLAGS) -o $$@ \
		$(call link_inputs,$(1),asan,asan/)
endef
$(foreach t,$(TESTS),$(eval $(call test_rule,$(t))))

define fuzzer_rule
build/fuzz/$(1): $(call objects,$(1),fuzz) $(call archives,$(1),fuzz/)
	$$(say) LD $$@
	$$(Q)mkdir -p $$(@D) && $$(CLANG) -fsanitize=fuzzer,address,undefined -o $$@ \
		$(call link_inputs,$(1),fuzz,fuzz/)
endef
$(foreach f,$(FUZZERS),$(eval $(call fuzzer_rule,$(f))))

# The fuzzers again, to count what they reach.
define cover_rule
build/cover/$(1): $(call objects,$(1),cover) $(call archives,$(1),cover/)
	$$(say) LD $$@
	$$(Q)mkdir -p $$(@D) && $$(CLANG) -fsanitize=fuzzer -fprofile-instr-generate -o $$@ \
		$(call link_inputs,$(1),cover,cover/)
endef
$(foreach f,$(FUZZERS),$(eval $(call cover_rule,$(f))))
# What each begins with; libFuzzer adds what it finds to the first folder it is given.
$(foreach f,$(FUZZERS),$(eval $(f)_CORPUS := $(wildcard selftests/corpus/$(f))))

TIDY_DIR := build/tidy$(if $(FULL),-full)
-include $(shell [ ! -d build ] || find build/obj build/asan build/fuzz build/cover $(TIDY_DIR) -name '*.d' 2>/dev/null)

# --- targets --------------------------------------------------------------

.PHONY: all modules programs userland tests asan fuzzers help
all: modules userland ## driver and programs (default)

# Kernel: KDIR, by default the running kernel's build folder, else the newest installed headers.
modules: ## the driver for KDIR: build/module/host/ipsecdrv.ko
	$(Q)scripts/module build host

programs: $(PROGS:%=build/%) $(HELPERS:%=build/%) ## what is installed, in build/
userland: programs $(TOOLS:%=build/%) $(LIBS:%=build/lib%.a) ## that, and tools for tests

tests: $(TESTS:%=build/tests/%) ## the unit tests, with sanitizers, in build/tests/
asan: $(PROGS:%=build/asan/bin/%) ## the programs with sanitizers, in build/asan/bin/
fuzzers: $(FUZZERS:%=build/fuzz/%) ## the fuzzers, in build/fuzz/

# What scripts/check asks to know about the fragments.
.PHONY: print-%
print-%:
	@echo '$($*)'

.PHONY: check check-style check-unit check-kunit check-uml check-vm check-boot check-host check-interop check-stress check-kernels
check: ## every test; the last line is the sum (FULL=1: slow tiers too)
	$(Q)scripts/check
check-style check-unit check-kunit check-uml check-vm check-boot check-host check-interop check-stress check-kernels: check-%:
	$(Q)scripts/check $*

# clang-tidy, again only for what has changed. Its static analyzer takes a hundred times as long
# as all the rest: it is for FULL=1.
TIDY := $(sort $(foreach t,$(LIBS) $(PROGS) $(HELPERS) $(TOOLS),$($(t)_SRCS)))
TIDY_CHECKS := $(if $(FULL),,--checks=-clang-analyzer-*)
.PHONY: tidy
tidy: $(TIDY:%=$(TIDY_DIR)/%.ok) ## clang-tidy over the programs (FULL=1: with the static analyzer)

$(TIDY_DIR)/%.ok: % .clang-tidy Makefile
	$(say) TIDY $<
	$(Q)mkdir -p $(@D) && clang-tidy --quiet $(TIDY_CHECKS) $< -- -std=gnu11 $(CPPFLAGS_OWN) 2>&1 | \
		sed "s,$(CURDIR)/,," | \
		{ ! grep -v -E '^[0-9]+ warnings? (generated|treated)|^Suppressed|^$$'; } && \
		$(CC) $(CPPFLAGS_OWN) -std=gnu11 -MM -MT $@ $< >$(TIDY_DIR)/$*.d && touch $@

.PHONY: demo bench bench-ike interop conformance fuzz regen docs
demo: ## the main job, shown in a guest (DEMO=uml, DEMO=host: elsewhere)
	$(Q)scripts/demo

bench: ## measure against XFRM and nftables, in a guest that counts instructions (BENCH=vm|uml, CASES=..., FULL=1)
	$(Q)scripts/bench $(BENCH:%=--guest %) $(KERNEL:%=--kernel %) $(CASES)

bench-ike: ## measure negotiations against strongSwan and libreswan, on this machine, as root (CASES=...)
	$(Q)scripts/bench-ike $(CASES)

interop: ## our IKE against strongSwan and libreswan, either side starting, and a table (PEERS="libreswan strongswan-trixie")
	$(Q)scripts/interop $(PEERS)

conformance: ## each row of Documentation/features.tsv and the tests that prove it
	$(Q)scripts/conformance

FUZZ_SECONDS ?= 60
fuzz: ## run each fuzzer for FUZZ_SECONDS (60), and say what it reached
	$(Q)scripts/fuzz --seconds $(FUZZ_SECONDS)

regen: ## write generated files again from their sources
	$(Q)for g in $(sort $(wildcard scripts/gen_*)); do "$$g" || exit; done

MAN := $(sort $(wildcard Documentation/man/*.[1-8]))
RST := $(sort $(wildcard Documentation/*.rst Documentation/*/*.rst))
docs: $(MAN:Documentation/%=build/docs/%.html) $(RST:Documentation/%.rst=build/docs/%.html) ## manual pages and documents as HTML, in build/docs/

build/docs/man/%.html: Documentation/man/%
	$(say) MAN $@
	$(Q)mkdir -p $(@D) && mandoc -Thtml -O style=mandoc.css $< >$@

build/docs/%.html: Documentation/%.rst
	$(say) RST $@
	$(Q)mkdir -p $(@D) && rst2html --halt=warning $< $@

# --- installation ---------------------------------------------------------

UNITS := $(sort $(wildcard userland/*/*.service userland/*/*.socket userland/*/*.path userland/*/*.target))
SYSUSERS := $(sort $(wildcard userland/*/*.sysusers))
# Started at every boot, enabled or not: what they do depends on the agent.
WANTS := sysinit.target.wants/ipsec-policy-boot.service paths.target.wants/ipsec-policy-initramfs.path \
	multi-user.target.wants/ipsec-policy-initramfs.service
BOOT_LIBS := $(sort $(wildcard userland/boot/*.sh))
BOOT_SCRIPTS := $(sort $(filter-out %.c %.mk %.sh,$(wildcard userland/boot/*)))
TMPFILES := $(sort $(wildcard userland/*/*.tmpfiles))
COMPLETIONS := $(sort $(wildcard userland/*/*.bash userland/*/completion/*.bash))
ZSH_COMPLETIONS := $(sort $(wildcard userland/*/completion/_*))
DKMS_FILES := Kbuild $(sort $(shell find kernel include -name tests -prune -o -type f -print))
DKMS_NAME := ipsec-policy/$(VERSION)
OTHER_NAMES := ipseccmd ipsecpol

# The driver's manual page goes with its source: the packages are two.
DRIVER_MAN := Documentation/man/ipsecdrv.7
USERLAND_MAN := $(filter-out $(DRIVER_MAN),$(MAN))
man_path = $(mandir)/man$(patsubst .%,%,$(suffix $(1)))/$(notdir $(1))

.PHONY: install install-userland install-driver install-dkms uninstall
install: install-userland install-driver ## into DESTDIR; the driver as source for DKMS

install-userland: programs
	$(say) INSTALL "$(DESTDIR)$(sbindir)"
	$(Q)$(INSTALL) -d $(DESTDIR)$(sbindir)
	$(Q)$(INSTALL) -m 755 $(PROGS:%=build/%) $(DESTDIR)$(sbindir)
	$(Q)$(INSTALL) -d $(DESTDIR)$(libexecdir)
	$(Q)$(INSTALL) -m 755 $(HELPERS:%=build/%) $(BOOT_SCRIPTS) $(DESTDIR)$(libexecdir)
	$(Q)$(INSTALL) -m 644 $(BOOT_LIBS) $(DESTDIR)$(libexecdir)
	$(Q)set -e; for f in $(OTHER_NAMES); do ln -sf ipsecctl $(DESTDIR)$(sbindir)/$$f; done
	$(Q)set -e; for f in $(USERLAND_MAN); do \
		$(INSTALL) -D -m 644 $$f $(DESTDIR)$(mandir)/man$${f##*.}/$${f##*/}; done
	$(Q)ln -sf ipseccmd.8 $(DESTDIR)$(mandir)/man8/ipsecpol.8
	$(Q)set -e; for f in $(UNITS); do $(INSTALL) -d $(DESTDIR)$(unitdir); \
		sed 's#@sbindir@#$(sbindir)#g; s#@libexecdir@#$(libexecdir)#g' $$f \
			>$(DESTDIR)$(unitdir)/$${f##*/}; \
		chmod 644 $(DESTDIR)$(unitdir)/$${f##*/}; done
	$(Q)set -e; for f in $(WANTS); do $(INSTALL) -d $(DESTDIR)$(unitdir)/$${f%/*}; \
		ln -sf ../$${f##*/} $(DESTDIR)$(unitdir)/$$f; done
	$(Q)$(INSTALL) -D -m 755 userland/initramfs/hook $(DESTDIR)$(initramfsdir)/hooks/ipsec-policy
	$(Q)$(INSTALL) -D -m 755 userland/initramfs/init-top $(DESTDIR)$(initramfsdir)/scripts/init-top/ipsec-policy
	$(Q)set -e; for f in $(SYSUSERS); do n=$${f##*/}; \
		$(INSTALL) -D -m 644 $$f $(DESTDIR)$(sysusersdir)/$${n%.sysusers}.conf; done
	$(Q)set -e; for f in $(TMPFILES); do n=$${f##*/}; \
		$(INSTALL) -D -m 644 $$f $(DESTDIR)$(tmpfilesdir)/$${n%.tmpfiles}.conf; done
	$(Q)set -e; for f in $(COMPLETIONS); do n=$${f##*/}; \
		$(INSTALL) -D -m 644 $$f $(DESTDIR)$(completiondir)/$${n%.bash}; done
	$(Q)set -e; for f in $(ZSH_COMPLETIONS); do \
		$(INSTALL) -D -m 644 $$f $(DESTDIR)$(zshcompletiondir)/$${f##*/}; done

install-driver:
	$(say) INSTALL "$(DESTDIR)$(dkmsdir)"
	$(Q)$(INSTALL) -D -m 644 $(DRIVER_MAN) $(DESTDIR)$(call man_path,$(DRIVER_MAN))
	$(Q)set -e; for f in $(DKMS_FILES); do \
		$(INSTALL) -D -m 644 $$f $(DESTDIR)$(dkmsdir)/$$f; done
	$(Q)find $(DESTDIR)$(dkmsdir) -name '*.sh' -exec chmod 755 {} +
	$(Q)sed -i 's/^IPD_VERSION := .*/IPD_VERSION := $(VERSION)/' $(DESTDIR)$(dkmsdir)/Kbuild
	$(Q)sed 's/#MODULE_VERSION#/$(VERSION)/' scripts/dkms.conf.in >$(DESTDIR)$(dkmsdir)/dkms.conf

# What is installed, for "make uninstall"; selftests/harness/install.sh holds it against the rules above.
INSTALLED = $(addprefix $(sbindir)/,$(PROGS) $(OTHER_NAMES)) \
	$(addprefix $(libexecdir)/,$(HELPERS) $(notdir $(BOOT_SCRIPTS) $(BOOT_LIBS))) \
	$(addprefix $(unitdir)/,$(WANTS)) \
	$(addprefix $(initramfsdir)/,hooks/ipsec-policy scripts/init-top/ipsec-policy) \
	$(foreach f,$(MAN),$(call man_path,$(f))) $(mandir)/man8/ipsecpol.8 \
	$(addprefix $(unitdir)/,$(notdir $(UNITS))) \
	$(patsubst %.sysusers,$(sysusersdir)/%.conf,$(notdir $(SYSUSERS))) \
	$(patsubst %.tmpfiles,$(tmpfilesdir)/%.conf,$(notdir $(TMPFILES))) \
	$(patsubst %.bash,$(completiondir)/%,$(notdir $(COMPLETIONS))) \
	$(addprefix $(zshcompletiondir)/,$(notdir $(ZSH_COMPLETIONS))) \
	$(addprefix $(dkmsdir)/,$(DKMS_FILES) dkms.conf)

KERNELVERSION ?= $(shell uname -r)
install-dkms: ## as root: have DKMS build the installed driver, for KERNELVERSION now, for others when they come
	$(Q)dkms install $(DKMSFLAGS) $(DKMS_NAME) -k $(KERNELVERSION)

uninstall: ## remove what "make install" has put into DESTDIR, from DKMS too; stores and settings stay
	$(Q)[ -n "$(DESTDIR)" ] || ! command -v dkms >/dev/null || ! dkms status $(DKMS_NAME) | grep -q . || \
		dkms remove $(DKMSFLAGS) $(DKMS_NAME) --all
	$(Q)rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	$(Q)[ ! -d $(DESTDIR)$(libexecdir) ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$(libexecdir)
	$(Q)[ ! -d $(DESTDIR)$(dkmsdir) ] || find $(DESTDIR)$(dkmsdir) -depth -type d -empty -delete

.PHONY: deb
deb: ## packages for Debian 12: build/deb/*.deb
	$(Q)scripts/deb

.PHONY: clean
clean: ## remove build/ (kernels stay in the cache: scripts/uml path plain)
	$(Q)rm -rf build

help: ## this list
	@echo 'make [V=1] TARGET'
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/  \1|\2/p' Makefile | \
		awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'
	@echo '  check-TIER     one tier: style unit kunit uml vm interop stress; kernels: newer ones; host: on this, as root'
