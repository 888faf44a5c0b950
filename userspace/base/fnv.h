/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GWBPF_BASE_FNV_H
#define GWBPF_BASE_FNV_H

#include <stdint.h>

/* 32 bits of FNV-1a over text, without its final zero. */
static inline uint32_t fnv_text(const char *text)
{
	uint32_t hash = 0x811c9dc5;

	while (*text)
		hash = (hash ^ (uint8_t)*text++) * 0x01000193;
	return hash;
}

#endif
