// SPDX-License-Identifier: Apache-2.0
/* The bits that tell which addresses are surely no Service's (gwbpf/abi.h). */
#include <errno.h>
#include <stdlib.h>

#include "kernel/registry.h"

int tables_filter_open(struct tables *tables)
{
	tables->filtered = calloc(GW_FILTER_WORDS * 64, sizeof(*tables->filtered));
	return tables->filtered ? 0 : -ENOMEM;
}

/* Nobody else writes. */
static void write_bit(struct tables *tables, uint32_t bit, bool is_set)
{
	__u64 *word = &tables->maps.filter[bit / 64], mask = 1ull << bit % 64;

	__atomic_store_n(word, is_set ? *word | mask : *word & ~mask, __ATOMIC_SEQ_CST);
}

void tables_filter_add(struct tables *tables, const struct gw_vip_key *key)
{
	uint32_t bit = gw_filter_bit(&key->address, key->port);

	if (!tables->filtered[bit]++)
		write_bit(tables, bit, true);
}

void tables_filter_remove(struct tables *tables, const struct gw_vip_key *key)
{
	uint32_t bit = gw_filter_bit(&key->address, key->port);

	if (!--tables->filtered[bit])
		write_bit(tables, bit, false);
}

void tables_filter_settle(struct tables *tables)
{
	for (uint32_t bit = 0; bit < GW_FILTER_WORDS * 64; bit++)
		if (!tables->filtered[bit])
			write_bit(tables, bit, false);
}
