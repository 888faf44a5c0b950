/* SPDX-License-Identifier: Apache-2.0 */
/* What `gwbpf plan` is made from: every manifest in one store, and all that was refused. */
#ifndef GWBPF_CLI_PLAN_INPUT_H
#define GWBPF_CLI_PLAN_INPUT_H

#include <stddef.h>

struct store;

/* What could not be used, with the remedy. */
struct refusal {
	char *file;
	char *object; /* "Service 'fabric/org1-peer-gateway-svc'"; "": the file itself */
	char *message;
};

/* In the order in which they were met. */
struct refusals {
	struct refusal *items;
	size_t count;
	size_t room;
};

struct plan_input {
	struct store *store;
	struct refusals refusals;
	size_t files_read; /* those that could be parsed */
	size_t skipped;    /* objects of kinds that have nothing to do with Services */
	char skipped_kinds[256];
	const char *file; /* the one that is being read */
	size_t rank;      /* of the next one */
	int err;          /* -ENOMEM while a refusal was noted */
};

/* Its address must stay. plan_input_done() also after failure. -ENOMEM */
int plan_input_init(struct plan_input *input);
void plan_input_done(struct plan_input *input);

#define PLAN_INPUT_STANDARD "-" /* the path that stands for standard input */

/* Read a file, a directory of them, or standard input. 0 also if all of it is refused; -ENOMEM. */
int plan_input_read(struct plan_input *input, const char *path);

int plan_input_refuse(struct plan_input *input, const char *file, const char *object,
		      const char *message); /* -ENOMEM */

/* The file that the Service came from. */
const char *plan_input_file(const struct plan_input *input, const char *namespace,
			    const char *name);

#endif
