/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has been in the log already: of each thing that is told again and again, the first time is
 * logged, the others are counted, and once a minute a line says how many there were. Reads no
 * clock.
 */
#ifndef GWBPF_AGENT_REPEATS_H
#define GWBPF_AGENT_REPEATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define REPEATS_MS 60000
#define REPEATS_LINES_MAX 21 /* of one thing at one time: what an object's refusals come to */

TAILQ_HEAD(repeat_list, repeat);

/* All zero, but for the list: none. */
struct repeats {
	void *by_key;            /* tree */
	struct repeat_list list; /* those that were logged longest ago first */
};

void repeats_init(struct repeats *repeats);
void repeats_done(struct repeats *repeats);

/*
 * Whether text, which is about key, is to be logged now; else it is counted. What is told of a key
 * until repeats_end() belongs together: up to REPEATS_LINES_MAX lines of it are logged. Without
 * memory all is logged.
 */
bool repeats_tell(struct repeats *repeats, const char *key, const char *text, uint64_t now_ms);
void repeats_end(struct repeats *repeats, const char *key);

/*
 * The same of one of a group: each is logged once a minute, and of all together REPEATS_LINES_MAX
 * lines. What is more counts as the group's. So a tenant cannot fill the log by having many.
 */
bool repeats_tell_of(struct repeats *repeats, const char *group, const char *key, const char *text,
		     uint64_t now_ms);

/* Visit each that was told within the last minute and not logged, at most once a minute: how often,
 * and its last text. */
typedef void (*repeats_visit)(size_t count, const char *text, void *arg);
void repeats_sum_up(struct repeats *repeats, uint64_t now_ms, repeats_visit visit, void *arg);

#endif
