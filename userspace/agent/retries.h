/* SPDX-License-Identifier: Apache-2.0 */
/* Names of what is to be tried again. Knows nothing of what they stand for. */
#ifndef GWBPF_AGENT_RETRIES_H
#define GWBPF_AGENT_RETRIES_H

#include <stdbool.h>
#include <stddef.h>

struct retries {
	char **names;
	size_t count;
};

void retries_done(struct retries *retries);

/* Without memory it is forgotten. */
void retries_note(struct retries *retries, const char *name);
bool retries_has(const struct retries *retries, const char *name);

/* Try each once; what is noted meanwhile is for the next time. */
void retries_run(struct retries *retries, void (*run)(const char *name, void *arg), void *arg);

#endif
