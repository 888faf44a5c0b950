// SPDX-License-Identifier: Apache-2.0
/*
 * v1 Service, by the rules of kube-proxy (kubernetes/pkg/proxy/serviceport.go), and what its label
 * and annotations ask of us. What is not understood is refused: kube-proxy then serves it.
 */
#include "source/decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/parse.h"
#include "model/annotations.h"
#include "source/fields.h"

#define OUR_PREFIX "gwbpf.io/"
#define ENABLED_LABEL OUR_PREFIX "enabled"
#define AFFINITY_TIMEOUT_S 10800
#define AFFINITY_TIMEOUT_MAX_S 86400 /* the API server's limit */

enum { TYPE_EXTERNAL_NAME = 3 };

static const char *const types[] = {"ClusterIP", "NodePort", "LoadBalancer", "ExternalName", NULL};
static const char *const protocols[] = {"TCP", "UDP", "SCTP", NULL};
static const char *const traffic_policies[] = {"Cluster", "Local", NULL};
static const char *const affinities[] = {"None", "ClientIP", NULL};

static bool is_ours(const char *key)
{
	return !strncmp(key, OUR_PREFIX, strlen(OUR_PREFIX));
}

static int decode_labels(struct report *report, const struct metadata *metadata,
			 struct service *service)
{
	const json_t *labels = metadata->labels;
	char quoted[QUOTE_MAX];
	const char *text, *key;
	json_t *value;
	int err;

	err = field_label(report, metadata, ENABLED_LABEL, &text);
	if (err)
		return err;
	if (*text && !parse_bool(text, &service->enabled))
		report_say(report, "label '%s' is '%s': only \"true\" enables a Service",
			   ENABLED_LABEL, quote(quoted, text));
	service->other_proxy = json_object_get(labels, "service.kubernetes.io/service-proxy-name");
	service->headless = json_object_get(labels, "service.kubernetes.io/headless");
	json_object_foreach((json_t *)labels, key, value) {
		if (is_ours(key) && strcmp(key, ENABLED_LABEL))
			report_say(report, "label '%s' is not known: settings are annotations",
				   quote(quoted, key));
	}
	return 0;
}

/* A bad value makes the Service invalid. Of several reasons it has the first by key, whatever the
 * order in which they stand. */
static int note_invalid(struct service *service, const char *message)
{
	char *copy;

	service->settings_good = false;
	if (service->invalid && strcmp(message, service->invalid) >= 0)
		return 0;
	copy = strdup(message);
	if (!copy)
		return -ENOMEM;
	free(service->invalid);
	service->invalid = copy;
	return 0;
}

/* An unknown key is only told. */
static int decode_annotation(struct report *report, const char *key, const json_t *value,
			     struct service *service)
{
	char message[DECODE_MESSAGE_MAX], quoted[QUOTE_MAX];
	int err;

	if (json_is_string(value)) {
		err = annotations_set(service, key, json_string_value(value), message,
				      sizeof(message));
	} else {
		err = -EINVAL;
		snprintf(message, sizeof(message),
			 "cannot use annotation '%s': it must be text: put it in quotes",
			 quote(quoted, key));
	}
	if (!err || err == -ENOMEM)
		return err;
	report_say(report, "%s", message);
	return err == -ENOENT ? 0 : note_invalid(service, message);
}

static int decode_annotations(struct report *report, const json_t *object, struct service *service)
{
	const json_t *annotations;
	const char *key;
	json_t *value;
	int err;

	err = field_object(report, json_object_get(object, "metadata"), "metadata.annotations",
			   &annotations);
	if (err)
		return err;
	settings_init(&service->settings);
	service->settings_good = true;
	json_object_foreach((json_t *)annotations, key, value) {
		if (!is_ours(key))
			continue;
		err = decode_annotation(report, key, value, service);
		if (err)
			return err;
	}
	if (!service->invalid)
		service->invalid = strdup("");
	return service->invalid ? 0 : -ENOMEM;
}

/* family: what ipFamilies says, or NULL. One address that is refused leaves the other. */
static void decode_vip(struct report *report, const char *text, const char *family,
		       struct service *service)
{
	struct gw_addr vip;
	char quoted[QUOTE_MAX];
	const char *why = NULL;

	if (addr_parse_sloppy(text, &vip))
		why = "no IP address";
	else if (family && strcmp(family, addr_is_ipv4(&vip) ? "IPv4" : "IPv6"))
		why = "not of the family that spec.ipFamilies names";
	else if (service->vip_count == SERVICE_VIPS_MAX ||
		 (service->vip_count && addr_is_ipv4(&vip) == addr_is_ipv4(&service->vips[0])))
		why = "one more than the one that each family may have";
	else
		why = addr_refusal(&vip);
	if (why)
		report_say(report, "cluster IP '%s' is %s", quote(quoted, text), why);
	else
		service->vips[service->vip_count++] = vip;
}

static int decode_cluster_ips(struct report *report, const json_t *spec, struct service *service)
{
	const json_t *ips, *families;
	const char *first, *text;
	size_t i, count;
	int err;

	err = field_text(report, spec, "spec.clusterIP", &first);
	if (!err)
		err = field_array(report, spec, "spec.clusterIPs", &ips);
	if (!err)
		err = field_array(report, spec, "spec.ipFamilies", &families);
	if (err)
		return err;
	count = json_array_size(ips);
	if (count)
		first = json_string_value(json_array_get(ips, 0));
	if (first && (!*first || !strcmp(first, "None"))) {
		service->headless = true;
		return 0;
	}
	for (i = 0; i < (count ? count : 1); i++) {
		text = count ? json_string_value(json_array_get(ips, i)) : first;
		if (text)
			decode_vip(report, text, json_string_value(json_array_get(families, i)),
				   service);
		else
			report_say(report, "spec.clusterIPs[%zu] must be text", i);
	}
	return 0;
}

static bool has_port(const struct service *service, const char *name, uint16_t port)
{
	size_t i;

	for (i = 0; i < service->port_count; i++) {
		if (service->ports[i].port == port || !strcmp(service->ports[i].name, name))
			return true;
	}
	return false;
}

/* 0, -ENOENT for one that is not TCP, -EINVAL for one that is refused, -ENOMEM */
static int decode_port(struct report *report, const json_t *value, const struct service *service,
		       struct service_port *ret)
{
	size_t protocol;
	const char *name;
	int err;

	err = field_word(report, value, "protocol", protocols, &protocol);
	if (!err && protocol)
		return -ENOENT;
	if (!err)
		err = field_port(report, value, "port", &ret->port);
	if (!err)
		err = field_name(report, value, "name", &name_label, &name);
	if (err)
		return err;
	if (!ret->port) {
		report_say(report, "port is missing: give a number from 1 to 65535");
		return -EINVAL;
	}
	if (has_port(service, name, ret->port)) {
		report_say(report, " '%s' (%u) has the name or number of an earlier one", name,
			   ret->port);
		return -EINVAL;
	}
	ret->name = strdup(name);
	return ret->name ? 0 : -ENOMEM;
}

static int add_port(struct report *report, const json_t *value, void *arg)
{
	struct service *service = arg;
	int err = decode_port(report, value, service, &service->ports[service->port_count]);

	service->port_count += !err;
	return err;
}

static int decode_ports(struct report *report, const json_t *spec, struct service *service)
{
	const json_t *array;
	size_t count;
	int err;

	err = field_array(report, spec, "spec.ports", &array);
	if (err)
		return err;
	count = json_array_size(array);
	if (count > DECODE_PORTS_MAX) {
		report_say(report, "%zu ports are more than the %d that are read: split it", count,
			   DECODE_PORTS_MAX);
		return -EINVAL;
	}
	service->ports = calloc(count + 1, sizeof(*service->ports));
	if (!service->ports)
		return -ENOMEM;
	return field_each(report, array, "spec.ports", add_port, service);
}

static int decode_affinity(struct report *report, const json_t *spec, struct service *service)
{
	const json_t *config, *client_ip, *timeout;
	json_int_t seconds;
	size_t affinity;
	int err;

	service->affinity_timeout_s = AFFINITY_TIMEOUT_S;
	err = field_word(report, spec, "spec.sessionAffinity", affinities, &affinity);
	if (err || !affinity)
		return err;
	service->client_ip_affinity = true;
	err = field_object(report, spec, "spec.sessionAffinityConfig", &config);
	if (!err)
		err = field_object(report, config, "spec.sessionAffinityConfig.clientIP",
				   &client_ip);
	timeout = err ? NULL : json_object_get(client_ip, "timeoutSeconds");
	if (!timeout || json_is_null(timeout))
		return err;
	seconds = json_integer_value(timeout);
	if (seconds < 1 || seconds > AFFINITY_TIMEOUT_MAX_S) {
		report_say(report,
			   "spec.sessionAffinityConfig.clientIP.timeoutSeconds must be a whole "
			   "number from 1 to %d",
			   AFFINITY_TIMEOUT_MAX_S);
		return -EINVAL;
	}
	service->affinity_timeout_s = (uint32_t)seconds;
	return 0;
}

/* As it is written, before the API server has given it one: not a headless one, which says None. */
static void say_without_address(struct report *report, const json_t *spec)
{
	if (!json_string_length(json_object_get(spec, "clusterIP")) &&
	    !json_array_size(json_object_get(spec, "clusterIPs")))
		report_say(report, "spec.clusterIP is missing, so it is left alone: read the "
				   "Service back from the cluster (kubectl get -o yaml)");
}

static int decode_spec(struct report *report, const json_t *value, struct service *service)
{
	size_t type, policy;
	const json_t *spec;
	int err;

	err = field_object(report, value, "spec", &spec);
	if (!err && !spec) {
		report_say(report, "spec is missing: give it ports and a cluster IP");
		return -EINVAL;
	}
	if (!err)
		err = field_word(report, spec, "spec.type", types, &type);
	if (!err)
		err = field_word(report, spec, "spec.internalTrafficPolicy", traffic_policies,
				 &policy);
	if (!err)
		err = decode_affinity(report, spec, service);
	if (!err)
		err = decode_cluster_ips(report, spec, service);
	if (!err)
		err = decode_ports(report, spec, service);
	if (err)
		return err;
	service->external_name = type == TYPE_EXTERNAL_NAME;
	if (service->enabled && !service->external_name)
		say_without_address(report, spec);
	service->local_only = policy;
	return 0;
}

/* To tell which of two is older. Not known where it makes no sense: it costs nobody his Service. */
static double read_created_time(const json_t *value)
{
	const json_t *metadata = json_object_get(value, "metadata");
	const char *text = json_string_value(json_object_get(metadata, "creationTimestamp"));
	double time;

	return text && !parse_instant(text, &time) ? time : 0;
}

static int decode_all(struct report *report, const json_t *value, struct service *service)
{
	struct metadata metadata;
	int err;

	err = metadata_read(report, value, "Service", &name_label, &metadata);
	if (err)
		return err;
	service->namespace = strdup(metadata.namespace);
	service->name = strdup(metadata.name);
	if (!service->namespace || !service->name)
		return -ENOMEM;
	service->created_time = read_created_time(value);
	err = decode_labels(report, &metadata, service);
	if (!err)
		err = decode_annotations(report, value, service);
	return err ? err : decode_spec(report, value, service);
}

int decode_service(const json_t *value, decode_refuse refuse, void *arg, struct service **ret)
{
	struct report report;
	struct service *service;
	int err;

	service = calloc(1, sizeof(*service));
	if (!service)
		return -ENOMEM;
	report_init(&report, refuse, arg);
	err = decode_all(&report, value, service);
	report_done(&report);
	if (err)
		service_free(service);
	else
		*ret = service;
	return err;
}
