# SPDX-License-Identifier: Apache-2.0
# deploy/monitoring against a real Prometheus.

.PHONY: monitoring-deps
monitoring-deps: ## install what check-monitoring needs
	$(Q)tests/monitoring/deps.sh

.PHONY: check-monitoring
check-monitoring: need-tests need-monitoring all ## run alert rules and dashboard against a real Prometheus (as root)
	$(Q)tests/run.sh tests/monitoring/*.bats
