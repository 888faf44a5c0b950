# SPDX-License-Identifier: Apache-2.0
# The demo: real connections between network namespaces, balanced in front of the reader's eyes.

build/demo/lab: demo/lab.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(GW_CPPFLAGS) $(CPPFLAGS) $(GW_CFLAGS) $(CFLAGS) $(GW_LDFLAGS) $(LDFLAGS) \
		-o $@ $< $(shell pkg-config --libs libevent jansson)

.PHONY: demo
demo: all build/demo/lab ## watch connections being balanced (as root, HOLD=1 keeps it up)
	$(Q)HOLD=$(HOLD) demo/demo.sh
