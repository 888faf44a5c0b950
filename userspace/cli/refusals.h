/* SPDX-License-Identifier: Apache-2.0 */
/* What `gwbpf plan` could not use: each with its file, the object in it, and the remedy. */
#ifndef GWBPF_CLI_REFUSALS_H
#define GWBPF_CLI_REFUSALS_H

#include <stddef.h>

struct refusal {
	char *file;
	char *object; /* "Service 'fabric/org1-peer-gateway-svc'"; "": the file itself */
	char *message;
};

struct refusals {
	struct refusal *items;
	size_t count;
	size_t room;
};

int refusals_add(struct refusals *refusals, const char *file, const char *object,
		 const char *message); /* -ENOMEM */
void refusals_done(struct refusals *refusals);

#endif
