// SPDX-License-Identifier: Apache-2.0
/* Memory of the objects that a source decodes, and whether two say the same. Knows nothing of what
 * they mean. */
#include "model/object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int service_compare_ages(const struct service *a, const struct service *b)
{
	if (!a->created_time || !b->created_time)
		return !a->created_time - !b->created_time;
	return (a->created_time > b->created_time) - (a->created_time < b->created_time);
}

void service_free(struct service *service)
{
	if (!service)
		return;
	for (size_t i = 0; i < service->port_count; i++)
		free(service->ports[i].name);
	free(service->ports);
	free(service->weights);
	free(service->drain);
	free(service->except);
	free(service->invalid);
	free(service->name);
	free(service->namespace);
	free(service);
}

typedef void (*string_action)(char **string, void *arg);

/* Every string of a slice, so that what is done with them cannot forget one. */
static void for_each_string(struct slice *slice, string_action act, void *arg)
{
	act(&slice->namespace, arg);
	act(&slice->name, arg);
	act(&slice->service, arg);
	for (size_t i = 0; i < slice->port_count; i++)
		act(&slice->ports[i].name, arg);
	for (size_t i = 0; i < slice->endpoint_count; i++) {
		act(&slice->endpoints[i].node, arg);
		act(&slice->endpoints[i].zone, arg);
		act(&slice->endpoints[i].pod, arg);
		act(&slice->endpoints[i].zone_hints, arg);
		act(&slice->endpoints[i].node_hints, arg);
	}
}

static void free_string(char **string, void *arg)
{
	(void)arg;
	free(*string);
}

static void add_size(char **string, void *arg)
{
	size_t *sum = arg;

	*sum += strlen(*string) + 1;
}

static void move_string(char **string, void *arg)
{
	char **end = arg;
	char *old = *string;

	*string = *end;
	*end = stpcpy(*end, old) + 1;
	free(old);
}

void slice_pack(struct slice *slice)
{
	size_t size = 0;
	char *end;

	if (slice->text)
		return;
	for_each_string(slice, add_size, &size);
	slice->text = malloc(size);
	if (!slice->text)
		return;
	end = slice->text;
	for_each_string(slice, move_string, &end);
}

void slice_free(struct slice *slice)
{
	if (!slice)
		return;
	if (!slice->text)
		for_each_string(slice, free_string, NULL);
	free(slice->text);
	free(slice->endpoints);
	free(slice->ports);
	free(slice);
}

void pod_free(struct pod *pod)
{
	if (!pod)
		return;
	free(pod->namespace);
	free(pod->name);
	free(pod->uid);
	free(pod->node);
	free(pod->labels);
	free(pod);
}

uint32_t service_affinity_s(const struct service *service)
{
	return service->client_ip_affinity ? service->affinity_timeout_s : 0;
}

uint16_t service_weight_of(const struct service *service, const char *pod)
{
	const struct weight *weight = weights_find(service->drain, pod);

	if (!weight)
		weight = weights_find(service->weights, pod);
	return weight ? weight->value : 1;
}

bool service_names_drain(const struct service *service, const char *pod)
{
	return weights_find(service->drain, pod);
}

int service_copy_settings(struct service *service, const struct service *from)
{
	struct weights *weights = NULL, *drain = NULL;
	char reason[SELECTOR_REASON_MAX];
	struct selector *except;

	if (weights_copy(from->weights, &weights) || weights_copy(from->drain, &drain) ||
	    selector_parse(selector_text(from->except), &except, reason)) {
		free(weights);
		free(drain);
		return -ENOMEM;
	}
	free(service->weights);
	free(service->drain);
	free(service->except);
	service->settings = from->settings;
	service->annotated = from->annotated;
	service->weights = weights;
	service->drain = drain;
	service->except = except;
	return 0;
}

#if __SIZEOF_POINTER__ == 8
#define MUST_BE_COMPARED "a new member must be compared"
_Static_assert(sizeof(struct settings) == 436, MUST_BE_COMPARED); /* settings_equal() */
_Static_assert(sizeof(struct service_port) == 16, MUST_BE_COMPARED);
_Static_assert(sizeof(struct service) == 576, MUST_BE_COMPARED);
_Static_assert(sizeof(struct slice_port) == 16, MUST_BE_COMPARED);
_Static_assert(sizeof(struct endpoint) == 64, MUST_BE_COMPARED);
_Static_assert(sizeof(struct slice) == 88, MUST_BE_COMPARED);
_Static_assert(sizeof(struct pod) == 48, MUST_BE_COMPARED);
#endif

static bool same_ports(const struct service *a, const struct service *b)
{
	if (a->port_count != b->port_count)
		return false;
	for (size_t i = 0; i < a->port_count; i++)
		if (a->ports[i].port != b->ports[i].port ||
		    strcmp(a->ports[i].name, b->ports[i].name))
			return false;
	return true;
}

static bool same_settings(const struct service *a, const struct service *b)
{
	return a->settings_good == b->settings_good && settings_equal(&a->settings, &b->settings) &&
	       a->annotated == b->annotated && weights_equal(a->weights, b->weights) &&
	       weights_equal(a->drain, b->drain) &&
	       !strcmp(selector_text(a->except), selector_text(b->except));
}

bool service_says_same(const struct service *a, const struct service *held)
{
	bool keeps = *a->invalid && held->settings_good;

	return !strcmp(a->namespace, held->namespace) && !strcmp(a->name, held->name) &&
	       a->enabled == held->enabled && a->headless == held->headless &&
	       a->external_name == held->external_name && a->other_proxy == held->other_proxy &&
	       a->local_only == held->local_only &&
	       a->client_ip_affinity == held->client_ip_affinity &&
	       a->affinity_timeout_s == held->affinity_timeout_s &&
	       a->vip_count == held->vip_count &&
	       !memcmp(a->vips, held->vips, a->vip_count * sizeof(a->vips[0])) &&
	       same_ports(a, held) && (keeps || same_settings(a, held)) &&
	       !strcmp(a->invalid, held->invalid) && a->created_time == held->created_time;
}

static bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
	return !memcmp(&a->address, &b->address, sizeof(a->address)) && a->ready == b->ready &&
	       a->serving == b->serving && a->terminating == b->terminating &&
	       !strcmp(a->node, b->node) && !strcmp(a->zone, b->zone) && !strcmp(a->pod, b->pod) &&
	       !strcmp(a->zone_hints, b->zone_hints) && !strcmp(a->node_hints, b->node_hints);
}

bool slice_says_same(const struct slice *a, const struct slice *held)
{
	if (strcmp(a->namespace, held->namespace) || strcmp(a->name, held->name) ||
	    strcmp(a->service, held->service) || a->family != held->family ||
	    a->mirrored != held->mirrored || a->port_count != held->port_count ||
	    a->endpoint_count != held->endpoint_count)
		return false;
	for (size_t i = 0; i < a->port_count; i++)
		if (a->ports[i].port != held->ports[i].port ||
		    strcmp(a->ports[i].name, held->ports[i].name))
			return false;
	for (size_t i = 0; i < a->endpoint_count; i++)
		if (!same_endpoint(&a->endpoints[i], &held->endpoints[i]))
			return false;
	return true;
}

static bool same_labels(const struct labels *a, const struct labels *b)
{
	size_t count = a ? a->count : 0;

	if (count != (b ? b->count : 0))
		return false;
	for (size_t i = 0; i < count; i++)
		if (strcmp(a->items[i].key, b->items[i].key) ||
		    strcmp(a->items[i].value, b->items[i].value))
			return false;
	return true;
}

bool pod_says_same(const struct pod *a, const struct pod *held)
{
	return !strcmp(a->namespace, held->namespace) && !strcmp(a->name, held->name) &&
	       !strcmp(a->uid, held->uid) && a->is_mirror == held->is_mirror &&
	       !strcmp(a->node, held->node) && same_labels(a->labels, held->labels);
}
