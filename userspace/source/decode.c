// SPDX-License-Identifier: Apache-2.0
/*
 * What a JSON value is and what it is called. The two kinds that matter are decoded in
 * decode_service.c and decode_slice.c.
 */
#include "source/decode.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "source/fields.h"

static const struct {
	const char *api_version;
	const char *kind;
	enum object_kind is;
	enum object_kind item; /* of a list: what its items are */
} kinds[] = {
	{"v1", "Service", OBJECT_SERVICE, OBJECT_OTHER},
	{"discovery.k8s.io/v1", "EndpointSlice", OBJECT_SLICE, OBJECT_OTHER},
	{"discovery.k8s.io/v1beta1", "EndpointSlice", OBJECT_SLICE, OBJECT_OTHER},
	{"v1", "Endpoints", OBJECT_ENDPOINTS, OBJECT_OTHER},
	{"v1", "Pod", OBJECT_POD, OBJECT_OTHER},
	{"v1", "List", OBJECT_LIST, OBJECT_OTHER},
	{"v1", "ServiceList", OBJECT_LIST, OBJECT_SERVICE},
	{"v1", "EndpointsList", OBJECT_LIST, OBJECT_ENDPOINTS},
	{"v1", "PodList", OBJECT_LIST, OBJECT_POD},
	{"discovery.k8s.io/v1", "EndpointSliceList", OBJECT_LIST, OBJECT_SLICE},
	{"discovery.k8s.io/v1beta1", "EndpointSliceList", OBJECT_LIST, OBJECT_SLICE},
};

static const char *text_of(const json_t *value, const char *key)
{
	const char *text = json_string_value(json_object_get(value, key));

	return text ? text : "";
}

static size_t find_kind(const json_t *value)
{
	const char *api_version = text_of(value, "apiVersion"), *kind = text_of(value, "kind");
	size_t i, count = sizeof(kinds) / sizeof(*kinds);

	for (i = 0; i < count; i++) {
		if (!strcmp(api_version, kinds[i].api_version) && !strcmp(kind, kinds[i].kind))
			break;
	}
	return i;
}

/* Names that are nobody else's, and what the API server says in the place of objects. A Service of
 * another group ("serving.knative.dev/v1") has nothing to do with ours. */
static bool is_unreadable(const json_t *value)
{
	static const char *const ours[] = {"EndpointSlice", "EndpointSliceList",
					   "Endpoints",     "EndpointsList",
					   "Service",       "ServiceList",
					   "List",          "Table",
					   "Status"};
	const char *kind = text_of(value, "kind");
	bool has_group = strchr(text_of(value, "apiVersion"), '.');
	size_t i;

	if (!strncmp(kind, "EndpointSlice", strlen("EndpointSlice")) && has_group)
		return !strncmp(text_of(value, "apiVersion"), "discovery.", strlen("discovery."));
	for (i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
		if (!strcasecmp(kind, ours[i]))
			return !has_group || !strcmp(kind, "Table");
	}
	return false;
}

enum object_kind decode_kind(const json_t *value)
{
	size_t i = find_kind(value);

	if (i < sizeof(kinds) / sizeof(*kinds))
		return kinds[i].is;
	return is_unreadable(value) ? OBJECT_UNREADABLE : OBJECT_OTHER;
}

enum object_kind decode_item_kind(const json_t *list, const json_t *item)
{
	size_t i;

	if (json_object_get(item, "apiVersion") || json_object_get(item, "kind"))
		return decode_kind(item);
	i = find_kind(list);
	return i < sizeof(kinds) / sizeof(*kinds) ? kinds[i].item : OBJECT_OTHER;
}

int decode_name(const json_t *value, const char **namespace, const char **name)
{
	const json_t *metadata = json_object_get(value, "metadata");
	const char *text = text_of(metadata, "name"), *space = text_of(metadata, "namespace");

	if (!*space)
		space = "default";
	if (!name_subdomain.is_valid(text, strlen(text)) ||
	    !name_label.is_valid(space, strlen(space)))
		return -EINVAL;
	*namespace = space;
	*name = text;
	return 0;
}
