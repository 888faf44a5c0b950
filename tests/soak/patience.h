/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting as long as things need that end by their own timers, on a machine that is busy. */
#ifndef GWBPF_TESTS_PATIENCE_H
#define GWBPF_TESTS_PATIENCE_H

#include <stdbool.h>

/* Whether check() becomes true in the end. */
bool patience_becomes(bool (*check)(void *arg), void *arg);

/* Fail the test if it does not. */
void patience_wait(bool (*check)(void *arg), void *arg, const char *what);

#endif
