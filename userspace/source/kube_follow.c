// SPDX-License-Identifier: Apache-2.0
/* From watched JSON to the sink. */
#include "source/kube_follow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/decode.h"
#include "source/kubeconfig.h"

#define LABEL_SERVICE_NAME "kubernetes.io/service-name"
#define LABEL_ZONE "topology.kubernetes.io/zone"
#define ORIGIN_BYTES 640

/* Whose refusals these are: one object's, so that they end with it. */
struct origin {
	const struct sink *sink;
	char text[ORIGIN_BYTES];
};

static void set_origin(struct origin *origin, const struct kube_follow *follow,
		       const char *namespace, const char *name)
{
	origin->sink = follow->all->sink;
	snprintf(origin->text, sizeof(origin->text), "%s/%s/%s",
		 follow->selection.resource->plural, namespace, name);
	origin->sink->accept_all(origin->text, origin->sink->arg);
}

static void refuse_part(const char *object, const char *message, void *arg)
{
	const struct origin *origin = arg;

	origin->sink->refuse(origin->text, object, message, origin->sink->arg);
}

static void refuse_nameless(const char *message, void *arg)
{
	struct kube_follow *follow = arg;
	const struct sink *sink = follow->all->sink;

	follow->nameless = true;
	sink->refuse(follow->subject, "", message, sink->arg);
}

/* Whether another watch is there for that Service: then this one, of the labelled, leaves it be. */
static bool is_anothers(const struct kube_follow *follow, const char *namespace,
			const char *service)
{
	if (follow->service)
		return false;
	for (const struct kube_follow *other = follow->all->first; other; other = other->next)
		if (other->service && strcmp(other->service, service) == 0 &&
		    strcmp(other->namespace, namespace) == 0)
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
	struct origin origin;
	int err;

	if (is_anothers(follow, namespace, name))
		return 0;
	set_origin(&origin, follow, namespace, name);
	err = decode_service(object, refuse_part, &origin, &service);
	if (err)
		return err == -EINVAL ? 1 : err; /* refused: the one before stays in force */
	sink->put_service(service, sink->arg);
	follow->all->changed = true;
	return 1;
}

static const char *label_of(const json_t *object, const char *label)
{
	json_t *labels = json_object_get(json_object_get(object, "metadata"), "labels");
	const char *value = json_string_value(json_object_get(labels, label));

	return value ? value : "";
}

static int put_slice(const json_t *object, const char *namespace, const char *name, void *arg)
{
	struct kube_follow *follow = arg;
	const struct sink *sink = follow->all->sink;
	struct slice *slice;
	struct origin origin;
	int err;

	if (is_anothers(follow, namespace, label_of(object, LABEL_SERVICE_NAME)))
		return 0;
	set_origin(&origin, follow, namespace, name);
	err = decode_slice(object, refuse_part, &origin, &slice);
	if (err)
		return err == -EINVAL ? 1 : err;
	sink->put_slice(slice, sink->arg);
	follow->all->changed = true;
	return 1;
}

static void remove_object(const char *namespace, const char *name, void *arg)
{
	const struct kube_follow *follow = arg;
	const struct sink *sink = follow->all->sink;
	struct origin origin;

	if (is_held_elsewhere(follow, namespace, name))
		return;
	set_origin(&origin, follow, namespace, name);
	if (follow->selection.resource == &kube_services)
		sink->remove_service(namespace, name, sink->arg);
	else
		sink->remove_slice(namespace, name, sink->arg);
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
	tell_node(follow->all, true, label_of(object, LABEL_ZONE));
	return 1;
}

static void remove_node(const char *namespace, const char *name, void *arg)
{
	struct kube_follow *follow = arg;

	(void)namespace;
	(void)name;
	tell_node(follow->all, false, "");
}

static void commit(struct kube_follows *all)
{
	const struct sink *sink = all->sink;

	for (const struct kube_follow *follow = all->first; follow; follow = follow->next)
		if (!follow->listed)
			return;
	if (all->synced && !all->changed)
		return;
	all->synced = true;
	all->changed = false;
	sink->commit(true, sink->arg);
}

static void settle(bool listed, void *arg)
{
	struct kube_follow *follow = arg;
	const struct sink *sink = follow->all->sink;

	if (listed) {
		follow->listed = true;
		if (!follow->nameless)
			sink->accept_all(follow->subject, sink->arg);
		follow->nameless = false;
	}
	commit(follow->all);
}

static void settle_node(bool listed, void *arg)
{
	struct kube_follow *follow = arg;

	if (listed && !kube_watch_holds(follow->watch, "", follow->name))
		tell_node(follow->all, false, "");
	settle(listed, arg);
}

static void heard(void *arg)
{
	struct kube_follow *follow = arg;
	const struct sink *sink = follow->all->sink;

	sink->heard(sink->arg);
}

static void failed(enum source_error error, const char *message, void *arg)
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

	failed(error, message, arg);
	/* What a missing right to the Node costs is the zone, not everything. */
	if (error != SOURCE_ERROR_FORBIDDEN)
		return;
	follow->listed = true;
	commit(follow->all);
}

static void recovered(void *arg)
{
	struct kube_follow *follow = arg;
	const struct sink *sink = follow->all->sink;

	free(follow->problem);
	follow->problem = NULL;
	sink->recovered(follow->subject, sink->arg);
	for (const struct kube_follow *other = follow->all->first; other; other = other->next)
		kube_watch_hurry(other->watch);
}

/* Read anew for each request: files may have been replaced since. */
static int configure(char *message, struct kube_config *ret, void *arg)
{
	const struct kube_follow *follow = arg;

	return kube_follows_configure(follow->all, message, ret);
}

int kube_follows_configure(const struct kube_follows *all, char *message, struct kube_config *ret)
{
	if (all->kubeconfig)
		return kubeconfig_load(all->kubeconfig, all->context, message, ret);
	return kube_config_load_in_cluster(KUBE_SERVICE_ACCOUNT_DIR, message, ret);
}

#define COMMON_OPS                                                                                 \
	.configure = configure, .refuse = refuse_nameless, .heard = heard, .recovered = recovered

const struct kube_watch_ops kube_follow_service_ops = {
	COMMON_OPS,
	.put = put_service,
	.remove = remove_object,
	.settle = settle,
	.failed = failed,
};

const struct kube_watch_ops kube_follow_slice_ops = {
	COMMON_OPS,
	.put = put_slice,
	.remove = remove_object,
	.settle = settle,
	.failed = failed,
};

const struct kube_watch_ops kube_follow_node_ops = {
	COMMON_OPS,
	.put = put_node,
	.remove = remove_node,
	.settle = settle_node,
	.failed = failed_node,
};

void kube_follow_free(struct kube_follow *follow)
{
	kube_watch_stop(follow->watch);
	free(follow->namespace);
	free(follow->service);
	free(follow->name);
	free(follow->labels);
	free(follow->subject);
	free(follow->problem);
	free(follow);
}
