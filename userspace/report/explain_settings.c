// SPDX-License-Identifier: Apache-2.0
/* What a Service goes by, as the maps hold it, and where the agent says that each of it comes from. */
#include "report/explain.h"

#include <stdio.h>
#include <string.h>

#include "model/settings.h"
#include "report/format.h"

#define TEXT_MAX 128

static void write_time(uint32_t ms, const char *off, char buf[TEXT_MAX])
{
	char text[FORMAT_MAX];

	snprintf(buf, TEXT_MAX, "%s", ms ? format_age(ms / 1e3, text) : off);
}

static void write_policy(const struct view_service *service, char buf[TEXT_MAX])
{
	snprintf(buf, TEXT_MAX, "%s", policy_name(service->policy));
}

static void write_drain_deadline(const struct view_service *service, char buf[TEXT_MAX])
{
	write_time(service->drain_deadline_ms, "none", buf);
}

static void write_rebalance(const struct view_service *service, char buf[TEXT_MAX])
{
	char learnt[FORMAT_MAX];

	if (service->rebalance_ms != GW_REBALANCE_AUTO)
		write_time(service->rebalance_ms, "off", buf);
	else if (service->learnt_quiet_ms)
		snprintf(buf, TEXT_MAX, "auto (learnt: %s)",
			 format_age(service->learnt_quiet_ms / 1e3, learnt));
	else
		snprintf(buf, TEXT_MAX, "auto (nothing learnt yet)");
}

static void write_connect_timeout(const struct view_service *service, char buf[TEXT_MAX])
{
	write_time(service->connect_timeout_ms, "0 (the kernel's)", buf);
}

static void write_dead_peer_timeout(const struct view_service *service, char buf[TEXT_MAX])
{
	write_time(service->dead_peer_timeout_ms, "0 (off)", buf);
}

static void write_ejection(const struct view_service *service, char buf[TEXT_MAX])
{
	char base[FORMAT_MAX], max[FORMAT_MAX];

	if (service->eject_base_ms)
		snprintf(buf, TEXT_MAX, "time=%s,max=%s,keep=%u%%",
			 format_age(service->eject_base_ms / 1e3, base),
			 format_age(service->eject_max_ms / 1e3, max), service->keep_percent);
	else
		snprintf(buf, TEXT_MAX, "off");
}

/* Those whose value the Service's entry holds; of others a backend shows it. */
static const struct {
	const char *name;
	void (*write)(const struct view_service *service, char buf[TEXT_MAX]);
} settings[] = {
	{"gwbpf.io/policy", write_policy},
	{"gwbpf.io/drain-deadline", write_drain_deadline},
	{"gwbpf.io/rebalance", write_rebalance},
	{"gwbpf.io/connect-timeout", write_connect_timeout},
	{"gwbpf.io/dead-peer-timeout", write_dead_peer_timeout},
	{"gwbpf.io/ejection", write_ejection},
};
#define SETTINGS (sizeof(settings) / sizeof(*settings))

static json_t *value_of(const struct view_service *service, const char *name)
{
	char text[TEXT_MAX];

	for (size_t i = 0; i < SETTINGS; i++) {
		if (strcmp(settings[i].name, name))
			continue;
		settings[i].write(service, text);
		return json_text(text);
	}
	return json_null();
}

json_t *explain_settings(const struct explain *explain, const struct view_service *service)
{
	const json_t *known = json_object_get(explain->agent, "settings"), *setting;
	json_t *all = json_array();
	size_t i;

	json_array_foreach(known, i, setting) {
		const char *name = json_string_value(json_object_get(setting, "name"));

		json_add(&all, json_pack("{sO so sO}", "name", json_object_get(setting, "name"),
					 "value", name ? value_of(service, name) : json_null(),
					 "from", json_object_get(setting, "from")));
	}
	for (i = 0; i < SETTINGS && !json_array_size(known); i++)
		json_add(&all, json_pack("{ss so sn}", "name", settings[i].name, "value",
					 value_of(service, settings[i].name), "from"));
	return all;
}
