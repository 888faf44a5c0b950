# SPDX-License-Identifier: Apache-2.0

.PHONY: lint-deps
lint-deps: ## install what lint needs
	$(Q)tests/lint/deps.sh

.PHONY: lint
lint: need-lint ## look for faults without running anything
	$(Q)tests/lint/lint.sh

.PHONY: format
format: need-lint ## write the C files as .clang-format says
	$(Q)tests/lint/lint.sh --format
