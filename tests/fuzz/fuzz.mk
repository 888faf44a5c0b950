# SPDX-License-Identifier: Apache-2.0
# Fuzzing of everything that strangers can write. What is found goes to build/fuzz/found-*; add what
# is worth keeping to tests/fuzz/corpus, which the unit tests replay.

FUZZ_SECONDS ?= 60
FUZZ_TARGETS := manifest decode json kube kubeconfig certificate answer
FUZZ_manifest := $(UNIT_manifests)
FUZZ_decode   := $(UNIT_decode)
FUZZ_json     := source/json_text source/go_json $(UNIT_decode)
FUZZ_kube     := $(sort $(KUBE_INTAKE) $(UNIT_decode))
FUZZ_kubeconfig := $(sort $(UNIT_kubeconfig) $(UNIT_decode))
FUZZ_certificate := $(sort $(CERTIFICATE) $(UNIT_decode))
FUZZ_answer   := $(sort agent/check_message $(UNIT_decode))
FUZZ_SEEDS_certificate := tests/data/certificates

define FUZZ_RULE
build/fuzz/fuzz_$(1): tests/fuzz/fuzz_$(1).c tests/fuzz/fuzz.c $$(FUZZ_$(1):%=userspace/%.c) \
		$$(wildcard userspace/*/*.h userspace/*/*/*.h)
	$$(call say,FUZZ,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CLANG) $$(GW_CPPFLAGS) -Itests/fuzz -std=gnu11 -g -O1 \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $$@ \
		$$(filter %.c,$$^) $$(GW_LDLIBS)

.PHONY: fuzz-$(1)
fuzz-$(1): need-build need-fuzz build/fuzz/fuzz_$(1)
	$$(Q)mkdir -p build/fuzz/found-$(1)
	$$(Q)LSAN_OPTIONS=suppressions=tests/fuzz/lsan.supp:print_suppressions=0 \
		build/fuzz/fuzz_$(1) -max_total_time=$$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 \
		-max_len=16384 -print_final_stats=1 -artifact_prefix=build/fuzz/$(1)- \
		-dict=tests/fuzz/words.dict build/fuzz/found-$(1) tests/fuzz/corpus/$(1) \
		$$(FUZZ_SEEDS_$(1))
endef
$(foreach t,$(FUZZ_TARGETS),$(eval $(call FUZZ_RULE,$(t))))

.PHONY: fuzz-deps
fuzz-deps: ## install what fuzzing needs
	$(Q)tests/fuzz/deps.sh

.PHONY: fuzz
fuzz: need-build need-fuzz ## fuzz the parsers for FUZZ_SECONDS each
	$(Q)for target in $(FUZZ_TARGETS); do \
		$(MAKE) --no-print-directory fuzz-$$target || exit 1; \
	done
