/* SPDX-License-Identifier: Apache-2.0 */
/* The suspicions that there are: what the tests look at, and how time passes for them. */
#ifndef GWBPF_TESTS_SUSPECTS_H
#define GWBPF_TESTS_SUSPECTS_H

#include <stdbool.h>

#include <gwbpf/abi.h>

struct suspects_entry {
	struct gw_suspect_key key;
	struct gw_suspect value;
};

/* Whether a client holds something against this backend, and what. */
bool suspects_find(const char *backend, struct gw_suspect *ret);

/* The same for one that is known to be suspect: both fail the test if there is nothing. */
struct suspects_entry suspects_entry_of(const char *backend);
struct gw_suspect suspects_of(const char *backend);

/* Write what was there before, whatever is there now. */
void suspects_put(const struct suspects_entry *entry);

/* The time of every suspicion is over; what happened before is remembered. */
void suspects_expire(void);

#endif
