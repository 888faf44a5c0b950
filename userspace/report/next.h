/* SPDX-License-Identifier: Apache-2.0 */
/* Where the next connection to a Service would go, by the rules of the kernel side (bpf/pick.h). */
#ifndef GWBPF_REPORT_NEXT_H
#define GWBPF_REPORT_NEXT_H

#include <stddef.h>

#include "kernel/view.h"

#define NEXT_REASON_MAX 256

/* One of these; why not another. Of several the turn, a draw or a hash decides. */
struct next {
	const struct view_backend **all;
	size_t count; /* 0: it is refused, or left to kube-proxy */
	char reason[NEXT_REASON_MAX];
};

/* Whether the client that connects passes this backend over, and how surely. */
enum next_doubt {
	NEXT_NO_DOUBT,
	NEXT_SHORT, /* its connections there were short, or none left */
	NEXT_FAILED,
};

typedef enum next_doubt (*next_avoids)(const struct view_backend *backend, const void *arg);

/* avoids NULL: a client that has no bad memory of anybody. next_done() frees ret. -ENOMEM */
int next_find(const struct view *view, const struct view_service *service, next_avoids avoids,
	      const void *arg, struct next *ret);
void next_done(struct next *next);

#endif
