// SPDX-License-Identifier: Apache-2.0
/*
 * One watch. It begins and ends by a timer: libcurl may be calling. Without the right to it nobody
 * is excepted, and everything else goes on.
 */
#include "source/kube/pods.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "source/decode.h"
#include "source/kube/follow.h"

#define INSTEAD                                                                                     \
	", as the overlay deploy/overlays/clients-except does; until then gwbpf.io/clients-except " \
	"leaves no pod out"

struct kube_pods {
	struct kube_follows *all;
	char *node;
	char *namespace;
	void *wanted; /* tree of "NAMESPACE/NAME" */
	size_t wanted_count;
	struct kube_follow *follow; /* NULL: none yet, or none any more */
	struct event *timer;
};

static int compare_texts(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void on_timer(evutil_socket_t fd, short what, void *arg);

int kube_pods_new(struct kube_follows *all, const char *node, const char *namespace,
		  struct kube_pods **ret)
{
	struct kube_pods *pods = calloc(1, sizeof(*pods));

	if (!pods)
		return -ENOMEM;
	pods->all = all;
	pods->node = strdup(node);
	pods->namespace = namespace ? strdup(namespace) : NULL;
	pods->timer = evtimer_new(all->base, on_timer, pods);
	if (!pods->node || (namespace && !pods->namespace) || !pods->timer) {
		kube_pods_free(pods);
		return -ENOMEM;
	}
	*ret = pods;
	return 0;
}

void kube_pods_free(struct kube_pods *pods)
{
	if (!pods)
		return;
	if (pods->timer)
		event_free(pods->timer);
	tdestroy(pods->wanted, free);
	free(pods->node);
	free(pods->namespace);
	free(pods);
}

static void schedule(struct kube_pods *pods, uint32_t delay_ms)
{
	struct timeval delay = {(time_t)(delay_ms / 1000), (suseconds_t)(delay_ms % 1000 * 1000)};

	evtimer_add(pods->timer, &delay);
}

static void tell_awaited(struct kube_pods *pods, bool awaited)
{
	const struct sink *sink = pods->all->sink;

	pods->all->changed = true;
	sink->await_pods(awaited, sink->arg);
}

static int put(const json_t *object, const char *namespace, const char *name, void *arg)
{
	struct kube_follow *follow = arg;
	struct kube_origin origin;
	struct pod *pod;
	int err;

	kube_follow_set_origin(&origin, follow, namespace, name);
	err = decode_pod(object, kube_follow_refuse, &origin, &pod);
	if (err == -ENOENT) {
		kube_follow_drop(follow, namespace, name);
		return 0;
	}
	if (err)
		return err == -EINVAL ? 1 : err; /* refused: the one before stays in force */
	err = store_put(follow->origin, STORE_POD, pod);
	return err ? err : 1;
}

static void remove_pod(const char *namespace, const char *name, void *arg)
{
	kube_follow_drop(arg, namespace, name);
}

static void settle(bool listed, void *arg)
{
	struct kube_follow *follow = arg;

	if (listed && !follow->listed)
		tell_awaited(follow->all->pods, false);
	kube_follow_settle(listed, follow);
}

static void failed(enum source_error error, const char *message, void *arg)
{
	struct kube_follow *follow = arg;

	kube_follow_failed(error, message, arg);
	if (error != SOURCE_ERROR_FORBIDDEN || follow->listed)
		return;
	follow->listed = true;
	tell_awaited(follow->all->pods, false);
	follow->all->commit(follow->all);
}

static const struct kube_watch_ops ops = {
	KUBE_FOLLOW_OPS, .put = put, .remove = remove_pod, .settle = settle, .failed = failed,
};

static int begin(struct kube_pods *pods)
{
	struct kube_follow *follow = kube_follow_new(pods->all, &kube_pods_resource, STORE_POD);
	int err;

	if (!follow)
		return -ENOMEM;
	if (pods->namespace)
		kube_follow_set(follow, &follow->namespace, "%s", pods->namespace);
	kube_follow_set(follow, &follow->fields, "spec.nodeName=%s", pods->node);
	kube_follow_set(follow, &follow->subject, "pods of node '%s'", pods->node);
	err = kube_follow_begin(follow, &ops, INSTEAD);
	if (!err)
		pods->follow = follow;
	return err;
}

static void end(struct kube_pods *pods)
{
	const struct sink *sink = pods->all->sink;

	kube_watch_release(pods->follow->watch);
	if (pods->follow->problem)
		sink->recovered(pods->follow->subject, sink->arg);
	store_accept_at(sink->store, pods->follow->subject);
	kube_follow_end(pods->follow);
	pods->follow = NULL;
	tell_awaited(pods, false);
	pods->all->commit(pods->all);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct kube_pods *pods = arg;

	(void)fd;
	(void)what;
	if (!pods->wanted_count && pods->follow)
		end(pods);
	else if (pods->wanted_count && !pods->follow && begin(pods))
		schedule(pods, pods->all->timing.backoff_ms);
}

static int want(struct kube_pods *pods, const char *text)
{
	char *copy = strdup(text);

	if (!copy || !tsearch(copy, &pods->wanted, compare_texts)) {
		free(copy);
		return -ENOMEM;
	}
	if (!pods->wanted_count++ && !pods->follow)
		tell_awaited(pods, true);
	schedule(pods, 0);
	return 0;
}

int kube_pods_want(struct kube_pods *pods, const char *namespace, const char *service, bool wants)
{
	char text[KUBE_ORIGIN_BYTES], **found, *removed;

	snprintf(text, sizeof(text), "%s/%s", namespace, service);
	found = tfind(text, &pods->wanted, compare_texts);
	if (wants == (found != NULL))
		return 0;
	if (wants)
		return want(pods, text);
	removed = *found;
	tdelete(removed, &pods->wanted, compare_texts);
	free(removed);
	pods->wanted_count--;
	schedule(pods, 0);
	return 0;
}

bool kube_pods_are_listed(const struct kube_pods *pods)
{
	return !pods->wanted_count || (pods->follow && pods->follow->listed);
}
