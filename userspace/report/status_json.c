// SPDX-License-Identifier: Apache-2.0
/* The status as JSON: a promise, as all JSON here. */
#include "report/status.h"

static json_t *life_to_json(enum hook_life life)
{
	return life == HOOK_ATTACHED ? json_null() : json_boolean(life == HOOK_LIVE);
}

static json_t *cover_to_json(const struct view_meta *meta)
{
	if (!meta || meta->covers_pods == GW_COVER_UNKNOWN)
		return json_null();
	return json_boolean(meta->covers_pods == GW_COVER_YES);
}

static json_t *hooks_to_json(const struct status *status)
{
	json_t *hooks = json_array();
	size_t i;

	for (i = 0; i < GW_HOOK_MAX_ && status->has_hooks; i++) {
		const struct hook_status *hook = &status->hooks[i];

		json_add(&hooks,
			 json_pack("{ss sb so so}", "name", hook->name, "attached", hook->attached,
				   "live", life_to_json(status->life[i]), "programId",
				   hook->program_id ? json_count(hook->program_id) : json_null()));
	}
	return hooks;
}

static json_t *other_to_json(const struct neighbour *other)
{
	bool is_program = other->hook;

	return json_pack("{ss so so so so so so so so}", "kind", is_program ? "program" : "proxy",
			 "name", json_text_or_null(other->name), "owner",
			 json_text_or_null(other->owner), "hook", json_text_or_null(other->hook),
			 "programId", is_program ? json_count(other->id) : json_null(), "runsFirst",
			 is_program ? json_boolean(other->runs_first) : json_null(), "exclusive",
			 is_program ? json_boolean(other->is_exclusive) : json_null(), "services",
			 other->is_counted ? json_count(other->services) : json_null(),
			 "consequence", json_text(other->consequence));
}

static json_t *others_to_json(const struct status *status)
{
	json_t *others = json_array();
	size_t i;

	for (i = 0; i < status->neighbour_count; i++)
		json_add(&others, other_to_json(&status->neighbours[i]));
	return others;
}

static json_t *agent_to_json(const struct status *status)
{
	const struct view_meta *meta = status->meta;

	if (!meta)
		return json_pack("{sb sn sn sn sn sn sn}", "running", false, "pid",
				 "heartbeatAgeSeconds", "followedAgeSeconds", "source", "synced",
				 "lastChangeAgeSeconds");
	return json_pack("{sb so so so so sb so}", "running", status_agent_is_running(meta), "pid",
			 meta->agent_pid ? json_count(meta->agent_pid) : json_null(),
			 "heartbeatAgeSeconds", json_seconds(meta->heartbeat_age_seconds),
			 "followedAgeSeconds", json_seconds(meta->followed_age_seconds), "source",
			 json_text_or_null(status_source(meta)), "synced",
			 status_sync(status) == STATUS_SYNC_ALL, "lastChangeAgeSeconds",
			 json_seconds(meta->change_age_seconds));
}

static json_t *reasons_to_json(const struct view *view)
{
	const uint64_t *counts = view_reasons(view);
	json_t *reasons = json_object();
	int i;

	for (i = 0; i < GW_REASON_MAX_; i++)
		if (json_object_set_new(reasons, view_reason_name((enum gw_reason)i),
					json_count(counts[i]))) {
			json_decref(reasons);
			return NULL;
		}
	return reasons;
}

static json_t *numbers_to_json(const struct status *status)
{
	uint64_t active = 0;
	size_t backends;

	if (!status->view)
		return json_pack("{sn sn sn sn s{sn sn} sn}", "serviceCount", "backendCount",
				 "connectionCount", "olderConnectionCount", "limits", "services",
				 "backends", "reasons");
	backends = status_backend_count(status, &active);
	return json_pack("{so so so so s{si si} so}", "serviceCount",
			 json_count(status_service_count(status)), "backendCount",
			 json_count(backends), "connectionCount", json_count(active),
			 "olderConnectionCount",
			 status->knows_older ? json_count(status->older) : json_null(), "limits",
			 "services", status->meta->max_services, "backends",
			 status->meta->max_backends, "reasons", reasons_to_json(status->view));
}

static json_t *texts_to_json(const char texts[][LOOKUP_MESSAGE_MAX], size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_add(&array, json_text(texts[i]));
	return array;
}

json_t *status_to_json(const struct status *status)
{
	const char *version = status->meta ? status->meta->version : NULL;
	json_t *answer = json_answer("Status", lookup_node(status->view));

	answer = json_extend(answer,
			     json_pack("{sb so so so so so s{so so so} so so so}", "healthy",
				       !status->problem_count, "problems",
				       texts_to_json(status->problems, status->problem_count),
				       "warnings",
				       texts_to_json(status->warnings, status->warning_count),
				       "version", json_text_or_null(version), "abi",
				       status->abi ? json_count(status->abi) : json_null(),
				       "kernel", json_text(status->kernel), "cgroup", "path",
				       json_text_or_null(status->cgroup_path), "id",
				       status->cgroup_id ? json_identity(status->cgroup_id)
							 : json_null(),
				       "coversPods", cover_to_json(status->meta), "hooks",
				       hooks_to_json(status), "agent", agent_to_json(status),
				       "others", others_to_json(status)));
	return json_extend(answer, numbers_to_json(status));
}
