// SPDX-License-Identifier: Apache-2.0
/*
 * v1 Endpoints, by the rules of Kubernetes' mirroring controller (kubernetes/pkg/controller/
 * endpointslicemirroring): each subset becomes a slice of each family. It is put into the form of an
 * EndpointSlice and decoded as one, so that one place says what an endpoint may be.
 */
#include "source/decode.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/fields.h"

static const char skip_label[] = "endpointslice.kubernetes.io/skip-mirror";
static const char leader_annotation[] = "control-plane.alpha.kubernetes.io/leader";

/* What the slices of one object are made with. */
struct mirror {
	struct report report; /* has the object's name */
	struct metadata metadata;
	struct slice **slices;
	size_t count;
};

/* What a slice refuses is told of the object that it was made of. */
static void refuse_part(const char *object, const char *message, void *arg)
{
	const struct mirror *mirror = arg;

	(void)object;
	mirror->report.refuse(mirror->report.object, message, mirror->report.arg);
}

static bool is_ipv6(const json_t *address)
{
	const char *text = json_string_value(json_object_get(address, "ip"));

	return text && strchr(text, ':');
}

/* Add the addresses of a family to endpoints. */
static int add_addresses(json_t *endpoints, const json_t *addresses, bool ipv6, bool ready)
{
	static const char *const same[] = {"nodeName", "targetRef"};
	const json_t *address;
	json_t *endpoint, *value;
	size_t i, j;

	json_array_foreach((json_t *)addresses, i, address) {
		if (is_ipv6(address) != ipv6)
			continue;
		value = json_object_get(address, "ip");
		endpoint = json_pack("{s[O], s{sb}}", "addresses", value ? value : json_null(),
				     "conditions", "ready", ready);
		for (j = 0; j < sizeof(same) / sizeof(*same); j++) {
			value = json_object_get(address, same[j]);
			if (value)
				json_object_set(endpoint, same[j], value);
		}
		if (json_array_append_new(endpoints, endpoint))
			return -ENOMEM;
	}
	return 0;
}

static json_t *slice_value(const struct mirror *mirror, const json_t *ports, json_t *endpoints,
			   bool ipv6)
{
	return json_pack("{s{ss, ss, s{ss}}, ss, sO*, sO}", "metadata", "namespace",
			 mirror->metadata.namespace, "name", mirror->metadata.name, "labels",
			 "kubernetes.io/service-name", mirror->metadata.name, "addressType",
			 ipv6 ? "IPv6" : "IPv4", "ports", (json_t *)ports, "endpoints", endpoints);
}

/* The name of a real slice has no slash. */
static int rename_slice(struct slice *slice, size_t number)
{
	char *name;

	if (asprintf(&name, "%s/%zu", slice->name, number) < 0)
		return -ENOMEM;
	free(slice->name);
	slice->name = name;
	slice->mirrored = true;
	return 0;
}

static int keep_slice(struct mirror *mirror, struct slice *slice)
{
	struct slice **larger = reallocarray(mirror->slices, mirror->count + 1, sizeof(slice));
	int err;

	if (larger)
		mirror->slices = larger;
	err = larger ? rename_slice(slice, mirror->count) : -ENOMEM;
	if (err)
		slice_free(slice);
	else
		mirror->slices[mirror->count++] = slice;
	return err;
}

static int mirror_family(struct mirror *mirror, const json_t *subset, const json_t *ports,
			 bool ipv6)
{
	const json_t *ready, *others;
	json_t *endpoints, *value = NULL;
	struct slice *slice;
	int err;

	err = field_array(&mirror->report, subset, "addresses", &ready);
	if (!err)
		err = field_array(&mirror->report, subset, "notReadyAddresses", &others);
	if (err)
		return err;
	endpoints = json_array();
	err = add_addresses(endpoints, ready, ipv6, true);
	if (!err)
		err = add_addresses(endpoints, others, ipv6, false);
	if (!err && json_array_size(endpoints)) {
		value = slice_value(mirror, ports, endpoints, ipv6);
		err = value ? decode_slice(value, refuse_part, mirror, &slice) : -ENOMEM;
		if (!err)
			err = keep_slice(mirror, slice);
	}
	json_decref(value);
	json_decref(endpoints);
	return err;
}

static int mirror_subset(struct report *report, const json_t *subset, void *arg)
{
	struct mirror *mirror = arg;
	const json_t *ports;
	int err;

	err = field_array(report, subset, "ports", &ports);
	if (!err)
		err = mirror_family(mirror, subset, ports, false);
	if (!err)
		err = mirror_family(mirror, subset, ports, true);
	return err;
}

static int mirror_all(struct mirror *mirror, const json_t *value)
{
	struct report *report = &mirror->report;
	const json_t *subsets, *annotations;
	const char *skip = "";
	int err;

	err = metadata_read(report, value, "Endpoints", &name_label, &mirror->metadata);
	if (!err)
		err = field_label(report, &mirror->metadata, skip_label, &skip);
	if (!err)
		err = field_array(report, value, "subsets", &subsets);
	annotations = json_object_get(json_object_get(value, "metadata"), "annotations");
	if (err || !strcmp(skip, "true") || json_object_get(annotations, leader_annotation))
		return err;
	return field_each(report, subsets, "subsets", mirror_subset, mirror);
}

int decode_endpoints(const json_t *value, decode_refuse refuse, void *arg, struct slice ***ret,
		     size_t *count)
{
	struct mirror mirror = {0};
	size_t i;
	int err;

	report_init(&mirror.report, refuse, arg);
	err = mirror_all(&mirror, value);
	report_done(&mirror.report);
	if (!err) {
		*ret = mirror.slices;
		*count = mirror.count;
		return 0;
	}
	for (i = 0; i < mirror.count; i++)
		slice_free(mirror.slices[i]);
	free(mirror.slices);
	return err;
}
