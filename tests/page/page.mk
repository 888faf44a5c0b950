# SPDX-License-Identifier: Apache-2.0
# The status page in a real browser.

.PHONY: page-deps
page-deps: ## install what check-page needs
	$(Q)tests/page/deps.sh

.PHONY: check-page
check-page: need-tests need-page all ## look at the status page with a browser (as root)
	$(Q)tests/run.sh tests/page/*.bats
