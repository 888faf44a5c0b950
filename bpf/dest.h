/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An address and port that a socket connects to. */
#ifndef GWBPF_DEST_H
#define GWBPF_DEST_H

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

#include <gwbpf/abi.h>

#define V4_MAPPED bpf_htonl(0xffff)

struct dest {
	struct gw_addr address;
	__be16 port;
};

static __always_inline bool same_address(const struct gw_addr *a, const struct gw_addr *b)
{
	return a->word[3] == b->word[3] && a->word[2] == b->word[2] && a->word[1] == b->word[1] &&
	       a->word[0] == b->word[0];
}

/* The loopback address of the same family. */
static __always_inline struct gw_addr loopback(const struct gw_addr *like)
{
	struct gw_addr address = {{0, 0, 0, bpf_htonl(1)}};

	if (like->word[2] == V4_MAPPED) {
		address.word[2] = V4_MAPPED;
		address.word[3] = bpf_htonl(0x7f000001);
	}
	return address;
}

#endif
