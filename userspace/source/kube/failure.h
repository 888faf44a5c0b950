/* SPDX-License-Identifier: Apache-2.0 */
/* Why an attempt to list or watch failed, in words that say what to do. Pure. */
#ifndef GWBPF_SOURCE_KUBE_FAILURE_H
#define GWBPF_SOURCE_KUBE_FAILURE_H

#include <stdbool.h>
#include <stdint.h>

#include "source/kube/config.h"
#include "source/kube/reply.h"
#include "source/kube/resource.h"
#include "source/sink.h"

struct kube_failure {
	bool failed;
	enum source_error error;
	uint32_t retry_after_ms; /* what the server asks for; 0: nothing */
	char text[KUBE_MESSAGE_MAX];
};

/* Returns -1, so that a callback that fails can end with it. */
int kube_failure_set(struct kube_failure *failure, enum source_error error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* From a status of HTTP, or of an ERROR event, to a verb ("list", "get", "watch"). instead: what to
 * do if the right to it cannot be given, or "". */
void kube_failure_set_status(struct kube_failure *failure, const struct kube_status *status,
			     const struct kube_resource *resource, const char *verb,
			     const char *instead);

#endif
