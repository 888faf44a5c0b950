/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each namespace holds of the limits, and how much it may hold: three quarters of what the other
 * namespaces leave, or the first few (SHARES_LEAST_*) as long as there are any. So the last quarter
 * is never one tenant's, and who is alone has nearly all. Pure arithmetic on numbers.
 */
#ifndef GWBPF_KERNEL_SHARES_H
#define GWBPF_KERNEL_SHARES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum share_kind {
	SHARE_SERVICES, /* entries of gw_services */
	SHARE_BACKENDS, /* backend ids */
	SHARE_TABLES,   /* slots of policy tables */
	SHARE_EXCEPTED, /* entries of gw_excepted */
	SHARE_KINDS_MAX_
};

#define SHARES_LEAST_SERVICES 16
#define SHARES_LEAST_BACKENDS 1000 /* one set of the largest size */
#define SHARES_LEAST_TABLES 512    /* one table of the largest size */
#define SHARES_LEAST_EXCEPTED 256  /* the pods of a node */

/* One namespace. */
struct share {
	char *namespace;
	uint32_t used[SHARE_KINDS_MAX_];
	size_t holders; /* shares_get() without shares_put() */
};

struct shares {
	void *tree; /* tsearch(3) of struct share; a zeroed one is empty */
	uint32_t limit[SHARE_KINDS_MAX_];
	uint32_t used[SHARE_KINDS_MAX_];
};

/* The share of a namespace, until as many shares_put(). -ENOMEM */
int shares_get(struct shares *shares, const char *namespace, struct share **ret);
void shares_put(struct shares *shares, struct share *share);
void shares_done(struct shares *shares);

/* How much this namespace may hold in all, by what the others hold now. */
uint32_t shares_most(const struct shares *shares, const struct share *share, enum share_kind kind);

/* Whether it may take so many more. What it holds already is not asked about: nothing is taken away
 * because others have come. */
bool shares_may_take(const struct shares *shares, const struct share *share, enum share_kind kind,
		     uint32_t count);

void shares_take(struct shares *shares, struct share *share, enum share_kind kind, uint32_t count);
void shares_give(struct shares *shares, struct share *share, enum share_kind kind, uint32_t count);

#endif
