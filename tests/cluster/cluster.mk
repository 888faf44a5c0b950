# SPDX-License-Identifier: Apache-2.0
# Tests on a real Kubernetes, on this machine alone. Kubernetes is built once for all work trees,
# below ~/.cache, so `make clean` leaves it.

.PHONY: cluster-deps
cluster-deps: ## install what the tests on a real Kubernetes need
	$(Q)tests/cluster/deps.sh

.PHONY: kubernetes
kubernetes: ## build the Kubernetes of the tests (6 minutes the first time)
	$(Q)tests/cluster/k8s/build.sh

.PHONY: cluster-images
cluster-images: need-image build/cluster/peer-image.tar image ## build the images for the tests on nodes

.PHONY: check-cluster
check-cluster: need-tests need-cluster all kubernetes cluster-images clients follow ## run the tests on a real Kubernetes (as root)
	$(Q)TEST_TIMEOUT=1800 tests/run.sh tests/cluster/*.bats

# What runs in the tests' pods, and what they look around with.
build/cluster/peer: tests/cluster/pods/peer.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE $(CPPFLAGS) -std=gnu11 -g -O2 $(WARN) $(CFLAGS) -o $@ $<

build/cluster/peer-image.tar: build/cluster/peer deploy/image/scratch.sh deploy/image/collect.sh
	$(call say,IMAGE,$@)
	$(Q)deploy/image/scratch.sh localhost/peer:test $@ $< /usr/bin/stat /usr/bin/ls

# The Kubernetes source alone, with sanitizers: what it delivers, as lines.
FOLLOW_OBJECTS := $(UNIT_kube:%=$(B)/%.o)
$(B)/tests/cluster/follow: $(B)/tests/cluster/follow.o $(filter-out $(B)/tests/%,$(FOLLOW_OBJECTS))
	$(call say,LD,$@)
	$(Q)$(CC) $(GW_LDFLAGS) -o $@ $^ $(GW_LDLIBS)

.PHONY: follow
follow:
	$(Q)$(MAKE) --no-print-directory MODE=asan build/asan/tests/cluster/follow

# Speed and size at a real API server. They print, and assert nothing of time.
STOPWATCH := build/release/tests/cluster/bench/stopwatch
$(B)/tests/cluster/bench/stopwatch: $(B)/tests/cluster/bench/stopwatch.o \
		$(filter $(B)/kernel/% $(B)/model/% $(B)/base/%,$(OBJECTS))
	$(call say,LD,$@)
	$(Q)$(CC) $(GW_LDFLAGS) -o $@ $^ $(GW_LDLIBS) -lpthread

.PHONY: bench-cluster
bench-cluster: need-tests need-cluster all kubernetes $(STOPWATCH) ## measure 10,000 Services at an API server (as root)
	$(Q)tests/cluster/bench/bench.sh

# Kubernetes' own tests of the network, with every Service labelled.
.PHONY: e2e-deps
e2e-deps: cluster-deps ## install what Kubernetes' own tests need
	$(Q)tests/cluster/e2e/deps.sh

.PHONY: build/cluster/e2e-image.tar
build/cluster/e2e-image.tar: need-image
	$(Q)tests/cluster/e2e/image.sh "$$(tests/cluster/e2e/build.sh)" $@

.PHONY: need-e2e
need-e2e:
	$(Q)tests/cluster/e2e/deps.sh --check 'make e2e-deps'

.PHONY: check-e2e
check-e2e: need-tests need-cluster need-e2e all kubernetes cluster-images build/cluster/e2e-image.tar ## run Kubernetes' own network tests (as root; E2E_NODES=6, E2E_FOCUS=REGEX, E2E_PROXY_ONLY=1, E2E_KILL=SECONDS)
	$(Q)tests/cluster/e2e/run.sh

.PHONY: soak-cluster
soak-cluster: need-tests need-cluster all kubernetes cluster-images ## ten minutes without API server (as root)
	$(Q)OUTAGE_SECONDS=600 TEST_TIMEOUT=1800 tests/run.sh tests/cluster/outage.bats
