/* SPDX-License-Identifier: Apache-2.0 */
/* A BPF program that runs for about a tenth of a second: what a hook could be in the worst case. */
#ifndef GWBPF_TESTS_LONG_PROGRAM_H
#define GWBPF_TESTS_LONG_PROGRAM_H

#include <stdbool.h>

/* Load it; and unload it. */
void long_program_open(void);
void long_program_close(void);

/* Run it, in a thread of its own, and return when it has begun. */
void long_program_begin(void);
bool long_program_runs(void);
void long_program_await(void);

#endif
