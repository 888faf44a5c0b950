# SPDX-License-Identifier: Apache-2.0
# The soak: everything at once, at random, with the agent as it is shipped. A minute of it is part of
# `make check`.

SOAK_PROGRAM := $(B)/tests/soak/test_soak
SOAK_OBJECTS := $(patsubst tests/soak/%.c,$(B)/tests/soak/%.o,$(wildcard tests/soak/*.c))

$(SOAK_PROGRAM): $(SOAK_OBJECTS) $(KERNEL_HELPERS) $(filter $(B)/kernel/% $(B)/model/% $(B)/base/%,$(OBJECTS))
	$(call say,LD,$@)
	$(Q)$(CC) $(GW_LDFLAGS) -o $@ $^ $(GW_LDLIBS) $(CMOCKA) -lpthread

check-kernel-programs: $(SOAK_PROGRAM)

# How long; SOAK_SEED in the environment makes chance do again what it did.
SOAK_SECONDS ?= 600

.PHONY: soak
soak: need-tests all $(SOAK_PROGRAM) ## kill, stop and cut off at random for ten minutes (as root; SOAK_SECONDS)
	$(Q)SOAK_SECONDS=$(SOAK_SECONDS) $(SOAK_PROGRAM)
