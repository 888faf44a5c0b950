# SPDX-License-Identifier: Apache-2.0
# What a user installs, other than from source.

.PHONY: check-packages-deps
check-packages-deps: deb-deps fresh-deps ## install what check-packages needs
	$(Q)tests/packages/deps.sh

.PHONY: check-packages
check-packages: need-packages need-fresh deb ## install and run the Debian package on a bare Debian, compare the chart (as root)
	$(Q)tests/run.sh $(wildcard tests/packages/*.bats) tests/packages/deb.sh
