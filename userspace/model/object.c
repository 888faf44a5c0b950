// SPDX-License-Identifier: Apache-2.0
/* Memory of the objects that a source decodes. Knows nothing of what they mean. */
#include "model/object.h"

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

static void swap_weights(struct weights **a, struct weights **b)
{
	struct weights *kept = *a;

	*a = *b;
	*b = kept;
}

void service_swap_settings(struct service *a, struct service *b)
{
	struct selector *except = a->except;
	struct settings kept = a->settings;
	uint32_t annotated = a->annotated;

	a->settings = b->settings;
	b->settings = kept;
	a->annotated = b->annotated;
	b->annotated = annotated;
	swap_weights(&a->weights, &b->weights);
	swap_weights(&a->drain, &b->drain);
	a->except = b->except;
	b->except = except;
}
