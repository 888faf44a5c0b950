// SPDX-License-Identifier: Apache-2.0
#include "agent/retries.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct retry {
	char *name;
	struct retry_group *group; /* NULL: it is among those that are tried later */
	uint64_t delay_ms;         /* the last one; 0: none yet */
	uint64_t due_ms;
	TAILQ_ENTRY(retry) link;
};

struct retry_group {
	char *name;
	struct retry_list members;
	TAILQ_ENTRY(retry_group) link;
};

static int compare(const void *left, const void *right)
{
	const struct retry *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static struct retry *find(const struct retries *retries, const char *name)
{
	struct retry key = {.name = (char *)name};
	struct retry **found = tfind(&key, &retries->names, compare);

	return found ? *found : NULL;
}

static bool make_lists(struct retries *retries)
{
	if (!retries->waiting) {
		retries->waiting = malloc(sizeof(*retries->waiting));
		if (retries->waiting)
			TAILQ_INIT(retries->waiting);
	}
	if (!retries->later) {
		retries->later = malloc(sizeof(*retries->later));
		if (retries->later)
			TAILQ_INIT(retries->later);
	}
	return retries->waiting && retries->later;
}

/* Groups are few, and one is found where the last name of it was put: at the end. */
static struct retry_group *get_group(struct retries *retries, const char *name)
{
	size_t length = strcspn(name, "/");
	struct retry_group *group;

	TAILQ_FOREACH_REVERSE(group, retries->waiting, retry_groups, link)
		if (!strncmp(group->name, name, length) && !group->name[length])
			return group;
	group = calloc(1, sizeof(*group));
	if (!group)
		return NULL;
	group->name = strndup(name, length);
	if (!group->name) {
		free(group);
		return NULL;
	}
	TAILQ_INIT(&group->members);
	TAILQ_INSERT_TAIL(retries->waiting, group, link);
	return group;
}

/* Out of the list that it is in. */
static void unlink_retry(struct retries *retries, struct retry *retry)
{
	struct retry_group *group = retry->group;

	if (!group) {
		TAILQ_REMOVE(retries->later, retry, link);
		return;
	}
	TAILQ_REMOVE(&group->members, retry, link);
	retry->group = NULL;
	if (!TAILQ_EMPTY(&group->members))
		return;
	TAILQ_REMOVE(retries->waiting, group, link);
	free(group->name);
	free(group);
}

static struct retry *add(struct retries *retries, const char *name)
{
	struct retry *retry = calloc(1, sizeof(*retry));

	if (!retry)
		return NULL;
	retry->name = strdup(name);
	if (!retry->name || !tsearch(retry, &retries->names, compare)) {
		free(retry->name);
		free(retry);
		return NULL;
	}
	TAILQ_INSERT_TAIL(retries->later, retry, link);
	retries->count++;
	return retry;
}

static struct retry *get(struct retries *retries, const char *name)
{
	struct retry *known = make_lists(retries) ? find(retries, name) : NULL;

	return known || !retries->waiting || !retries->later ? known : add(retries, name);
}

void retries_forget(struct retries *retries, const char *name)
{
	struct retry *retry = find(retries, name);

	if (!retry)
		return;
	unlink_retry(retries, retry);
	tdelete(retry, &retries->names, compare);
	retries->count--;
	free(retry->name);
	free(retry);
}

void retries_done(struct retries *retries)
{
	while (retries->names)
		retries_forget(retries, (*(struct retry **)retries->names)->name);
	free(retries->waiting);
	free(retries->later);
	*retries = (struct retries){0};
}

bool retries_has(const struct retries *retries, const char *name)
{
	return find(retries, name);
}

void retries_wait(struct retries *retries, const char *name)
{
	struct retry *retry = get(retries, name);
	struct retry_group *group;

	if (!retry || retry->group)
		return;
	group = get_group(retries, name);
	if (!group) {
		retries_forget(retries, name);
		return;
	}
	TAILQ_REMOVE(retries->later, retry, link);
	TAILQ_INSERT_TAIL(&group->members, retry, link);
	retry->group = group;
	retry->delay_ms = 0;
}

/* The one that is due first comes first. A name that failed again mostly comes last. */
static void insert_later(struct retries *retries, struct retry *retry)
{
	struct retry *before = TAILQ_LAST(retries->later, retry_list);

	while (before && before->due_ms > retry->due_ms)
		before = TAILQ_PREV(before, retry_list, link);
	if (before)
		TAILQ_INSERT_AFTER(retries->later, before, retry, link);
	else
		TAILQ_INSERT_HEAD(retries->later, retry, link);
}

void retries_delay(struct retries *retries, const char *name, uint64_t now_ms)
{
	struct retry *retry = get(retries, name);

	if (!retry)
		return;
	unlink_retry(retries, retry);
	retry->delay_ms = retry->delay_ms ? 2 * retry->delay_ms : RETRIES_FIRST_MS;
	if (retry->delay_ms > RETRIES_LONGEST_MS)
		retry->delay_ms = RETRIES_LONGEST_MS;
	retry->due_ms = now_ms + retry->delay_ms;
	insert_later(retries, retry);
}

/* Each to the end of its list before it runs: it may be forgotten while it does. */
static void run_waiting(struct retries *retries, const struct retries_run *options)
{
	struct retry_group *group = TAILQ_FIRST(retries->waiting);
	struct retry *retry = TAILQ_FIRST(&group->members);

	TAILQ_REMOVE(&group->members, retry, link);
	TAILQ_INSERT_TAIL(&group->members, retry, link);
	TAILQ_REMOVE(retries->waiting, group, link);
	TAILQ_INSERT_TAIL(retries->waiting, group, link);
	options->run(retry->name, options->arg);
}

/* Each is put off before it runs, so that each runs once: it may be forgotten while it does. */
static void run_later(struct retries *retries, const struct retries_run *options)
{
	struct retry *retry;

	while ((retry = TAILQ_FIRST(retries->later)) && retry->due_ms <= options->now_ms &&
	       options->may_go_on(options->arg)) {
		TAILQ_REMOVE(retries->later, retry, link);
		retry->due_ms = options->now_ms + RETRIES_FIRST_MS;
		insert_later(retries, retry);
		options->run(retry->name, options->arg);
	}
}

void retries_run(struct retries *retries, const struct retries_run *options)
{
	if (!retries->count)
		return;
	run_later(retries, options);
	if (!retries->left && retries->releases != options->releases) {
		retries->releases = options->releases;
		retries->left = retries->count;
	}
	while (retries->left && !TAILQ_EMPTY(retries->waiting) &&
	       options->may_go_on(options->arg)) {
		retries->left--;
		run_waiting(retries, options);
	}
	if (TAILQ_EMPTY(retries->waiting))
		retries->left = 0;
}
