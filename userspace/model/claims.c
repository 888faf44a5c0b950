// SPDX-License-Identifier: Apache-2.0
/* A tree of addresses and ports, each with the name of who came first. */
#include "model/claims.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"

struct claim {
	struct gw_addr vip;
	uint16_t port;
	char owner[];
};

struct claims {
	void *tree; /* tsearch(3) */
};

static int compare_claims(const void *a, const void *b)
{
	const struct claim *left = a;
	const struct claim *right = b;

	return addr_port_compare(&left->vip, left->port, &right->vip, right->port);
}

int claims_new(struct claims **ret)
{
	struct claims *claims = calloc(1, sizeof(*claims));

	if (!claims)
		return -ENOMEM;
	*ret = claims;
	return 0;
}

void claims_free(struct claims *claims)
{
	if (!claims)
		return;
	tdestroy(claims->tree, free);
	free(claims);
}

static struct claim *find(struct claims *claims, const struct gw_addr *vip, uint16_t port)
{
	struct claim key = {.vip = *vip, .port = port};
	void **found = tfind(&key, &claims->tree, compare_claims);

	return found ? *found : NULL;
}

static int add(struct claims *claims, const struct gw_addr *vip, uint16_t port, const char *owner)
{
	size_t size = strlen(owner) + 1;
	struct claim *claim = malloc(sizeof(*claim) + size);

	if (!claim)
		return -ENOMEM;
	claim->vip = *vip;
	claim->port = port;
	memcpy(claim->owner, owner, size);
	if (!tsearch(claim, &claims->tree, compare_claims)) {
		free(claim);
		return -ENOMEM;
	}
	return 0;
}

int claims_take(struct claims *claims, const struct gw_addr *vip, uint16_t port, const char *owner,
		const char **holder)
{
	const struct claim *claim = find(claims, vip, port);

	if (!claim)
		return add(claims, vip, port, owner);
	if (strcmp(claim->owner, owner) == 0)
		return 0;
	*holder = claim->owner;
	return -EEXIST;
}

void claims_release(struct claims *claims, const struct gw_addr *vip, uint16_t port,
		    const char *owner)
{
	struct claim *claim = find(claims, vip, port);

	if (!claim || strcmp(claim->owner, owner) != 0)
		return;
	tdelete(claim, &claims->tree, compare_claims);
	free(claim);
}
