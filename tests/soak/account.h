/* SPDX-License-Identifier: Apache-2.0 */
/* Whether gwbpf's counts are what the clients have on their own lists. */
#ifndef GWBPF_TESTS_ACCOUNT_H
#define GWBPF_TESTS_ACCOUNT_H

#include <stdbool.h>

/* While no client opens connections: print both, and fail the test if they do not become equal.
 * `is_over`: the clients have closed all of theirs. */
void account_compare(bool is_over);

/* The same for the ways out of the hooks. */
void account_compare_reasons(void);

#endif
