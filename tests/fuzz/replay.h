/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzzer has found, replayed by the unit tests: every file of a corpus to its target. */
#ifndef GWBPF_TESTS_FUZZ_REPLAY_H
#define GWBPF_TESTS_FUZZ_REPLAY_H

#include <stddef.h>

/* How many files went through. Each one is copied to the end of its own block of memory. */
size_t replay(const char *directory);

#endif
