// SPDX-License-Identifier: Apache-2.0
/* From watched JSON to the sink. */
#include "source/kube_follow.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/decode.h"
#include "source/kube_pods.h"
#include "source/kube_slices.h"
#include "source/kubeconfig.h"

#define LABEL_ZONE "topology.kubernetes.io/zone"

static void free_follow(struct kube_follow *follow)
{
	kube_watch_stop(follow->watch);
	free(follow->namespace);
	free(follow->name);
	free(follow->labels);
	free(follow->fields);
	free(follow->subject);
	free(follow->problem);
	free(follow);
}

struct kube_follow *kube_follow_new(struct kube_follows *all, const struct kube_resource *resource)
{
	struct kube_follow *follow = calloc(1, sizeof(*follow));

	if (follow) {
		follow->all = all;
		follow->selection.resource = resource;
	}
	return follow;
}

void kube_follow_set(struct kube_follow *follow, char **ret, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vasprintf(ret, format, args) < 0) {
		*ret = NULL;
		follow->incomplete = true;
	}
	va_end(args);
}

int kube_follow_begin(struct kube_follow *follow, const struct kube_watch_ops *ops,
		      const char *instead)
{
	struct kube_follows *all = follow->all;
	struct kube_follow **last = &all->first;
	struct kube_watch_setup setup = {
		.base = all->base,
		.http = all->http,
		.selection = follow->selection,
		.subject = follow->subject,
		.instead = instead,
		.timing = &all->timing,
		.ops = ops,
		.arg = follow,
	};
	int err = -ENOMEM;

	setup.selection.namespace = follow->namespace;
	setup.selection.name = follow->name;
	setup.selection.labels = follow->labels;
	setup.selection.fields = follow->fields;
	if (!follow->incomplete)
		err = kube_watch_start(&setup, &follow->watch);
	if (err) {
		free_follow(follow);
		return err;
	}
	while (*last)
		last = &(*last)->next;
	*last = follow;
	return 0;
}

void kube_follow_end(struct kube_follow *follow)
{
	struct kube_follow **at = &follow->all->first;

	while (*at != follow)
		at = &(*at)->next;
	*at = follow->next;
	free_follow(follow);
}

void kube_follow_set_origin(struct kube_origin *origin, const struct kube_follow *follow,
			    const char *namespace, const char *name)
{
	origin->sink = follow->all->sink;
	snprintf(origin->text, sizeof(origin->text), "%s/%s/%s",
		 follow->selection.resource->plural, namespace, name);
	origin->sink->accept_all(origin->text, origin->sink->arg);
}

void kube_follow_refuse(const char *object, const char *message, void *arg)
{
	const struct kube_origin *origin = arg;

	origin->sink->refuse(origin->text, object, message, origin->sink->arg);
}

void kube_follow_refuse_nameless(const char *message, void *arg)
{
	struct kube_follow *follow = arg;
	const struct sink *sink = follow->all->sink;

	follow->nameless = true;
	sink->refuse(follow->subject, "", message, sink->arg);
}

/* Whether a watch is there for that Service by its name: then the one of the labelled leaves it. */
static bool is_anothers(const struct kube_follow *follow, const char *namespace, const char *name)
{
	if (follow->name)
		return false;
	for (const struct kube_follow *other = follow->all->first; other; other = other->next)
		if (other->selection.resource == &kube_services && other->name &&
		    strcmp(other->name, name) == 0 && strcmp(other->namespace, namespace) == 0)
			return true;
	return false;
}

static bool is_held_elsewhere(const struct kube_follow *follow, const char *namespace,
			      const char *name)
{
	for (const struct kube_follow *other = follow->all->first; other; other = other->next)
		if (other != follow && other->selection.resource == follow->selection.resource &&
		    kube_watch_holds(other->watch, namespace, name))
			return true;
	return false;
}

static int put_service(const json_t *object, const char *namespace, const char *name, void *arg)
{
	struct kube_follow *follow = arg;
	const struct sink *sink = follow->all->sink;
	struct service *service;
	struct kube_origin origin;
	int err;

	if (is_anothers(follow, namespace, name))
		return 0;
	kube_follow_set_origin(&origin, follow, namespace, name);
	err = decode_service(object, kube_follow_refuse, &origin, &service);
	if (err)
		return err == -EINVAL ? 1 : err; /* refused: the one before stays in force */
	err = kube_pods_want(follow->all->pods, namespace, name, service->except);
	sink->put_service(service, sink->arg);
	follow->all->changed = true;
	if (!err)
		err = kube_slices_want(follow->all->slices, namespace, name);
	return err ? err : 1;
}

const char *kube_follow_label(const json_t *object, const char *label)
{
	json_t *labels = json_object_get(json_object_get(object, "metadata"), "labels");
	const char *value = json_string_value(json_object_get(labels, label));

	return value ? value : "";
}

void kube_follow_remove(const char *namespace, const char *name, void *arg)
{
	const struct kube_follow *follow = arg;
	const struct sink *sink = follow->all->sink;
	struct kube_origin origin;

	if (is_held_elsewhere(follow, namespace, name))
		return;
	kube_follow_set_origin(&origin, follow, namespace, name);
	if (follow->selection.resource == &kube_services) {
		sink->remove_service(namespace, name, sink->arg);
		kube_slices_drop(follow->all->slices, namespace, name);
		kube_pods_want(follow->all->pods, namespace, name, false);
	} else {
		sink->remove_slice(namespace, name, sink->arg);
	}
	follow->all->changed = true;
}

static void tell_node(struct kube_follows *all, bool exists, const char *zone)
{
	const struct sink *sink = all->sink;

	if (all->node_told && all->node_exists == exists && strcmp(all->zone, zone) == 0)
		return;
	free(all->zone);
	all->zone = strdup(zone);
	all->node_told = all->zone != NULL; /* else it is told again next time */
	all->node_exists = exists;
	all->changed = true;
	sink->set_node(exists, zone, sink->arg);
}

static int put_node(const json_t *object, const char *namespace, const char *name, void *arg)
{
	struct kube_follow *follow = arg;

	(void)namespace;
	if (strcmp(name, follow->name) != 0)
		return 0;
	tell_node(follow->all, true, kube_follow_label(object, LABEL_ZONE));
	return 1;
}

static void remove_node(const char *namespace, const char *name, void *arg)
{
	struct kube_follow *follow = arg;

	(void)namespace;
	(void)name;
	tell_node(follow->all, false, "");
}

static bool is_listed(const struct kube_follows *all, const struct kube_resource *resource)
{
	for (const struct kube_follow *follow = all->first; follow; follow = follow->next)
		if ((!resource || follow->selection.resource == resource) && !follow->listed)
			return false;
	return true;
}

void kube_follows_commit(struct kube_follows *all)
{
	const struct sink *sink = all->sink;

	if (!all->synced && !(is_listed(all, NULL) && kube_slices_are_listed(all->slices)))
		return;
	if (all->synced && !all->changed)
		return;
	all->synced = true;
	all->changed = false;
	sink->commit(true, sink->arg);
}

void kube_follow_settle(bool listed, struct kube_follow *follow)
{
	const struct sink *sink = follow->all->sink;

	if (listed) {
		follow->listed = true;
		if (!follow->nameless)
			sink->accept_all(follow->subject, sink->arg);
		follow->nameless = false;
	}
	kube_follows_commit(follow->all);
}

static void settle_services(bool listed, void *arg)
{
	struct kube_follow *follow = arg;
	struct kube_follows *all = follow->all;

	follow->listed = follow->listed || listed;
	if (listed && !all->synced && is_listed(all, &kube_services))
		kube_slices_begin(all->slices);
	kube_follow_settle(listed, follow);
}

static void settle_node(bool listed, void *arg)
{
	struct kube_follow *follow = arg;

	if (listed && !kube_watch_holds(follow->watch, "", follow->name))
		tell_node(follow->all, false, "");
	kube_follow_settle(listed, follow);
}

void kube_follow_heard(void *arg)
{
	struct kube_follow *follow = arg;
	const struct sink *sink = follow->all->sink;

	sink->heard(sink->arg);
}

void kube_follow_failed(enum source_error error, const char *message, void *arg)
{
	struct kube_follow *follow = arg;
	const struct sink *sink = follow->all->sink;

	free(follow->problem);
	follow->problem = strdup(message);
	sink->failed(follow->subject, error, message, sink->arg);
}

static void failed_node(enum source_error error, const char *message, void *arg)
{
	struct kube_follow *follow = arg;

	kube_follow_failed(error, message, arg);
	/* What a missing right to the Node costs is the zone, not everything. */
	if (error != SOURCE_ERROR_FORBIDDEN)
		return;
	follow->listed = true;
	kube_follows_commit(follow->all);
}

void kube_follow_granted(void *arg)
{
	const struct kube_follow *follow = arg;

	for (const struct kube_follow *other = follow->all->first; other; other = other->next)
		kube_watch_hurry(other->watch);
}

void kube_follow_recovered(void *arg)
{
	struct kube_follow *follow = arg;
	const struct sink *sink = follow->all->sink;

	free(follow->problem);
	follow->problem = NULL;
	sink->recovered(follow->subject, sink->arg);
	kube_follow_granted(arg);
}

/* Read anew for each request: files may have been replaced since. */
int kube_follow_configure(char *message, struct kube_config *ret, void *arg)
{
	const struct kube_follow *follow = arg;

	return kube_follows_configure(follow->all, message, ret);
}

int kube_follows_configure(const struct kube_follows *all, char *message, struct kube_config *ret)
{
	if (all->kubeconfig && all->kubeconfig_is_list)
		return kubeconfig_load_list(all->kubeconfig, all->context, message, ret);
	if (all->kubeconfig)
		return kubeconfig_load(all->kubeconfig, all->context, message, ret);
	return kube_config_load_in_cluster(KUBE_SERVICE_ACCOUNT_DIR, message, ret);
}

const struct kube_watch_ops kube_follow_service_ops = {
	KUBE_FOLLOW_OPS,
	.put = put_service,
	.remove = kube_follow_remove,
	.settle = settle_services,
	.failed = kube_follow_failed,
};

const struct kube_watch_ops kube_follow_node_ops = {
	KUBE_FOLLOW_OPS,
	.put = put_node,
	.remove = remove_node,
	.settle = settle_node,
	.failed = failed_node,
};
