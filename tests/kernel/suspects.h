/* SPDX-License-Identifier: Apache-2.0 */
/* The suspicions that there are: what the tests look at, and how time passes for them. */
#ifndef GWBPF_TESTS_SUSPECTS_H
#define GWBPF_TESTS_SUSPECTS_H

#include <stdbool.h>

#include <gwbpf/abi.h>

/* Whether a client holds something against this backend, and what. */
bool suspects_find(const char *backend, struct gw_suspect *ret);

/* The same for one that is known to be suspect: fails the test if there is nothing. */
struct gw_suspect suspects_of(const char *backend);

/* The time of every suspicion is over; what happened before is remembered. */
void suspects_expire(void);

#endif
