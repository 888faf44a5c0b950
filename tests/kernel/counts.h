/* SPDX-License-Identifier: Apache-2.0 */
/* What was counted, compared with what happened. */
#ifndef GWBPF_TESTS_COUNTS_H
#define GWBPF_TESTS_COUNTS_H

#include <stdint.h>

#include <gwbpf/abi.h>

/* Wait until the backend's counts are exactly these; fails the test with the difference. */
#define counts_expect(backend, active, ...)                                                        \
	counts_expect_backend(backend, active, &(const struct gw_counters){__VA_ARGS__})
void counts_expect_backend(const char *address, uint32_t active, const struct gw_counters *want);

/* The same for the sum of what a Service ever had. */
void counts_expect_service(const char *name, uint32_t active, const struct gw_counters *want);

/* active and established of a backend as they are now. */
uint32_t counts_active(const char *address);
uint64_t counts_established(const char *address);

/*
 * Have a connect to this backend given up at once, and see that it is counted as canceled. A busy
 * machine may take so long that the SYN has been repeated before, which counts as timed out: then
 * again. give_up() begins the connect and gives it up; no other one is under way. Returns how many
 * times it had to, one of which was canceled.
 */
uint64_t counts_cancel(const char *address, void (*give_up)(void));

#endif
