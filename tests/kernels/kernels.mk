# SPDX-License-Identifier: Apache-2.0
# The kernel tests on other kernels, booted in qemu. The kernels are fetched once for all work
# trees, below ~/.cache, so `make clean` leaves them.

.PHONY: kernels-deps
kernels-deps: ## install what the tests on other kernels need
	$(Q)tests/kernels/deps.sh

.PHONY: check-kernels
check-kernels: need-tests need-kernels all check-kernel-programs ## run the kernel tests on Linux 5.10 to 7.x (in qemu)
	$(Q)TEST_TIMEOUT=1800 tests/run.sh tests/kernels/linux-*.sh
