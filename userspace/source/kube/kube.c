// SPDX-License-Identifier: Apache-2.0
/*
 * From the agent's options to the watches that they ask for; Services and the Node from JSON to the
 * store and the sink.
 */
#include "source/kube/kube.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/decode.h"
#include "source/kube/follow.h"
#include "source/kube/http.h"
#include "source/kube/pods.h"
#include "source/kube/pulse.h"
#include "source/kube/slices.h"

#define LABEL_ZONE "topology.kubernetes.io/zone"
#define LABEL_ENABLED "gwbpf.io/enabled=true"
#define ORIGIN "configuration"
#define NAME_BYTES_MAX 253
#define NAMED_SERVICES_MAX 64 /* each costs a watch */

struct kube_source {
	struct kube_pulse *pulse;
	struct kube_follows follows;
};

/* Tell it the way that everything is told. Returns err. */
static int refuse(const struct sink *sink, int err, const char *message)
{
	sink->failed(ORIGIN, SOURCE_ERROR_CONFIG, message, sink->arg);
	return err;
}

/* What may stand in a path of the API. */
static bool is_name(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!islower((unsigned char)text[i]) && !isdigit((unsigned char)text[i]) &&
		    text[i] != '-' && text[i] != '.')
			return false;
	return length > 0 && length <= NAME_BYTES_MAX && text[0] != '.';
}

static int refuse_name(const struct sink *sink, const char *option, const char *value)
{
	char message[KUBE_MESSAGE_MAX];

	kube_config_fail(message, -EINVAL, "cannot use %s '%.300s': it is no name of Kubernetes",
			 option, value);
	return refuse(sink, -EINVAL, message);
}

static int check_services(const struct kube_options *options, const struct sink *sink)
{
	for (size_t i = 0; i < options->service_count; i++) {
		const char *text = options->services[i];
		size_t length = strcspn(text, "/");

		if (!text[length] || !is_name(text, length) ||
		    !is_name(text + length + 1, strlen(text + length + 1)))
			return refuse_name(sink, "--service (NAMESPACE/NAME)", text);
	}
	if (options->service_count > NAMED_SERVICES_MAX)
		return refuse(sink, -EINVAL,
			      "cannot watch that many Services by name: give at most 64 times "
			      "--service, and the others the label " LABEL_ENABLED);
	return 0;
}

static int check_options(const struct kube_options *options, const struct sink *sink)
{
	if (!options->node || !is_name(options->node, strlen(options->node)))
		return refuse_name(sink, "--node-name", options->node ? options->node : "");
	if (options->namespace && !is_name(options->namespace, strlen(options->namespace)))
		return refuse_name(sink, "--namespace", options->namespace);
	return check_services(options, sink);
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

static int put_service(const json_t *object, const char *namespace, const char *name, void *arg)
{
	struct kube_follow *follow = arg;
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
	if (err)
		service_free(service);
	else
		err = store_put(follow->origin, STORE_SERVICE, service);
	if (!err)
		err = kube_slices_want(follow->all->slices, namespace, name);
	return err ? err : 1;
}

static void remove_service(const char *namespace, const char *name, void *arg)
{
	struct kube_follow *follow = arg;

	if (!kube_follow_drop(follow, namespace, name))
		return;
	kube_slices_drop(follow->all->slices, namespace, name);
	kube_pods_want(follow->all->pods, namespace, name, false);
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

static void commit(struct kube_follows *all)
{
	const struct sink *sink = all->sink;
	bool changed = store_take_changed(sink->store) || all->changed;

	if (!all->synced && !(is_listed(all, NULL) && kube_slices_are_listed(all->slices) &&
			      kube_pods_are_listed(all->pods)))
		return;
	if (all->synced && !changed)
		return;
	all->synced = true;
	all->changed = false;
	sink->commit(true, sink->arg);
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

static void failed_node(enum source_error error, const char *message, void *arg)
{
	struct kube_follow *follow = arg;

	kube_follow_failed(error, message, arg);
	/* What a missing right to the Node costs is the zone, not everything. */
	if (error != SOURCE_ERROR_FORBIDDEN)
		return;
	follow->listed = true;
	commit(follow->all);
}

static const struct kube_watch_ops service_ops = {
	KUBE_FOLLOW_OPS,           .put = put_service,           .remove = remove_service,
	.settle = settle_services, .failed = kube_follow_failed,
};

static const struct kube_watch_ops node_ops = {
	KUBE_FOLLOW_OPS,       .put = put_node,       .remove = remove_node,
	.settle = settle_node, .failed = failed_node,
};

static int follow_labelled(struct kube_follows *all, const char *namespace)
{
	struct kube_follow *follow = kube_follow_new(all, &kube_services, STORE_SERVICE);

	if (!follow)
		return -ENOMEM;
	kube_follow_set(follow, &follow->labels, "%s", LABEL_ENABLED);
	if (namespace) {
		kube_follow_set(follow, &follow->namespace, "%s", namespace);
		kube_follow_set(follow, &follow->subject, "services in namespace '%s'", namespace);
	} else {
		kube_follow_set(follow, &follow->subject, "services");
	}
	return kube_follow_begin(follow, &service_ops, namespace ? "" : ", or give --namespace");
}

/* service: "NAMESPACE/NAME" */
static int follow_named(struct kube_follows *all, const char *service)
{
	struct kube_follow *follow = kube_follow_new(all, &kube_services, STORE_SERVICE);

	if (!follow)
		return -ENOMEM;
	kube_follow_set(follow, &follow->namespace, "%.*s", (int)strcspn(service, "/"), service);
	kube_follow_set(follow, &follow->name, "%s", strchr(service, '/') + 1);
	kube_follow_set(follow, &follow->subject, "service '%s'", service);
	return kube_follow_begin(follow, &service_ops, "");
}

static int follow_node(struct kube_follows *all, const char *name)
{
	struct kube_follow *follow = kube_follow_new(all, &kube_nodes, STORE_KIND_MAX_);

	if (!follow)
		return -ENOMEM;
	follow->selection.get = true;
	kube_follow_set(follow, &follow->name, "%s", name);
	kube_follow_set(follow, &follow->subject, "node '%s'", name);
	return kube_follow_begin(follow, &node_ops, ", or give --zone");
}

/* Slices are followed as Services are found, and pods as these ask for it. */
static int follow_all(struct kube_follows *all, const struct kube_options *options)
{
	int err = kube_slices_new(all, options->namespace, &all->slices);

	if (!err)
		err = kube_pods_new(all, options->node, options->namespace, &all->pods);
	if (!err)
		err = follow_labelled(all, options->namespace);
	for (size_t i = 0; i < options->service_count && !err; i++)
		err = follow_named(all, options->services[i]);
	if (!err && !options->zone)
		err = follow_node(all, options->node);
	return err;
}

static int copy(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

/* What cannot be loaded now will not be for the watches either: say so at once. */
static int try_configuration(const struct kube_source *source, bool warns)
{
	char message[KUBE_MESSAGE_MAX];
	struct kube_config config;
	int err = kube_follows_configure(&source->follows, message, &config);

	if (err)
		return refuse(source->follows.sink, err, message);
	if (config.warning && warns)
		store_refuse_at(source->follows.sink->store, ORIGIN, "", config.warning);
	kube_config_done(&config);
	return 0;
}

static int configure_question(char *message, struct kube_config *ret, void *arg)
{
	const struct kube_source *source = arg;

	return kube_follows_configure(&source->follows, message, ret);
}

/* Its connections may be what is dead: the next attempts make others. */
static void on_silence(void *arg)
{
	struct kube_source *source = arg;

	kube_http_distrust(source->follows.http);
	for (struct kube_follow *follow = source->follows.first; follow; follow = follow->next)
		kube_watch_give_up(follow->watch);
}

static int start_pulse(struct kube_source *source)
{
	const struct kube_pulse_setup setup = {
		.base = source->follows.base,
		.http = source->follows.http,
		.timing = &source->follows.timing,
		.configure = configure_question,
		.silent = on_silence,
		.arg = source,
	};

	return kube_pulse_start(&setup, &source->pulse);
}

int kube_source_check(const struct kube_options *options, const struct sink *sink)
{
	struct kube_source source = {.follows.sink = sink};
	int err = check_options(options, sink);

	if (err)
		return err;
	source.follows.kubeconfig = (char *)options->kubeconfig;
	source.follows.kubeconfig_is_list = options->kubeconfig_is_list;
	source.follows.context = (char *)options->context;
	return try_configuration(&source, false); /* kube_source_start() warns */
}

int kube_source_start(struct event_base *base, const struct kube_options *options,
		      const struct sink *sink, struct kube_source **ret)
{
	struct kube_source *source;
	int err = check_options(options, sink);

	if (err)
		return err;
	source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	source->follows.base = base;
	source->follows.timing = options->timing ? *options->timing : kube_timing_default;
	source->follows.sink = sink;
	source->follows.kubeconfig_is_list = options->kubeconfig_is_list;
	source->follows.commit = commit;
	err = copy(options->kubeconfig, &source->follows.kubeconfig);
	if (!err)
		err = copy(options->context, &source->follows.context);
	if (!err)
		err = try_configuration(source, true);
	if (!err)
		err = kube_http_new(base, &source->follows.http);
	if (!err)
		kube_http_own_sockets(source->follows.http, options->own, options->own_arg);
	if (!err)
		err = start_pulse(source);
	if (!err)
		err = follow_all(&source->follows, options);
	if (err)
		kube_source_stop(source);
	else
		*ret = source;
	return err;
}

void kube_source_stop(struct kube_source *source)
{
	if (!source)
		return;
	while (source->follows.first)
		kube_follow_stop(source->follows.first);
	kube_slices_free(source->follows.slices);
	kube_pods_free(source->follows.pods);
	kube_pulse_stop(source->pulse);
	kube_http_free(source->follows.http);
	free(source->follows.kubeconfig);
	free(source->follows.context);
	free(source->follows.zone);
	free(source);
}

bool kube_source_is_synced(const struct kube_source *source)
{
	return source->follows.synced;
}

void kube_source_visit_problems(const struct kube_source *source, kube_visit_problem visit,
				void *arg)
{
	for (const struct kube_follow *follow = source->follows.first; follow;
	     follow = follow->next)
		if (follow->problem)
			visit(follow->subject, follow->problem, arg);
}
