// SPDX-License-Identifier: Apache-2.0
/* From the agent's options to the watches that they ask for. */
#include "source/kube.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/kube_follow.h"
#include "source/kube_http.h"
#include "source/kube_pulse.h"

#define LABEL_ENABLED "gwbpf.io/enabled=true"
#define LABEL_SERVICE_NAME "kubernetes.io/service-name="
#define ORIGIN "configuration"
#define NAME_BYTES_MAX 253
#define NAMED_SERVICES_MAX 64 /* each costs two watches */

struct kube_source {
	struct event_base *base;
	struct kube_http *http;
	struct kube_pulse *pulse;
	struct kube_timing timing;
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

static struct kube_follow *follow_new(struct kube_source *source,
				      const struct kube_resource *resource)
{
	struct kube_follow *follow = calloc(1, sizeof(*follow));

	if (follow) {
		follow->all = &source->follows;
		follow->selection.resource = resource;
	}
	return follow;
}

/* Set a text of follow; that there is no memory for one shows when it begins. */
static __attribute__((format(printf, 3, 4))) void set(struct kube_follow *follow, char **ret,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vasprintf(ret, format, args) < 0) {
		*ret = NULL;
		follow->incomplete = true;
	}
	va_end(args);
}

/* Follow what is all set up. It is the source's from then on; freed if that fails. */
static int begin(struct kube_source *source, struct kube_follow *follow,
		 const struct kube_watch_ops *ops, const char *instead)
{
	struct kube_follow **last = &source->follows.first;
	struct kube_watch_setup setup = {
		.base = source->base,
		.http = source->http,
		.selection = follow->selection,
		.subject = follow->subject,
		.instead = instead,
		.timing = &source->timing,
		.ops = ops,
		.arg = follow,
	};
	int err = -ENOMEM;

	setup.selection.namespace = follow->namespace;
	setup.selection.name = follow->name;
	setup.selection.labels = follow->labels;
	if (!follow->incomplete)
		err = kube_watch_start(&setup, &follow->watch);
	if (err) {
		kube_follow_free(follow);
		return err;
	}
	while (*last)
		last = &(*last)->next;
	*last = follow;
	return 0;
}

static int follow_labelled(struct kube_source *source, const struct kube_resource *resource,
			   const struct kube_watch_ops *ops, const char *namespace)
{
	struct kube_follow *follow = follow_new(source, resource);

	if (!follow)
		return -ENOMEM;
	set(follow, &follow->labels, "%s", LABEL_ENABLED);
	if (namespace) {
		set(follow, &follow->namespace, "%s", namespace);
		set(follow, &follow->subject, "%s in namespace '%s'", resource->plural, namespace);
	} else {
		set(follow, &follow->subject, "%s", resource->plural);
	}
	return begin(source, follow, ops, "");
}

/* service: "NAMESPACE/NAME" */
static struct kube_follow *new_named(struct kube_source *source,
				     const struct kube_resource *resource, const char *service)
{
	struct kube_follow *follow = follow_new(source, resource);

	if (!follow)
		return NULL;
	set(follow, &follow->namespace, "%.*s", (int)strcspn(service, "/"), service);
	set(follow, &follow->service, "%s", strchr(service, '/') + 1);
	return follow;
}

static int follow_named(struct kube_source *source, const char *service)
{
	struct kube_follow *follow = new_named(source, &kube_services, service);
	int err;

	if (!follow)
		return -ENOMEM;
	set(follow, &follow->name, "%s", strchr(service, '/') + 1);
	set(follow, &follow->subject, "service '%s'", service);
	err = begin(source, follow, &kube_follow_service_ops, "");
	if (err)
		return err;
	follow = new_named(source, &kube_slices, service);
	if (!follow)
		return -ENOMEM;
	set(follow, &follow->labels, "%s%s", LABEL_SERVICE_NAME, strchr(service, '/') + 1);
	set(follow, &follow->subject, "endpointslices of service '%s'", service);
	return begin(source, follow, &kube_follow_slice_ops, "");
}

static int follow_node(struct kube_source *source, const char *name)
{
	struct kube_follow *follow = follow_new(source, &kube_nodes);

	if (!follow)
		return -ENOMEM;
	follow->selection.get = true;
	set(follow, &follow->name, "%s", name);
	set(follow, &follow->subject, "node '%s'", name);
	return begin(source, follow, &kube_follow_node_ops, ", or give --zone");
}

static int follow_all(struct kube_source *source, const struct kube_options *options)
{
	int err = follow_labelled(source, &kube_services, &kube_follow_service_ops,
				  options->namespace);

	if (!err)
		err = follow_labelled(source, &kube_slices, &kube_follow_slice_ops,
				      options->namespace);
	for (size_t i = 0; i < options->service_count && !err; i++)
		err = follow_named(source, options->services[i]);
	if (!err && !options->zone)
		err = follow_node(source, options->node);
	return err;
}

static int copy(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

/* What cannot be loaded now will not be for the watches either: say so at once. */
static int try_configuration(const struct kube_source *source)
{
	char message[KUBE_MESSAGE_MAX];
	struct kube_config config;
	int err = kube_follows_configure(&source->follows, message, &config);

	if (err)
		return refuse(source->follows.sink, err, message);
	if (config.warning)
		source->follows.sink->refuse(ORIGIN, "", config.warning,
					     source->follows.sink->arg);
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

	kube_http_distrust(source->http);
	for (struct kube_follow *follow = source->follows.first; follow; follow = follow->next)
		kube_watch_give_up(follow->watch);
}

static int start_pulse(struct kube_source *source)
{
	const struct kube_pulse_setup setup = {
		.base = source->base,
		.http = source->http,
		.timing = &source->timing,
		.configure = configure_question,
		.silent = on_silence,
		.arg = source,
	};

	return kube_pulse_start(&setup, &source->pulse);
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
	source->base = base;
	source->timing = options->timing ? *options->timing : kube_timing_default;
	source->follows.sink = sink;
	err = copy(options->kubeconfig, &source->follows.kubeconfig);
	if (!err)
		err = copy(options->context, &source->follows.context);
	if (!err)
		err = try_configuration(source);
	if (!err)
		err = kube_http_new(base, &source->http);
	if (!err)
		err = start_pulse(source);
	if (!err)
		err = follow_all(source, options);
	if (err)
		kube_source_stop(source);
	else
		*ret = source;
	return err;
}

void kube_source_stop(struct kube_source *source)
{
	struct kube_follow *follow, *next;

	if (!source)
		return;
	for (follow = source->follows.first; follow; follow = next) {
		next = follow->next;
		kube_follow_free(follow);
	}
	kube_pulse_stop(source->pulse);
	kube_http_free(source->http);
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
