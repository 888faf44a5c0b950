# SPDX-License-Identifier: Apache-2.0
# How the tests are built and run. Every test program speaks TAP; tests/run.sh counts.

CMOCKA = $(shell pkg-config --libs cmocka)

# Unit tests: what a test links is the list of the modules that it depends on.
UNIT_TESTS := addr child log text parse settings weights selector annotations model kept choose usable drained excepted \
	plan plan_edges claims policy_table maglev decode decode_service decode_slice manifests \
	manifests_bad file file_paths same store args naming format
OBJECT := model/object model/selector model/settings model/weights model/check_setting base/addr base/parse base/text
CERTIFICATE := base/certificate base/certificate_names base/distinguished base/der base/text base/addr \
	base/parse

UNIT_addr     := base/addr base/parse
UNIT_child    := base/child
UNIT_log      := base/log base/text
UNIT_text     := base/text
UNIT_parse    := base/parse
UNIT_settings := model/settings
UNIT_weights  := model/weights base/parse base/text
UNIT_selector := model/selector base/text
UNIT_annotations := model/annotations $(sort model/tls_names $(CERTIFICATE) $(OBJECT))
UNIT_model    := model/model $(OBJECT)
UNIT_kept     := $(UNIT_model)
UNIT_same     := $(OBJECT)
UNIT_store    := model/store model/refused model/model $(OBJECT)
UNIT_choose   := model/choose model/rules model/model $(OBJECT)
UNIT_usable   := $(UNIT_choose)
UNIT_drained  := $(UNIT_choose)
UNIT_excepted := $(UNIT_choose)
UNIT_plan     := model/plan $(OBJECT)
UNIT_plan_edges := $(UNIT_plan)
UNIT_policy_table := model/policy_table
UNIT_maglev   := model/policy_table
UNIT_claims   := model/claims $(OBJECT)
UNIT_decode   := source/decode source/decode_service source/decode_slice source/decode_pod \
	source/decode_endpoints source/fields model/annotations \
	$(sort model/tls_names $(CERTIFICATE) $(OBJECT))
UNIT_decode_service := $(UNIT_decode)
UNIT_decode_slice := $(UNIT_decode)
UNIT_args     := base/args
UNIT_naming   := cli/naming base/addr base/parse
UNIT_format   := report/format report/json base/addr base/parse
YAML          := source/yaml source/yaml_anchors source/yaml_tags source/scalar
UNIT_manifests := source/manifests source/manifest_set source/manifest_files source/encoding base/regular \
	$(YAML) source/json_text source/go_json $(UNIT_decode)
UNIT_manifests_bad := $(UNIT_manifests)
UNIT_file     := tests/unit/file_fixture source/file source/watches $(sort $(UNIT_store) $(UNIT_manifests))
UNIT_file_paths := $(UNIT_file)

UNIT_TESTS += corpus_manifest corpus_decode corpus_json
UNIT_corpus_manifest := tests/fuzz/replay tests/fuzz/fuzz_manifest tests/fuzz/fuzz $(UNIT_manifests)
UNIT_corpus_decode := tests/fuzz/replay tests/fuzz/fuzz_decode tests/fuzz/fuzz $(UNIT_decode)
UNIT_corpus_json := tests/fuzz/replay tests/fuzz/fuzz_json tests/fuzz/fuzz source/json_text source/go_json \
	$(UNIT_decode)

UNIT_TESTS += columns columns_text shorten yaml
UNIT_columns := report/columns $(UNIT_format)
UNIT_columns_text := report/columns_text $(UNIT_columns)
UNIT_shorten := cli/shorten
UNIT_yaml := report/yaml

UNIT_TESTS += balance evenness silence latest
UNIT_balance := model/balance
UNIT_evenness := model/evenness
UNIT_silence := model/silence
UNIT_latest := model/latest

UNIT_TESTS += uneven refused retries repeats following changes pod_uid pod_names why commands stats duties \
	http_access workers lines client_names
UNIT_client_names := agent/client_names
UNIT_changes := agent/changes base/addr base/parse model/settings
UNIT_pod_uid := report/pod_uid
UNIT_pod_names := report/pod_names
UNIT_commands := report/commands
UNIT_why := model/why $(UNIT_choose)
UNIT_refused := model/refused
UNIT_retries := agent/retries
UNIT_uneven := agent/uneven base/addr base/parse
UNIT_following := agent/following
UNIT_repeats := agent/repeats
UNIT_lines := agent/lines
UNIT_stats := agent/stats
UNIT_duties := agent/duties
UNIT_workers := agent/workers base/child
UNIT_http_access := agent/http_access base/addr base/parse

UNIT_TESTS += events wrap top_rows
UNIT_top_rows := cli/top_rows base/addr base/parse
UNIT_events := agent/events report/json base/addr base/parse base/text
UNIT_wrap := cli/wrap base/text

UNIT_TESTS += ranges shares proxies
UNIT_ranges := kernel/ranges
UNIT_shares := kernel/shares
UNIT_proxies := kernel/proxies kernel/proxy_tables

UNIT_TESTS += kubeconfig kube_watch kube_pages kube_faults kube_connection kube_patience \
	kube_intake kube_pem kube kube_named kube_slices kube_pods
KUBE_INTAKE := source/kube/intake source/kube/held source/kube/reply source/kube/failure \
	source/kube/config source/kube/bytes source/kube/resource source/sink source/go_json \
	base/regular base/text
KUBE_WATCH := source/kube/watch source/kube/http source/kube/curl $(KUBE_INTAKE)
UNIT_kube_intake := $(KUBE_INTAKE)
UNIT_kube_pem := source/kube/pem source/kube/config source/kube/bytes base/regular
UNIT_kubeconfig := source/kube/kubeconfig source/kube/config source/kube/bytes source/encoding \
	base/regular base/parse $(YAML)
UNIT_kube_watch := $(KUBE_WATCH) tests/unit/fake_api tests/unit/watched
UNIT_kube_pages := $(UNIT_kube_watch)
UNIT_kube_faults := $(UNIT_kube_watch)
UNIT_kube_connection := $(UNIT_kube_watch)
UNIT_kube_patience := $(UNIT_kube_watch)
UNIT_kube := $(sort $(KUBE_WATCH) source/kube/kube source/kube/pulse source/kube/follow source/kube/pem source/kube/slices source/kube/pods \
	$(UNIT_kubeconfig) $(UNIT_store) $(UNIT_decode)) \
	tests/unit/fake_api tests/unit/sourced
UNIT_kube_named := $(UNIT_kube)
UNIT_kube_slices := $(UNIT_kube)
UNIT_kube_pods := $(UNIT_kube)

UNIT_TESTS += corpus_kube corpus_kubeconfig
UNIT_corpus_kubeconfig := tests/fuzz/replay tests/fuzz/fuzz_kubeconfig tests/fuzz/fuzz \
	$(sort $(UNIT_kubeconfig) $(UNIT_decode))
UNIT_corpus_kube := tests/fuzz/replay tests/fuzz/fuzz_kube tests/fuzz/fuzz \
	$(sort $(KUBE_INTAKE) $(UNIT_decode))

UNIT_TESTS += certificate corpus_certificate tls_names certificate_judge check_certificate
UNIT_certificate := $(CERTIFICATE)
UNIT_certificate_judge := model/certificate_judge
UNIT_check_certificate := agent/check_certificate agent/check_message model/tls_names $(CERTIFICATE)
UNIT_tls_names := model/tls_names $(CERTIFICATE)
UNIT_LIBS_certificate = $(shell pkg-config --libs libcrypto)
UNIT_corpus_certificate := tests/fuzz/replay tests/fuzz/fuzz_certificate tests/fuzz/fuzz \
	$(sort $(CERTIFICATE) $(UNIT_decode))

CHECK_LOOK := agent/check_look agent/check_pulse agent/check_tls agent/check_message agent/check_certificate model/tls_names \
	$(CERTIFICATE)
UNIT_TESTS += asked check_setting check_judge check_look check_sandbox corpus_answer
UNIT_asked := agent/asked
UNIT_check_setting := model/check_setting base/parse base/text
UNIT_check_judge := model/check_judge
UNIT_check_look := $(CHECK_LOOK)
UNIT_check_sandbox := agent/check_sandbox
UNIT_corpus_answer := tests/fuzz/replay tests/fuzz/fuzz_answer tests/fuzz/fuzz \
	$(sort agent/check_message $(UNIT_decode))

UNIT_TESTS += judge
UNIT_judge := tests/soak/judge

define UNIT_RULE
$$(B)/tests/unit/test_$(1): $$(B)/tests/unit/test_$(1).o $$(UNIT_$(1):%=$$(B)/%.o)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(GW_LDFLAGS) -o $$@ $$^ $$(GW_LDLIBS) $$(CMOCKA) $$(UNIT_LIBS_$(1))
endef
$(foreach t,$(UNIT_TESTS),$(eval $(call UNIT_RULE,$(t))))

UNIT_PROGRAMS := $(UNIT_TESTS:%=$(B)/tests/unit/test_%)

# Kernel tests: real sockets; they link the kernel's side and what lies below it.
KERNEL_PROGRAMS := $(patsubst tests/kernel/test_%.c,$(B)/tests/kernel/test_%,$(wildcard tests/kernel/test_*.c))
KERNEL_HELPERS  := $(patsubst tests/kernel/%.c,$(B)/tests/kernel/%.o,$(filter-out $(wildcard tests/kernel/test_*.c),$(wildcard tests/kernel/*.c)))

$(KERNEL_PROGRAMS): %: %.o $(KERNEL_HELPERS) $(filter $(B)/kernel/% $(B)/model/% $(B)/base/%,$(OBJECTS))
	$(call say,LD,$@)
	$(Q)$(CC) $(GW_LDFLAGS) -o $@ $^ $(GW_LDLIBS) $(CMOCKA) -lpthread

# Benchmarks: on top of the kernel tests' lab. They print, and assert nothing of time.
BENCH_PROGRAMS := $(patsubst tests/bench/bench_%.c,$(B)/tests/bench/bench_%,$(wildcard tests/bench/bench_*.c))
BENCH_SCALE    := $(B)/tests/bench/bench_scale $(B)/tests/bench/bench_connections \
	$(B)/tests/bench/bench_answers
BENCH_HELPERS  := $(patsubst tests/%.c,$(B)/tests/%.o,$(filter-out tests/bench/bench_%.c %.bpf.c,$(wildcard tests/bench/*.c)))

$(BENCH_PROGRAMS): %: %.o $(BENCH_HELPERS) $(KERNEL_HELPERS) $(filter $(B)/kernel/% $(B)/model/% $(B)/base/%,$(OBJECTS))
	$(call say,LD,$@)
	$(Q)$(CC) $(GW_LDFLAGS) -o $@ $^ $(GW_LDLIBS) $(CMOCKA) -lpthread

.PHONY: bench-deps
bench-deps: ## install what gwbpf is measured against
	$(Q)tests/bench/deps.sh

# BENCH_JSON=FILE: for programs, BENCH_ROUNDS=N: fewer or more of them; make itself passes them on.
.PHONY: bench
bench: need-tests need-bench $(filter-out $(BENCH_SCALE),$(BENCH_PROGRAMS)) ## measure what balancing costs (as root; BENCH_JSON=FILE, BENCH_ROUNDS=25)
	$(Q)rm -f $(BENCH_JSON)
	$(Q)for program in $(filter-out $(BENCH_SCALE),$(BENCH_PROGRAMS)); do $$program || exit 1; done

.PHONY: bench-scale
bench-scale: need-tests all $(BENCH_SCALE) ## measure with 10,000 Services, backends and connections (as root; BENCH_JSON=FILE)
	$(Q)rm -f $(BENCH_JSON)
	$(Q)for program in $(BENCH_SCALE); do $$program || exit 1; done

$(B)/tests/bench/floor.o: | $(GEN)/floor.skel.h

$(B)/tests/%.o: tests/%.c | $(SKELETONS)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(GW_CPPFLAGS) -Itests $(CPPFLAGS) $(GW_CFLAGS) $(CFLAGS) -MD -MP -c -o $@ $<

-include $(wildcard $(B)/tests/*/*.d)

.PHONY: check
check: need-tests all check-kernel-programs ## run all tests (as root)
	$(Q)$(MAKE) --no-print-directory MODE=asan unit-programs
	$(Q)tests/run.sh $(wildcard tests/arch/*.sh tests/arch/*.bats) $(UNIT_TESTS:%=build/asan/tests/unit/test_%) \
		$(KERNEL_PROGRAMS) $(SOAK_PROGRAM) $(wildcard tests/cli/*.bats)

.PHONY: check-unit
check-unit: need-tests ## run the unit tests alone, with sanitizers (no root needed)
	$(Q)$(MAKE) --no-print-directory MODE=asan unit-programs
	$(Q)tests/run.sh $(UNIT_TESTS:%=build/asan/tests/unit/test_%)

.PHONY: unit-programs check-kernel-programs
unit-programs: $(UNIT_PROGRAMS)
check-kernel-programs: $(KERNEL_PROGRAMS)
