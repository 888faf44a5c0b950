# SPDX-License-Identifier: Apache-2.0
# The kernel tests on other kernels, booted in qemu. The kernels are fetched once for all work
# trees, below ~/.cache, so `make clean` leaves them.

.PHONY: kernels-deps
kernels-deps: ## install what the tests on other kernels need
	$(Q)tests/kernels/deps.sh

.PHONY: check-kernels
check-kernels: need-tests need-kernels all check-kernel-programs ## run the kernel tests on Linux 5.10 to 7.x (in qemu)
	$(Q)TEST_TIMEOUT=$(or $(TEST_TIMEOUT),1800) tests/run.sh tests/kernels/linux-*.sh

# Another architecture: cross-built, with the libraries of Debian's packages for it, and run in qemu.
.PHONY: arm64-deps
arm64-deps: ## install what building for arm64 needs
	$(Q)tests/kernels/arm64-deps.sh

.PHONY: need-arm64
need-arm64:
	$(Q)tests/kernels/arm64-deps.sh --check 'make arm64-deps'

.PHONY: arm64
arm64: need-build need-arm64 $(SKELETONS) ## cross-build the program for arm64 (build/arm64/gwbpf)
	$(Q)tests/kernels/cross.sh build/arm64/gwbpf

ARM64_TESTS := test_verifier test_connect test_counts test_policy test_move

.PHONY: check-arm64
check-arm64: need-tests need-kernels arm64 ## run kernel tests on an arm64 kernel (in qemu)
	$(Q)tests/kernels/cross.sh $(ARM64_TESTS:%=build/arm64/tests/kernel/%)
	$(Q)TEST_TIMEOUT=3600 tests/run.sh tests/kernels/arm64-6.1.sh
