/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which Service an address and port belongs to: the first that claims it, until it lets go. The map
 * gw_vips does not tell: a Service that has lost its room is not in it, and keeps its address. And
 * `gwbpf plan` has no maps.
 */
#ifndef GWBPF_MODEL_CLAIMS_H
#define GWBPF_MODEL_CLAIMS_H

#include <stdint.h>

#include <gwbpf/abi.h>

struct claims;

int claims_new(struct claims **ret);     /* -ENOMEM */
void claims_free(struct claims *claims); /* takes NULL */

/*
 * Claim vip and port for owner ("namespace/name"). 0 if they are now, or were already, owner's;
 * -EEXIST if they are another's, whose name goes to holder (valid until it lets go); -ENOMEM.
 */
int claims_take(struct claims *claims, const struct gw_addr *vip, uint16_t port, const char *owner,
		const char **holder);

/* Let go; of no effect if owner does not hold it. */
void claims_release(struct claims *claims, const struct gw_addr *vip, uint16_t port,
		    const char *owner);

#endif
