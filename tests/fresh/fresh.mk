# SPDX-License-Identifier: Apache-2.0
# README's commands on a bare Debian. Its base and the packages that are fetched for it stay below
# ~/.cache, for all work trees, so `make clean` leaves them.

.PHONY: fresh-deps
fresh-deps: ## install what check-fresh needs
	$(Q)tests/fresh/deps.sh

.PHONY: check-fresh
check-fresh: need-fresh ## run README's commands on a bare Debian (as root)
	$(Q)tests/run.sh tests/fresh/*.bats
	$(Q)tests/fresh/check.sh
