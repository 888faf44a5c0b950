/* SPDX-License-Identifier: Apache-2.0 */
/* Five backends with weights, and who of them got a connection. */
#ifndef GWBPF_TESTS_STAND_H
#define GWBPF_TESTS_STAND_H

#include <stdint.h>

#include <gwbpf/abi.h>

#define STAND_BACKENDS 5

extern const char *const stand_addresses[STAND_BACKENDS];

struct stand {
	int listeners[STAND_BACKENDS];
};

/* They listen, in the network namespace of the caller; and stop. */
void stand_open(struct stand *stand);
void stand_close(struct stand *stand);

/* The Service "lab/peers" with these weights: anew at another address, which is returned; or in
 * place of those it had. */
const char *stand_serve(enum gw_policy policy, const uint16_t weights[STAND_BACKENDS]);
void stand_change(const char *vip, enum gw_policy policy, const uint16_t weights[STAND_BACKENDS]);

/* Connect, and say who got it. The client's socket goes to fd. -1: refused, with -errno in fd. */
int stand_connect(struct stand *stand, const char *vip, int *fd);

/* Connect once, and leave nothing behind. */
int stand_touch(struct stand *stand, const char *vip);

#endif
