/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of everything that the decoders hand out, whatever they were given. */
#ifndef GWBPF_TESTS_FUZZ_FUZZ_H
#define GWBPF_TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void must(bool holds); /* aborts if not */

/* A decode_refuse that counts in a size_t: messages are short, printable UTF-8. */
void check_refusal(const char *object, const char *message, void *told);
void check_service(const struct service *service);
void check_slice(const struct slice *slice);

#endif
