/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel side remembers of single clients: whom they pass over, and whom they had last. */
#ifndef GWBPF_KERNEL_REMEMBERED_H
#define GWBPF_KERNEL_REMEMBERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/view.h"

/* Word in JSON, and why a client passes a backend over. */
#define DOUBT_KINDS(X)                                                                             \
	X(SILENT, "silent", "its first packet had to be repeated")                                 \
	X(FAILED, "failed", "it could not reach it")                                               \
	X(GAVE_UP, "gave-up", "it was to try it after an ejection, and did not")                   \
	X(SHORT, "short", "its connections there ended within a second, again and again")          \
	X(NEXT, "next",                                                                            \
	  "its last connection there was short, or no packet of it left: its next "                \
	  "connect, and no other, goes elsewhere")

enum doubt_kind {
#define DOUBT_ENUM(id, name, text) DOUBT_##id,
	DOUBT_KINDS(DOUBT_ENUM)
#undef DOUBT_ENUM
		DOUBT_MAX_
};

struct doubt {
	uint64_t netns_cookie; /* the client */
	const struct view_backend *backend;
	enum doubt_kind kind;
	bool is_user;             /* it is in a namespace of a user */
	uint32_t failures;        /* in a row; 0: not counted */
	double remaining_seconds; /* below 0: until its next connect */
};

/* Every backend of the view that a client passes over now. The array belongs to the caller: free(3).
 * -ENOMEM, and what maps_open() says. */
int remembered_doubts(const char *pin_dir, const struct view *view, struct doubt **ret,
		      size_t *count);

/* The backend that a client had last, while session affinity of the Service lasts; age_seconds: since
 * it used it. NULL: none is remembered. */
const struct view_backend *remembered_affinity(const char *pin_dir, const struct view *view,
					       const struct view_service *service,
					       uint64_t netns_cookie, double *age_seconds);

const char *doubt_name(enum doubt_kind kind);
const char *doubt_text(enum doubt_kind kind);

#endif
