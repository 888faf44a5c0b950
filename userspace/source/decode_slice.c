// SPDX-License-Identifier: Apache-2.0
/*
 * discovery.k8s.io/v1 and v1beta1 EndpointSlice, by the rules of kube-proxy (kubernetes/pkg/proxy/
 * endpointslicecache.go): what it ignores is ignored, what cannot be is refused by name.
 */
#include "source/decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/parse.h"
#include "source/fields.h"

#define HINTS_MAX 32

static const char service_label[] = "kubernetes.io/service-name";
static const char headless_label[] = "service.kubernetes.io/headless";
static const char trigger_annotation[] = "endpoints.kubernetes.io/last-change-trigger-time";
static const char *const address_types[] = {"IPv4", "IPv6", "FQDN", NULL};
static const char *const protocols[] = {"TCP", "UDP", "SCTP", NULL};

/* 0, -EINVAL, or -ENOENT for an endpoint without an address, which kube-proxy skips. */
static int decode_address(struct report *report, const json_t *value, const struct slice *slice,
			  struct gw_addr *ret)
{
	const char *text, *why = NULL;
	const json_t *addresses;
	char quoted[QUOTE_MAX];
	int err;

	err = field_array(report, value, "addresses", &addresses);
	if (err)
		return err;
	if (!json_array_size(addresses))
		return -ENOENT;
	text = json_string_value(json_array_get(addresses, 0));
	if (!text) {
		report_say(report, "addresses[0] must be text: put the address in quotes");
		return -EINVAL;
	}
	if (addr_parse_sloppy(text, ret))
		why = "no IP address";
	else if (addr_is_ipv4(ret) != (slice->family == FAMILY_IPV4))
		why = slice->family == FAMILY_IPV4 ? "no IPv4 address" : "no IPv6 address";
	else
		why = addr_refusal(ret);
	if (!why)
		return 0;
	report_say(report, " '%s' is %s: give the address of a pod, or leave it out",
		   quote(quoted, text), why);
	return -EINVAL;
}

static int decode_conditions(struct report *report, const json_t *value, struct endpoint *ret)
{
	const json_t *conditions;
	int err;

	err = field_object(report, value, "conditions", &conditions);
	if (!err)
		err = field_bool(report, conditions, "conditions.ready", true, &ret->ready);
	if (!err)
		err = field_bool(report, conditions, "conditions.serving", true, &ret->serving);
	if (!err)
		err = field_bool(report, conditions, "conditions.terminating", false,
				 &ret->terminating);
	return err;
}

/* What only informs must not cost an endpoint: one that cannot be read is told, and is "". */
static const char *informing_name(struct report *report, const json_t *parent, const char *path,
				  const struct name_rule *rule)
{
	const char *text;

	return field_name(report, parent, path, rule, &text) ? "" : text;
}

static const char *read_pod(struct report *report, const json_t *value)
{
	const json_t *target;
	const char *kind;

	if (field_object(report, value, "targetRef", &target) ||
	    field_text(report, target, "targetRef.kind", &kind) || strcmp(kind, "Pod"))
		return "";
	return informing_name(report, target, "targetRef.name", &name_subdomain);
}

/* In discovery.k8s.io/v1beta1 a map of labels has what became fields of v1. */
static const char *read_place(struct report *report, const json_t *value, const char *field,
			      const char *label, const struct name_rule *rule)
{
	const char *name = informing_name(report, value, field, rule);
	const char *text =
		json_string_value(json_object_get(json_object_get(value, "topology"), label));

	return *name || !text || !rule->is_valid(text, strlen(text)) ? name : text;
}

/* The names of forZones or forNodes, each followed by '\n'. -EINVAL, -ENOMEM */
static int decode_hints(struct report *report, const json_t *hints, const char *path,
			const struct name_rule *rule, char **ret)
{
	const json_t *array, *hint;
	char text[HINTS_MAX * (GW_LONG_NAME_MAX + 1)];
	const char *name;
	size_t i, used = 0;
	int err;

	err = field_array(report, hints, path, &array);
	if (err)
		return err;
	if (json_array_size(array) > HINTS_MAX) {
		report_say(report, "hints: %zu are more than the %d that are read",
			   json_array_size(array), HINTS_MAX);
		return -EINVAL;
	}
	*text = '\0'; /* and no more: this is done for each endpoint */
	for (i = 0; i < json_array_size(array); i++) {
		err = field_element(report, array, i, "hints", &hint);
		if (!err)
			err = field_name(report, hint, "hints.name", rule, &name);
		if (err)
			return err;
		if (*name)
			used += (size_t)sprintf(text + used, "%s\n", name);
	}
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

/* Hints that cannot be read are none: then kube-proxy uses the endpoints of all zones. -ENOMEM */
static int read_hints(struct report *report, const json_t *value, struct endpoint *ret)
{
	const json_t *hints;
	int err;

	err = field_object(report, value, "hints", &hints);
	if (!err)
		err = decode_hints(report, hints, "hints.forZones", &name_zone, &ret->zone_hints);
	if (!err)
		err = decode_hints(report, hints, "hints.forNodes", &name_subdomain,
				   &ret->node_hints);
	if (err != -EINVAL)
		return err;
	free(ret->zone_hints);
	free(ret->node_hints);
	ret->zone_hints = strdup("");
	ret->node_hints = strdup("");
	return ret->zone_hints && ret->node_hints ? 0 : -ENOMEM;
}

static void clear_endpoint(struct endpoint *endpoint)
{
	free(endpoint->node);
	free(endpoint->zone);
	free(endpoint->pod);
	free(endpoint->zone_hints);
	free(endpoint->node_hints);
	memset(endpoint, 0, sizeof(*endpoint));
}

/* 0, -ENOENT for one that is skipped, -EINVAL for one that is refused, -ENOMEM */
static int decode_endpoint(struct report *report, const json_t *value, const struct slice *slice,
			   struct endpoint *ret)
{
	int err;

	err = decode_address(report, value, slice, &ret->address);
	if (!err)
		err = decode_conditions(report, value, ret);
	if (!err)
		err = read_hints(report, value, ret);
	if (err)
		goto fail;
	ret->node = strdup(
		read_place(report, value, "nodeName", "kubernetes.io/hostname", &name_subdomain));
	ret->zone = strdup(
		read_place(report, value, "zone", "topology.kubernetes.io/zone", &name_zone));
	ret->pod = strdup(read_pod(report, value));
	if (ret->node && ret->zone && ret->pod)
		return 0;
	err = -ENOMEM;
fail:
	clear_endpoint(ret);
	return err;
}

static int add_endpoint(struct report *report, const json_t *value, void *arg)
{
	struct slice *slice = arg;
	int err = decode_endpoint(report, value, slice, &slice->endpoints[slice->endpoint_count]);

	slice->endpoint_count += !err;
	return err;
}

static int decode_members(struct report *report, const json_t *value, struct slice *slice)
{
	const json_t *array;
	size_t count;
	int err;

	err = field_array(report, value, "endpoints", &array);
	if (err)
		return err;
	count = json_array_size(array);
	if (count > DECODE_ENDPOINTS_MAX) {
		report_say(report,
			   "%zu endpoints are more than the %d that a slice may have: split it",
			   count, DECODE_ENDPOINTS_MAX);
		return -EINVAL;
	}
	slice->endpoints = calloc(count + 1, sizeof(*slice->endpoints));
	if (!slice->endpoints)
		return -ENOMEM;
	return field_each(report, array, "endpoints", add_endpoint, slice);
}

static bool has_port(const struct slice *slice, const char *name)
{
	size_t i;

	for (i = 0; i < slice->port_count; i++) {
		if (!strcmp(slice->ports[i].name, name))
			return true;
	}
	return false;
}

/* 0, -ENOENT for one that is skipped, -EINVAL for one that is refused, -ENOMEM. A name that is not
 * there is "", as the API server makes it (pkg/apis/discovery/v1/defaults.go). */
static int decode_port(struct report *report, const json_t *value, const struct slice *slice,
		       struct slice_port *ret)
{
	const char *name;
	size_t protocol;
	int err;

	err = field_word(report, value, "protocol", protocols, &protocol);
	if (!err)
		err = field_port(report, value, "port", &ret->port);
	if (!err)
		err = field_name(report, value, "name", &name_label, &name);
	if (err)
		return err;
	if (protocol || !ret->port)
		return -ENOENT;
	if (has_port(slice, name)) {
		report_say(report, "name '%s' is there twice: give each port its own", name);
		return -EINVAL;
	}
	ret->name = strdup(name);
	return ret->name ? 0 : -ENOMEM;
}

static int add_port(struct report *report, const json_t *value, void *arg)
{
	struct slice *slice = arg;
	int err = decode_port(report, value, slice, &slice->ports[slice->port_count]);

	slice->port_count += !err;
	return err;
}

static int decode_ports(struct report *report, const json_t *value, struct slice *slice)
{
	const json_t *array;
	size_t count;
	int err;

	err = field_array(report, value, "ports", &array);
	if (err)
		return err;
	count = json_array_size(array);
	if (count > DECODE_PORTS_MAX) {
		report_say(report, "%zu ports are more than the %d that are read: split it", count,
			   DECODE_PORTS_MAX);
		return -EINVAL;
	}
	slice->ports = calloc(count + 1, sizeof(*slice->ports));
	if (!slice->ports)
		return -ENOMEM;
	return field_each(report, array, "ports", add_port, slice);
}

static int decode_content(struct report *report, const json_t *value, struct slice *slice)
{
	size_t type;
	int err;

	err = field_word(report, value, "addressType", address_types, &type);
	if (err)
		return err;
	if (!json_string_length(json_object_get(value, "addressType"))) {
		report_say(report, "addressType is missing: set it to IPv4 or IPv6");
		return -EINVAL;
	}
	slice->family = type == 1 ? FAMILY_IPV6 : FAMILY_IPV4;
	if (type > 1)
		return 0;
	err = decode_ports(report, value, slice);
	return err ? err : decode_members(report, value, slice);
}

static int decode_names(struct report *report, const json_t *value, struct slice *slice)
{
	struct metadata metadata;
	char quoted[QUOTE_MAX];
	const char *service;
	int err;

	err = metadata_read(report, value, "EndpointSlice", &name_subdomain, &metadata);
	if (!err)
		err = field_label(report, &metadata, service_label, &service);
	if (err)
		return err;
	if (!*service || json_object_get(metadata.labels, headless_label))
		return -ENOENT;
	if (!name_label.is_valid(service, strlen(service))) {
		report_say(report, "label '%s' is '%s', which no Service can be called",
			   service_label, quote(quoted, service));
		return -EINVAL;
	}
	slice->namespace = strdup(metadata.namespace);
	slice->name = strdup(metadata.name);
	slice->service = strdup(service);
	return slice->namespace && slice->name && slice->service ? 0 : -ENOMEM;
}

/* For a measure only: what makes no sense there is not known. */
static double read_changed_time(const json_t *value)
{
	const json_t *annotations =
		json_object_get(json_object_get(value, "metadata"), "annotations");
	const char *text = json_string_value(json_object_get(annotations, trigger_annotation));
	double time;

	return text && !parse_instant(text, &time) ? time : 0;
}

int decode_slice(const json_t *value, decode_refuse refuse, void *arg, struct slice **ret)
{
	struct report report;
	struct slice *slice;
	int err;

	slice = calloc(1, sizeof(*slice));
	if (!slice)
		return -ENOMEM;
	report_init(&report, refuse, arg);
	err = decode_names(&report, value, slice);
	if (!err)
		err = decode_content(&report, value, slice);
	report_done(&report);
	slice->changed_time = read_changed_time(value);
	if (err)
		slice_free(slice);
	else
		*ret = slice;
	return err;
}
