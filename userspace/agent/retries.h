/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names ("GROUP/NAME") of what is to be tried again, and when: after something was set free, or
 * after a while that doubles each time. Groups take turns, so that one with many names does not
 * hold up the others. Knows nothing of what the names stand for.
 */
#ifndef GWBPF_AGENT_RETRIES_H
#define GWBPF_AGENT_RETRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define RETRIES_FIRST_MS 1000
#define RETRIES_LONGEST_MS 60000

struct retry;
TAILQ_HEAD(retry_list, retry);

struct retry_group;
TAILQ_HEAD(retry_groups, retry_group);

struct retries {
	void *names; /* tsearch(3) of struct retry; a zeroed one is empty */
	size_t count;
	struct retry_groups
		*waiting; /* for something to be set free: whose turn is next comes first */
	struct retry_list *later;
	uint64_t releases; /* at the beginning of the round that runs */
	size_t left;       /* of that round */
};

void retries_done(struct retries *retries);

/* Try name again when something has been set free. Without memory it is forgotten. */
void retries_wait(struct retries *retries, const char *name);

/* Try name again after RETRIES_FIRST_MS, after twice as long the next time, and so on. */
void retries_delay(struct retries *retries, const char *name, uint64_t now_ms);

bool retries_has(const struct retries *retries, const char *name);
void retries_forget(struct retries *retries, const char *name);

/*
 * Run those whose time has come, each once at most, as long as may_go_on() says so; those that are
 * left come first the next time. releases: how often something has been set free until now. run
 * may call all of the above; name is valid until it returns or forgets it.
 */
struct retries_run {
	uint64_t releases;
	uint64_t now_ms;
	void (*run)(const char *name, void *arg);
	bool (*may_go_on)(void *arg);
	void *arg;
};

void retries_run(struct retries *retries, const struct retries_run *options);

#endif
