// SPDX-License-Identifier: Apache-2.0
#include "report/explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "model/choose.h"
#include "model/settings.h"
#include "report/commands.h"
#include "report/next.h"

#define TEXT_MAX 640

int explain_open(const char *pin_dir, const char *from, struct explain *ret)
{
	int err;

	*ret = (struct explain){.pin_dir = pin_dir};
	err = connections_open(pin_dir, &ret->connections);
	if (!err)
		err = connections_select(&ret->connections, NULL, NULL);
	if (!err)
		err = remembered_doubts(pin_dir, ret->connections.view, &ret->doubts,
					&ret->doubt_count);
	/* It takes some ms for each network namespace: only where somebody is to be named. */
	if (!err && (from || ret->doubt_count))
		err = owners_read(ret->connections.clients, &ret->owners);
	if (!err && from) {
		ret->from = owners_find_named(&ret->owners, from);
		err = ret->from ? 0 : -ESRCH;
	}
	if (err)
		explain_close(ret);
	return err;
}

void explain_close(struct explain *explain)
{
	owners_done(&explain->owners);
	free(explain->doubts);
	connections_close(&explain->connections);
}

/* --- clients ------------------------------------------------------------------------------- */

json_t *explain_client(const struct explain *explain, uint64_t netns_cookie)
{
	const struct owner *owner = owners_find(&explain->owners, netns_cookie);

	if (!owner)
		return json_pack("{sn sn sn sn sn sb so}", "namespace", "pod", "pid", "command",
				 "netns", "node", false, "netnsCookie",
				 json_identity(netns_cookie));
	return json_pack("{so so so so so sb so}", "namespace",
			 json_text_or_null(owner->client.namespace), "pod",
			 json_text_or_null(owner->client.pod), "pid",
			 owner->pid ? json_count(owner->pid) : json_null(), "command",
			 json_text_or_null(owner->client.command), "netns",
			 json_identity(owner->inode), "node", owner->is_node, "netnsCookie",
			 json_identity(netns_cookie));
}

static json_t *advise(const struct doubt *doubt)
{
	const struct view_backend *backend = doubt->backend;
	char address[ADDR_PORT_TEXT_MAX], text[TEXT_MAX];

	if (doubt->kind != DOUBT_FAILED && doubt->kind != DOUBT_SILENT)
		return json_null();
	snprintf(text, sizeof(text),
		 "if others reach it, see what is between the two, such as a NetworkPolicy; 'gwbpf "
		 "drain %s' keeps all clients of this node from it",
		 addr_port_format(&backend->address, backend->port, address));
	return json_text(text);
}

static json_t *doubt_to_json(const struct explain *explain, const struct doubt *doubt)
{
	const struct view_backend *backend = doubt->backend;

	return json_pack("{so si so so ss ss so so so sb}", "address",
			 json_address(&backend->address), "port", backend->port, "pod",
			 json_text_or_null(backend->pod), "client",
			 explain_client(explain, doubt->netns_cookie), "reason",
			 doubt_name(doubt->kind), "message", doubt_text(doubt->kind), "failures",
			 doubt->failures ? json_count(doubt->failures) : json_null(),
			 "remainingSeconds", json_seconds(doubt->remaining_seconds), "remedy",
			 advise(doubt), "userNamespace", doubt->is_user);
}

static bool is_asked(const struct explain *explain, const struct doubt *doubt)
{
	return !explain->from || explain->from->cookie == doubt->netns_cookie;
}

static json_t *doubts_to_json(const struct explain *explain, const struct view_service *service)
{
	json_t *doubts = json_array();

	for (size_t i = 0; i < explain->doubt_count; i++) {
		const struct doubt *doubt = &explain->doubts[i];

		if (doubt->backend->service_index == service->index && is_asked(explain, doubt))
			json_add(&doubts, doubt_to_json(explain, doubt));
	}
	return doubts;
}

/* --- where the next one goes --------------------------------------------------------------- */

static json_t *place_to_json(const struct view_backend *backend)
{
	return json_pack("{so si so}", "address", json_address(&backend->address), "port",
			 backend->port, "pod", json_text_or_null(backend->pod));
}

static enum next_doubt avoids(const struct view_backend *backend, const void *arg)
{
	const struct explain *explain = arg;
	enum next_doubt worst = NEXT_NO_DOUBT;

	for (size_t i = 0; i < explain->doubt_count; i++) {
		const struct doubt *doubt = &explain->doubts[i];
		bool is_short = doubt->kind == DOUBT_SHORT || doubt->kind == DOUBT_NEXT;

		if (doubt->backend != backend || !is_asked(explain, doubt))
			continue;
		if (!is_short)
			return NEXT_FAILED;
		worst = NEXT_SHORT;
	}
	return worst;
}

static json_t *affine_to_json(const struct explain *explain, const struct view_service *service)
{
	const struct view_backend *backend;
	double age_seconds;

	if (!explain->from)
		return NULL;
	backend = remembered_affinity(explain->pin_dir, explain->connections.view, service,
				      explain->from->cookie, &age_seconds);
	if (!backend || !backend->weight || avoids(backend, explain))
		return NULL;
	return json_pack("{s[o] ss}", "candidates", place_to_json(backend), "reason",
			 "session affinity: this client had it last");
}

static json_t *next_to_json(const struct explain *explain, const struct view_service *service)
{
	json_t *affine = affine_to_json(explain, service), *candidates;
	struct next next;

	if (affine)
		return affine;
	if (next_find(explain->connections.view, service, explain->from ? avoids : NULL, explain,
		      &next))
		return NULL;
	candidates = json_array();
	for (size_t i = 0; i < next.count; i++)
		json_add(&candidates, place_to_json(next.all[i]));
	affine = json_pack("{so so}", "candidates", candidates, "reason", json_text(next.reason));
	next_done(&next);
	return affine;
}

/* --- why it is balanced, or is not --------------------------------------------------------- */

static const struct {
	const char *name;
	const char *text;
} reasons[] = {
#define REASON(id, name, text) [CHOICE_##id] = {name, text},
	CHOICE_REASONS(REASON)
#undef REASON
};

static enum choice_reason reason_of(const json_t *port)
{
	const char *name = json_string_value(json_object_get(port, "reason"));

	for (int i = 0; name && i < CHOICE_REASON_MAX_; i++)
		if (!strcmp(reasons[i].name, name))
			return (enum choice_reason)i;
	return CHOICE_REASON_MAX_;
}

static const char *agent_text(const struct explain *explain, const char *key)
{
	const char *text = json_string_value(json_object_get(explain->agent, key));

	return text ? text : "";
}

static const char *advise_reason(const struct explain *explain, enum choice_reason reason,
				 char ret[COMMANDS_MAX])
{
	const char *namespace = agent_text(explain, "namespace"),
		   *name = agent_text(explain, "name");

	*ret = '\0';
	switch (reason) {
	case CHOICE_NOT_ENABLED:
		commands_label(namespace, name, "gwbpf.io/enabled=true", ret);
		break;
	case CHOICE_INVALID:
		commands_unannotate(namespace, name, agent_text(explain, "refused"), ret);
		break;
	case CHOICE_NO_ENDPOINTS:
	case CHOICE_NO_LOCAL_ENDPOINTS:
		snprintf(ret, COMMANDS_MAX, "see that pods of it are ready");
		break;
	default:
		break;
	}
	return ret;
}

static json_t *verdict_to_json(const struct explain *explain, const json_t *port)
{
	enum choice_reason reason = reason_of(port);
	bool is_known = reason != CHOICE_REASON_MAX_;
	char remedy[COMMANDS_MAX];

	if (!port)
		return json_pack("{sn sn sn sn}", "verdict", "reason", "reasonMessage", "remedy");
	return json_pack("{sO sO so so}", "verdict", json_object_get(port, "verdict"), "reason",
			 json_object_get(port, "reason"), "reasonMessage",
			 is_known ? json_string(reasons[reason].text) : json_null(), "remedy",
			 json_text_or_null(is_known ? advise_reason(explain, reason, remedy) : ""));
}

/* What the agent says of this port and address; NULL: nothing. */
static const json_t *find_port(const struct explain *explain, const struct view_service *service)
{
	const json_t *port;
	struct gw_addr address;
	size_t i;

	json_array_foreach(json_object_get(explain->agent, "ports"), i, port) {
		const char *text = json_string_value(json_object_get(port, "address"));

		if (text && !addr_parse(text, &address) &&
		    !addr_compare(&address, &service->address) &&
		    json_integer_value(json_object_get(port, "port")) == service->port)
			return port;
	}
	return NULL;
}

static json_t *invalid_to_json(const struct view_service *service)
{
	char remedy[COMMANDS_MAX] = "";

	if (service->state == VIEW_SERVICE_INVALID)
		commands_unannotate(service->namespace, service->name, service->message, remedy);
	return json_pack("{so so}", "message", json_text_or_null(service->message), "messageRemedy",
			 json_text_or_null(remedy));
}

json_t *explain_service(const struct explain *explain, const struct view_service *service)
{
	const json_t *port = find_port(explain, service);
	json_t *value = json_pack("{so so so so si ss ss si si si}", "namespace",
				  json_text(service->namespace), "name", json_text(service->name),
				  "portName", json_text(service->port_name), "address",
				  json_address(&service->address), "port", service->port, "policy",
				  policy_name(service->policy), "state",
				  view_service_state_name(service->state), "backends",
				  service->backends, "usable", service->usable, "active",
				  service->active);

	value = json_extend(value, invalid_to_json(service));
	value = json_extend(value, verdict_to_json(explain, port));
	return json_extend(value, json_pack("{so so so so so}", "endpoints",
					    explain_endpoints(explain, service, port), "avoided",
					    doubts_to_json(explain, service), "next",
					    next_to_json(explain, service), "moving",
					    explain_moving(explain, service), "settings",
					    explain_settings(explain, service)));
}

json_t *explain_left_alone(const struct explain *explain, const json_t *port)
{
	json_t *value =
		json_pack("{so so sO sO sO sn sn sn sn sn so sn}", "namespace",
			  json_text(agent_text(explain, "namespace")), "name",
			  json_text(agent_text(explain, "name")), "portName",
			  json_object_get(port, "portName"), "address",
			  json_object_get(port, "address"), "port", json_object_get(port, "port"),
			  "policy", "state", "backends", "usable", "active", "message",
			  json_text_or_null(agent_text(explain, "refused")), "messageRemedy");

	value = json_extend(value, verdict_to_json(explain, port));
	return json_extend(value, json_pack("{so so sn sn s[]}", "endpoints",
					    explain_endpoints(explain, NULL, port), "avoided",
					    json_array(), "next", "moving", "settings"));
}
