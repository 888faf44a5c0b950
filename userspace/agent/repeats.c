// SPDX-License-Identifier: Apache-2.0
#include "agent/repeats.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct repeat {
	char *key;
	uint64_t logged_ms;
	size_t lines;   /* logged of what belongs together */
	bool ended;     /* what comes next is a repetition */
	size_t counted; /* since it was logged */
	char *text;     /* the last that was counted; NULL: none */
	TAILQ_ENTRY(repeat) entry;
};

static int compare(const void *left, const void *right)
{
	const struct repeat *a = left, *b = right;

	return strcmp(a->key, b->key);
}

static struct repeat *find(const struct repeats *repeats, const char *key)
{
	struct repeat wanted = {.key = (char *)key};
	struct repeat **found = tfind(&wanted, &repeats->by_key, compare);

	return found ? *found : NULL;
}

static void free_repeat(struct repeat *repeat)
{
	free(repeat->key);
	free(repeat->text);
	free(repeat);
}

static void forget(struct repeats *repeats, struct repeat *repeat)
{
	tdelete(repeat, &repeats->by_key, compare);
	TAILQ_REMOVE(&repeats->list, repeat, entry);
	free_repeat(repeat);
}

void repeats_init(struct repeats *repeats)
{
	repeats->by_key = NULL;
	TAILQ_INIT(&repeats->list);
}

void repeats_done(struct repeats *repeats)
{
	while (!TAILQ_EMPTY(&repeats->list))
		forget(repeats, TAILQ_FIRST(&repeats->list));
}

static void add(struct repeats *repeats, const char *key, uint64_t now_ms)
{
	struct repeat *repeat = calloc(1, sizeof(*repeat));

	if (!repeat)
		return;
	repeat->key = strdup(key);
	if (!repeat->key || !tsearch(repeat, &repeats->by_key, compare)) {
		free_repeat(repeat);
		return;
	}
	repeat->logged_ms = now_ms;
	repeat->lines = 1;
	TAILQ_INSERT_TAIL(&repeats->list, repeat, entry);
}

/* Returns whether it could be kept. */
static bool count(struct repeat *repeat, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return false;
	free(repeat->text);
	repeat->text = copy;
	repeat->counted++;
	return true;
}

bool repeats_tell(struct repeats *repeats, const char *key, const char *text, uint64_t now_ms)
{
	struct repeat *repeat = find(repeats, key);

	if (!repeat) {
		add(repeats, key, now_ms);
		return true;
	}
	if (!repeat->ended && repeat->lines < REPEATS_LINES_MAX) {
		repeat->lines++;
		return true;
	}
	return !count(repeat, text);
}

bool repeats_tell_of(struct repeats *repeats, const char *group, const char *key, const char *text,
		     uint64_t now_ms)
{
	bool is_new = !find(repeats, key);
	struct repeat *all = find(repeats, group);

	if (is_new)
		add(repeats, key, now_ms);
	if (!all) {
		add(repeats, group, now_ms);
		return true;
	}
	if (is_new && all->lines < REPEATS_LINES_MAX) {
		all->lines++;
		return true;
	}
	return !count(all, text);
}

void repeats_end(struct repeats *repeats, const char *key)
{
	struct repeat *repeat = find(repeats, key);

	if (repeat)
		repeat->ended = true;
}

void repeats_sum_up(struct repeats *repeats, uint64_t now_ms, repeats_visit visit, void *arg)
{
	struct repeat *repeat;

	while ((repeat = TAILQ_FIRST(&repeats->list)) && now_ms - repeat->logged_ms >= REPEATS_MS) {
		if (!repeat->counted) {
			forget(repeats, repeat);
			continue;
		}
		visit(repeat->counted, repeat->text, arg);
		repeat->counted = 0;
		repeat->logged_ms = now_ms;
		TAILQ_REMOVE(&repeats->list, repeat, entry);
		TAILQ_INSERT_TAIL(&repeats->list, repeat, entry);
	}
}
