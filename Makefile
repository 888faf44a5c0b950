# SPDX-License-Identifier: Apache-2.0
# `make help` lists the targets.

VERSION := 0.1.0
MODE    ?= release
PREFIX  ?= /usr/local
DESTDIR ?=
CC      := gcc
CLANG   := clang
BPFTOOL := $(firstword $(wildcard /usr/sbin/bpftool) bpftool)

B    := build/$(MODE)
GEN  := build/gen
Q    := $(if $(V),,@)
say   = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

LIBS := libbpf libevent jansson libfyaml libcurl libmnl ncursesw libssl libcrypto libseccomp

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 \
	-Wconversion -Wno-sign-conversion
MODE_release := -O2 -D_FORTIFY_SOURCE=2
MODE_arm64   := $(MODE_release)
MODE_asan    := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
# Not := where pkg-config is asked: "make deps all" installs it after this file was read.
GW_CPPFLAGS  = -Iinclude -Iuserspace -isystem $(GEN) -D_GNU_SOURCE -DGWBPF_VERSION='"$(VERSION)"' \
	$(shell pkg-config --cflags $(LIBS))
GW_CFLAGS   := -std=gnu11 -g $(MODE_$(MODE)) $(WARN) -fstack-protector-strong
GW_LDFLAGS  := $(MODE_$(MODE))
GW_LDLIBS    = $(shell pkg-config --libs $(LIBS))

SOURCES := $(wildcard userspace/*.c userspace/*/*.c userspace/*/*/*.c)
OBJECTS := $(SOURCES:userspace/%.c=$(B)/%.o)
SKELETONS := $(GEN)/gwbpf.skel.h $(GEN)/walk.skel.h $(GEN)/takeover.skel.h \
	$(GEN)/holders.skel.h $(GEN)/waits.skel.h

.PHONY: all
all: build/gwbpf ## build the program (the default)

build/gwbpf: $(B)/gwbpf
	$(Q)cp $< $@

$(B)/gwbpf: $(OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(GW_LDFLAGS) $(LDFLAGS) -o $@ $^ $(GW_LDLIBS)

$(B)/%.o: userspace/%.c | $(SKELETONS)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(GW_CPPFLAGS) $(CPPFLAGS) $(GW_CFLAGS) $(CFLAGS) -MD -MP -c -o $@ $<

# What a target lacks is said before anything is built: its first prerequisite is one of these.
NEEDS := bench cluster fresh fuzz kernels lint monitoring page packages

.PHONY: need-build need-tests need-image need-deb $(NEEDS:%=need-%)
need-build:
	$(Q)tests/deps.sh --check 'make deps' build
need-tests:
	$(Q)tests/deps.sh --check 'make deps'
need-image:
	$(Q)deploy/image/deps.sh --check 'make image-deps'
need-deb:
	$(Q)deploy/deb/deps.sh --check 'make deb-deps'
$(NEEDS:%=need-%): need-%:
	$(Q)tests/$*/deps.sh --check 'make $*-deps'

# BPF: -target bpf forgets the multiarch include directory; give it back last.
vpath %.bpf.c bpf tests/bench
$(GEN)/%.bpf.o: %.bpf.c | need-build
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -g -O2 -target bpf -mcpu=v3 -Wall -Wextra -Werror -Iinclude -Ibpf \
		-idirafter /usr/include/$(shell $(CC) -print-multiarch) -MD -MP -MF $(@:.o=.d) -MT $@ \
		-c -o $@ $<

$(GEN)/%.skel.h: $(GEN)/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@.tmp && mv $@.tmp $@

.SECONDARY:
-include $(OBJECTS:.o=.d) $(wildcard $(GEN)/*.d)

include tests/tests.mk
include tests/soak/soak.mk
include tests/fuzz/fuzz.mk
include tests/fresh/fresh.mk
include tests/packages/packages.mk
include tests/lint/lint.mk
include tests/monitoring/monitoring.mk
include tests/page/page.mk
include tests/cluster/cluster.mk
include tests/clients/clients.mk
include tests/kernels/kernels.mk
include deploy/deploy.mk
include demo/demo.mk

# The completions come from the program's own table, so the program that was built prints them.
SHARE := $(DESTDIR)$(PREFIX)/share

.PHONY: install
install: all ## install program, man page and completions (DESTDIR, PREFIX)
	$(Q)install -D -m 755 build/gwbpf $(DESTDIR)$(PREFIX)/bin/gwbpf
	$(Q)install -D -m 644 docs/gwbpf.8 $(SHARE)/man/man8/gwbpf.8
	$(Q)install -d $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions \
		$(SHARE)/fish/vendor_completions.d
	$(Q)build/gwbpf completion bash > $(SHARE)/bash-completion/completions/gwbpf
	$(Q)build/gwbpf completion zsh > $(SHARE)/zsh/site-functions/_gwbpf
	$(Q)build/gwbpf completion fish > $(SHARE)/fish/vendor_completions.d/gwbpf.fish

.PHONY: uninstall
uninstall: ## remove what install put there (DESTDIR, PREFIX)
	$(Q)rm -f $(DESTDIR)$(PREFIX)/bin/gwbpf $(SHARE)/man/man8/gwbpf.8 \
		$(SHARE)/bash-completion/completions/gwbpf $(SHARE)/zsh/site-functions/_gwbpf \
		$(SHARE)/fish/vendor_completions.d/gwbpf.fish

.PHONY: deps
deps: ## install what building and testing needs (Debian, Ubuntu)
	$(Q)./tests/deps.sh

.PHONY: clean
clean: ## remove all that was built
	$(Q)rm -rf build

.PHONY: help
help: ## list the targets
	$(Q)sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1@\2/p' $(MAKEFILE_LIST) | column -t -s @
