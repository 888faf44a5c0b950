# SPDX-License-Identifier: Apache-2.0
# The demo: real connections between network namespaces, balanced in front of the reader's eyes.

build/demo/lab: demo/lab.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(GW_CPPFLAGS) $(CPPFLAGS) $(GW_CFLAGS) $(CFLAGS) $(GW_LDFLAGS) $(LDFLAGS) \
		-o $@ $< $(shell pkg-config --libs libevent jansson)

# HOLD is passed on by make itself. No shell in between: it would not wait for the end after Ctrl-C.
.PHONY: demo
demo: need-tests all build/demo/lab ## watch connections being balanced (as root, HOLD=1 keeps it up)
	$(Q)demo/demo.sh
