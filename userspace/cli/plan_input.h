/* SPDX-License-Identifier: Apache-2.0 */
/* What `gwbpf plan` is made from: every manifest in one model, and all that was refused. */
#ifndef GWBPF_CLI_PLAN_INPUT_H
#define GWBPF_CLI_PLAN_INPUT_H

#include <stddef.h>

#include "cli/refusals.h"

struct model;

struct plan_input {
	struct model *model;
	struct refusals refusals;
	size_t files_read; /* those that could be parsed */
	void *origins;     /* which file an object comes from */
	size_t skipped;    /* objects of kinds that have nothing to do with Services */
	char skipped_kinds[256];
	const char *file;  /* the one that is being read */
	int err;           /* -ENOMEM while a refusal was noted */
};

int plan_input_init(struct plan_input *input); /* -ENOMEM */
void plan_input_done(struct plan_input *input);

#define PLAN_INPUT_STANDARD "-" /* the path that stands for standard input */

/* Read a file, a directory of them, or standard input. 0 also if all of it is refused; -ENOMEM. */
int plan_input_read(struct plan_input *input, const char *path);

/* The file that the Service came from. */
const char *plan_input_file(const struct plan_input *input, const char *namespace,
			    const char *name);

#endif
