# SPDX-License-Identifier: Apache-2.0
# Tests with real client libraries: grpc-go, and Fabric's own for Node. They are built once for all
# work trees, below ~/.cache, so `make clean` leaves them.

.PHONY: clients-deps
clients-deps: ## install what the tests with real clients need
	$(Q)tests/clients/deps.sh

.PHONY: clients
clients: ## build the clients of the tests
	$(Q)tests/clients/build.sh

.PHONY: check-clients
check-clients: all clients ## run the tests with real client libraries (as root)
	$(Q)TEST_TIMEOUT=1800 tests/run.sh tests/clients/*.bats

# MOVES=1000: so many moves of each library's connections.
.PHONY: soak-clients
soak-clients: all clients ## a thousand moves with each client library (as root)
	$(Q)MOVES=$(or $(MOVES),1000) TEST_TIMEOUT=7200 tests/run.sh tests/clients/moves.bats
