// SPDX-License-Identifier: Apache-2.0
#include "kernel/shares.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t least[SHARE_KINDS_MAX_] = {
	[SHARE_SERVICES] = SHARES_LEAST_SERVICES,
	[SHARE_BACKENDS] = SHARES_LEAST_BACKENDS,
	[SHARE_TABLES] = SHARES_LEAST_TABLES,
	[SHARE_EXCEPTED] = SHARES_LEAST_EXCEPTED,
};

static int compare_shares(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	return strcmp(x->namespace, y->namespace);
}

static void free_share(void *arg)
{
	struct share *share = arg;

	free(share->namespace);
	free(share);
}

int shares_get(struct shares *shares, const char *namespace, struct share **ret)
{
	struct share key = {.namespace = (char *)namespace}, *share;
	struct share **found = tfind(&key, &shares->tree, compare_shares);

	if (found) {
		share = *found;
	} else {
		share = calloc(1, sizeof(*share));
		if (!share)
			return -ENOMEM;
		share->namespace = strdup(namespace);
		if (!share->namespace || !tsearch(share, &shares->tree, compare_shares)) {
			free_share(share);
			return -ENOMEM;
		}
	}
	share->holders++;
	*ret = share;
	return 0;
}

void shares_put(struct shares *shares, struct share *share)
{
	if (--share->holders)
		return;
	tdelete(share, &shares->tree, compare_shares);
	free_share(share);
}

void shares_done(struct shares *shares)
{
	tdestroy(shares->tree, free_share);
	*shares = (struct shares){0};
}

uint32_t shares_most(const struct shares *shares, const struct share *share, enum share_kind kind)
{
	uint32_t others = shares->used[kind] - share->used[kind];
	uint32_t left = shares->limit[kind] > others ? shares->limit[kind] - others : 0;
	uint32_t most = left - left / 4;

	if (most < least[kind])
		most = least[kind];
	return most < left ? most : left;
}

bool shares_may_take(const struct shares *shares, const struct share *share, enum share_kind kind,
		     uint32_t count)
{
	uint32_t most = shares_most(shares, share, kind);

	return !count || (share->used[kind] < most && count <= most - share->used[kind]);
}

void shares_take(struct shares *shares, struct share *share, enum share_kind kind, uint32_t count)
{
	share->used[kind] += count;
	shares->used[kind] += count;
}

void shares_give(struct shares *shares, struct share *share, enum share_kind kind, uint32_t count)
{
	share->used[kind] -= count;
	shares->used[kind] -= count;
}
