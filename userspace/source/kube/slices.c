// SPDX-License-Identifier: Apache-2.0
/*
 * Groups of names, each with a watch and at times with the one that is to take its place. What is
 * begun or ended here waits for a timer: libcurl may be calling.
 */
#include "source/kube/slices.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/util.h>

#include "base/clock.h"
#include "source/decode.h"
#include "source/kube/follow.h"

#define LABEL_SERVICE_NAME "kubernetes.io/service-name"
#define NAMES_BYTES_MAX 6000 /* escaped */
#define COMMA_BYTES 3        /* "%2C" */

/* A Service whose slices are wanted. */
struct wanted {
	char *namespace;
	char *service;
	struct kube_group *group;
	uint64_t round; /* of its group: the first list that has it */
	bool known;
};

struct kube_group {
	struct kube_group *next;
	struct kube_slices *slices;
	char *namespace; /* of all its Services; NULL: any */
	struct wanted **members;
	size_t count;
	size_t room;
	size_t bytes;               /* of their names in a selector */
	struct kube_follow *follow; /* NULL: none yet */
	struct kube_follow *heir;   /* takes its place when it has something; NULL: none */
	uint64_t round;             /* the number of the last list that was begun */
	uint64_t began_ms;          /* and when; 0: none was */
	bool is_behind;             /* some member is in no list yet */
	struct event *timer;
};

struct kube_slices {
	struct kube_follows *all;
	char *namespace;
	void *wanted; /* tree by namespace and name */
	struct kube_group *groups;
	bool begun;
};

static int compare_wanted(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;
	int order = strcmp(x->namespace, y->namespace);

	return order ? order : strcmp(x->service, y->service);
}

static struct wanted *find(const struct kube_slices *slices, const char *namespace,
			   const char *service)
{
	struct wanted key = {.namespace = (char *)namespace, .service = (char *)service};
	struct wanted **found = tfind(&key, &slices->wanted, compare_wanted);

	return found ? *found : NULL;
}

static void free_wanted(void *freed)
{
	struct wanted *wanted = freed;

	free(wanted->namespace);
	free(wanted->service);
	free(wanted);
}

int kube_slices_new(struct kube_follows *all, const char *namespace, struct kube_slices **ret)
{
	struct kube_slices *slices = calloc(1, sizeof(*slices));

	if (!slices)
		return -ENOMEM;
	slices->all = all;
	slices->namespace = namespace ? strdup(namespace) : NULL;
	if (namespace && !slices->namespace) {
		free(slices);
		return -ENOMEM;
	}
	*ret = slices;
	return 0;
}

static void free_group(struct kube_group *group)
{
	if (group->timer)
		event_free(group->timer);
	free(group->namespace);
	free(group->members);
	free(group);
}

void kube_slices_free(struct kube_slices *slices)
{
	struct kube_group *group;

	if (!slices)
		return;
	while ((group = slices->groups)) {
		slices->groups = group->next;
		free_group(group);
	}
	tdestroy(slices->wanted, free_wanted);
	free(slices->namespace);
	free(slices);
}

static void schedule(struct kube_group *group, uint64_t delay_ms)
{
	struct timeval delay = {(time_t)(delay_ms / 1000), (suseconds_t)(delay_ms % 1000 * 1000)};

	if (!evtimer_pending(group->timer, NULL))
		evtimer_add(group->timer, &delay);
}

/* Lists follow each other at some distance, for labels come in numbers; and the nodes of a cluster,
 * which all see a label at once, do not ask at once. Meanwhile kube-proxy serves the Service. */
static void schedule_list(struct kube_group *group)
{
	uint32_t distance_ms = group->slices->all->timing.relist_ms, random;
	uint64_t now_ms = clock_now_ms(), earliest_ms = group->began_ms + distance_ms;
	uint64_t delay_ms = 0;

	if (group->began_ms) {
		evutil_secure_rng_get_bytes(&random, sizeof(random));
		delay_ms = random % (distance_ms / 4 + 1);
		if (now_ms + delay_ms < earliest_ms)
			delay_ms = earliest_ms - now_ms;
	}
	schedule(group, delay_ms);
}

static bool is_listing(const struct kube_group *group)
{
	return group->heir || (group->follow && !group->follow->listed);
}

static bool is_first_of_name(const struct kube_group *group, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(group->members[i]->service, group->members[at]->service) == 0)
			return false;
	return true;
}

/* "kubernetes.io/service-name in (a,b)", the caller's; NULL: no memory. */
static char *selector_of(const struct kube_group *group)
{
	struct evbuffer *text = evbuffer_new();
	char *ret = NULL;
	int failed;

	if (!text)
		return NULL;
	failed = evbuffer_add_printf(text, LABEL_SERVICE_NAME " in (") < 0;
	for (size_t i = 0; i < group->count; i++)
		if (is_first_of_name(group, i))
			failed |= evbuffer_add_printf(text, "%s%s", i ? "," : "",
						      group->members[i]->service) < 0;
	failed |= evbuffer_add(text, ")", 2) < 0; /* with its NUL */
	if (!failed)
		ret = strdup((const char *)evbuffer_pullup(text, -1));
	evbuffer_free(text);
	return ret;
}

static struct kube_follow *new_follow(struct kube_group *group)
{
	struct kube_follow *follow = kube_follow_new(group->slices->all, &kube_slices, STORE_SLICE);
	char *selector = selector_of(group);

	if (follow && selector) {
		follow->group = group;
		kube_follow_set(follow, &follow->labels, "%s", selector);
		if (group->namespace) {
			kube_follow_set(follow, &follow->namespace, "%s", group->namespace);
			kube_follow_set(follow, &follow->subject,
					"endpointslices in namespace '%s'", group->namespace);
		} else {
			kube_follow_set(follow, &follow->subject, "endpointslices");
		}
	} else if (follow) {
		follow->incomplete = true; /* it will not begin */
	}
	free(selector);
	return follow;
}

static const struct kube_watch_ops slice_ops;

/* List and watch all members. -ENOMEM */
static int list_anew(struct kube_group *group)
{
	struct kube_follow *follow = new_follow(group);
	int err = follow ? kube_follow_begin(follow, &slice_ops, "") : -ENOMEM;

	if (err)
		return err;
	if (group->follow)
		group->heir = follow;
	else
		group->follow = follow;
	group->round++;
	group->began_ms = clock_now_ms();
	group->is_behind = false;
	return 0;
}

/* What it holds is gone for us, unless another watch holds it, too. */
static void end_group(struct kube_group *group)
{
	struct kube_group **at = &group->slices->groups;

	while (*at != group)
		at = &(*at)->next;
	*at = group->next;
	if (group->heir)
		kube_follow_end(group->heir);
	if (group->follow) {
		kube_watch_release(group->follow->watch);
		kube_follow_end(group->follow);
	}
	group->slices->all->commit(group->slices->all);
	free_group(group);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct kube_group *group = arg;

	(void)fd;
	(void)what;
	if (!group->count)
		end_group(group);
	else if (group->slices->begun && group->is_behind && !is_listing(group) && list_anew(group))
		schedule(group, group->slices->all->timing.backoff_ms);
}

static bool has_namespace(const struct kube_group *group, const char *namespace)
{
	return namespace ? group->namespace && strcmp(group->namespace, namespace) == 0
			 : !group->namespace;
}

static struct kube_group *new_group(struct kube_slices *slices, const char *namespace)
{
	struct kube_group *group = calloc(1, sizeof(*group));

	if (!group)
		return NULL;
	group->slices = slices;
	group->namespace = namespace ? strdup(namespace) : NULL;
	group->timer = evtimer_new(slices->all->base, on_timer, group);
	if (!group->timer || (namespace && !group->namespace)) {
		free_group(group);
		return NULL;
	}
	group->next = slices->groups;
	slices->groups = group;
	return group;
}

/* A group with room for one name more, made if there is none; NULL: no memory. */
static struct kube_group *get_group(struct kube_slices *slices, const char *namespace, size_t bytes)
{
	/* Beyond the only namespace that may be read as a whole: each by itself. */
	const char *scope = slices->namespace ? namespace : NULL;
	struct kube_group *group = slices->groups;
	struct wanted **larger;

	while (group && !(has_namespace(group, scope) && group->count &&
			  group->bytes + bytes <= NAMES_BYTES_MAX))
		group = group->next;
	if (!group)
		group = new_group(slices, scope);
	if (!group || group->count < group->room)
		return group;
	larger = reallocarray(group->members, 2 * group->room + 1, sizeof(struct wanted *));
	if (!larger) {
		schedule(group, 0); /* it may be empty */
		return NULL;
	}
	group->members = larger;
	group->room = 2 * group->room + 1;
	return group;
}

static struct wanted *new_wanted(const char *namespace, const char *service)
{
	struct wanted *wanted = calloc(1, sizeof(*wanted));

	if (!wanted)
		return NULL;
	wanted->namespace = strdup(namespace);
	wanted->service = strdup(service);
	if (wanted->namespace && wanted->service)
		return wanted;
	free_wanted(wanted);
	return NULL;
}

int kube_slices_want(struct kube_slices *slices, const char *namespace, const char *service)
{
	const struct sink *sink = slices->all->sink;
	size_t bytes = strlen(service) + COMMA_BYTES;
	struct wanted *wanted;
	struct kube_group *group;

	if (find(slices, namespace, service))
		return 0;
	wanted = new_wanted(namespace, service);
	group = wanted ? get_group(slices, namespace, bytes) : NULL;
	if (!group || !tsearch(wanted, &slices->wanted, compare_wanted)) {
		if (group && !group->count)
			schedule(group, 0);
		if (wanted)
			free_wanted(wanted);
		return -ENOMEM;
	}
	wanted->group = group;
	wanted->round = group->round + 1;
	group->members[group->count++] = wanted;
	group->bytes += bytes;
	group->is_behind = true;
	if (slices->begun)
		schedule_list(group);
	sink->await_slices(namespace, service, true, sink->arg);
	return 0;
}

void kube_slices_drop(struct kube_slices *slices, const char *namespace, const char *service)
{
	struct wanted *wanted = find(slices, namespace, service);
	struct kube_group *group;
	size_t at = 0;

	if (!wanted)
		return;
	group = wanted->group;
	while (group->members[at] != wanted)
		at++;
	group->members[at] = group->members[--group->count];
	group->bytes -= strlen(service) + COMMA_BYTES;
	tdelete(wanted, &slices->wanted, compare_wanted);
	free_wanted(wanted);
	if (!group->count) {
		evtimer_del(group->timer);
		schedule(group, 0);
	}
}

void kube_slices_begin(struct kube_slices *slices)
{
	slices->begun = true;
	for (struct kube_group *group = slices->groups; group; group = group->next)
		if (group->is_behind)
			schedule_list(group);
}

bool kube_slices_are_listed(const struct kube_slices *slices)
{
	for (const struct kube_group *group = slices->groups; group; group = group->next)
		if (group->count && (group->is_behind || is_listing(group)))
			return false;
	return slices->begun;
}

/* The heir has something: it is the one from now on, and what it does not have is gone. -ENOMEM */
static int take_over(struct kube_follow *follow)
{
	struct kube_group *group = follow->group;

	if (group->heir != follow)
		return 0;
	if (kube_watch_inherit(follow->watch, group->follow->watch))
		return -ENOMEM;
	store_inherit(follow->origin, group->follow->origin);
	kube_follow_end(group->follow);
	group->follow = follow;
	group->heir = NULL;
	return 0;
}

static bool is_of(const struct kube_follow *follow, const char *namespace, const char *service)
{
	const struct wanted *wanted = find(follow->group->slices, namespace, service);

	return wanted && wanted->group == follow->group;
}

/* It is none of this watch's: it has another Service now, or its Service is not wanted any more. */
static int leave(struct kube_follow *follow, const char *namespace, const char *name)
{
	if (kube_watch_holds(follow->watch, namespace, name))
		kube_follow_drop(follow, namespace, name);
	return 0;
}

static int put(const json_t *object, const char *namespace, const char *name, void *arg)
{
	struct kube_follow *follow = arg;
	struct kube_origin origin;
	struct slice *slice;
	int err = take_over(follow);

	if (err)
		return err;
	if (!is_of(follow, namespace, kube_follow_label(object, LABEL_SERVICE_NAME)))
		return leave(follow, namespace, name);
	kube_follow_set_origin(&origin, follow, namespace, name);
	err = decode_slice(object, kube_follow_refuse, &origin, &slice);
	if (err == -ENOENT)
		return leave(follow, namespace, name);
	if (err)
		return err == -EINVAL ? 1 : err; /* refused: the one before stays in force */
	err = store_put(follow->origin, STORE_SLICE, slice);
	return err ? err : 1;
}

static void remove_slice(const char *namespace, const char *name, void *arg)
{
	kube_follow_drop(arg, namespace, name);
}

/* All that its list was asked for has been told. */
static void know_members(struct kube_group *group)
{
	const struct sink *sink = group->slices->all->sink;

	for (size_t i = 0; i < group->count; i++) {
		struct wanted *wanted = group->members[i];

		if (wanted->known || wanted->round > group->round)
			continue;
		wanted->known = true;
		group->slices->all->changed = true;
		sink->await_slices(wanted->namespace, wanted->service, false, sink->arg);
	}
}

static void settle(bool listed, void *arg)
{
	struct kube_follow *follow = arg;
	struct kube_group *group = follow->group;

	/* A list that lacks what has no name, or what there was no room for, says nothing new; nor
	 * does one of a watch that is to be replaced: it lacks those whom its heir is for. */
	if (listed && !take_over(follow) && !group->heir && !follow->nameless)
		know_members(group);
	kube_follow_settle(listed, follow);
	if (listed && group->is_behind)
		schedule_list(group);
}

static const struct kube_watch_ops slice_ops = {
	KUBE_FOLLOW_OPS,
	.put = put,
	.remove = remove_slice,
	.settle = settle,
	.failed = kube_follow_failed,
};
