// SPDX-License-Identifier: Apache-2.0
/* What the watches of all resources have in common. */
#include "source/kube/follow.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/kube/kubeconfig.h"
#include "source/kube/pem.h"

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

struct kube_follow *kube_follow_new(struct kube_follows *all, const struct kube_resource *resource,
				    enum store_kind kind)
{
	struct kube_follow *follow = calloc(1, sizeof(*follow));

	if (follow) {
		follow->all = all;
		follow->kind = kind;
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
		err = store_add_origin(all->sink->store,
				       &(struct origin_setup){.place = follow->subject},
				       &follow->origin);
	if (!err)
		err = kube_watch_start(&setup, &follow->watch);
	if (err) {
		store_drop_origin(follow->origin, 0);
		free_follow(follow);
		return err;
	}
	while (*last)
		last = &(*last)->next;
	*last = follow;
	return 0;
}

void kube_follow_stop(struct kube_follow *follow)
{
	struct kube_follow **at = &follow->all->first;

	while (*at != follow)
		at = &(*at)->next;
	*at = follow->next;
	free_follow(follow);
}

void kube_follow_end(struct kube_follow *follow)
{
	store_drop_origin(follow->origin, 0);
	kube_follow_stop(follow);
}

void kube_follow_set_origin(struct kube_origin *origin, const struct kube_follow *follow,
			    const char *namespace, const char *name)
{
	origin->store = follow->all->sink->store;
	snprintf(origin->text, sizeof(origin->text), "%s/%s/%s", follow->selection.resource->plural,
		 namespace, name);
	store_accept_at(origin->store, origin->text);
}

void kube_follow_refuse(const char *object, const char *message, void *arg)
{
	const struct kube_origin *origin = arg;

	store_refuse_at(origin->store, origin->text, object, message);
}

void kube_follow_refuse_nameless(const char *message, void *arg)
{
	struct kube_follow *follow = arg;

	follow->nameless = true;
	store_refuse_at(follow->all->sink->store, follow->subject, "", message);
}

const char *kube_follow_label(const json_t *object, const char *label)
{
	json_t *labels = json_object_get(json_object_get(object, "metadata"), "labels");
	const char *value = json_string_value(json_object_get(labels, label));

	return value ? value : "";
}

bool kube_follow_drop(struct kube_follow *follow, const char *namespace, const char *name)
{
	struct store *store = follow->all->sink->store;
	struct kube_origin origin;

	store_drop(follow->origin, follow->kind, namespace, name);
	if (store_find_place(store, follow->kind, namespace, name))
		return false;
	kube_follow_set_origin(&origin, follow, namespace, name);
	return true;
}

void kube_follow_settle(bool listed, struct kube_follow *follow)
{
	if (listed) {
		follow->listed = true;
		if (!follow->nameless)
			store_accept_at(follow->all->sink->store, follow->subject);
		follow->nameless = false;
	}
	follow->all->commit(follow->all);
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

static int load(const struct kube_follows *all, char *message, struct kube_config *ret)
{
	if (all->kubeconfig && all->kubeconfig_is_list)
		return kubeconfig_load_list(all->kubeconfig, all->context, message, ret);
	if (all->kubeconfig)
		return kubeconfig_load(all->kubeconfig, all->context, message, ret);
	return kube_config_load_in_cluster(KUBE_SERVICE_ACCOUNT_DIR, message, ret);
}

int kube_follows_configure(const struct kube_follows *all, char *message, struct kube_config *ret)
{
	int err = load(all, message, ret);

	if (err)
		return err;
	err = kube_pem_check(ret, all->kubeconfig ? all->kubeconfig : KUBE_SERVICE_ACCOUNT_DIR,
			     message);
	if (err)
		kube_config_done(ret);
	return err;
}
