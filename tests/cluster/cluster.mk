# SPDX-License-Identifier: Apache-2.0
# Tests on a real Kubernetes, on this machine alone. Kubernetes is built once for all work trees,
# below ~/.cache, so `make clean` leaves it.

.PHONY: cluster-deps
cluster-deps: ## install what the tests on a real Kubernetes need
	$(Q)tests/cluster/deps.sh

.PHONY: kubernetes
kubernetes: ## build the Kubernetes of the tests (6 minutes the first time)
	$(Q)tests/cluster/k8s/build.sh

.PHONY: check-cluster
check-cluster: all kubernetes ## run the tests on a real Kubernetes (as root)
	$(Q)TEST_TIMEOUT=1800 tests/run.sh tests/cluster/*.bats
