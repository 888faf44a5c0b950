// SPDX-License-Identifier: Apache-2.0
/* `gwbpf status`: does it work on this node, and what to do next if not. */
#include "cli/commands.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <sys/utsname.h>

#include "cli/cli.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/lookup.h"
#include "cli/say.h"
#include "cli/table.h"
#include "kernel/datapath.h"
#include "kernel/view.h"

#define HEARTBEAT_MAX_SECONDS 10
#define PROBLEMS_MAX 8

struct status {
	struct view *view;            /* NULL: what is pinned cannot be read */
	const struct view_meta *meta; /* likewise */
	uint32_t abi;                 /* 0: not known */
	struct hook_status hooks[GW_HOOK_MAX_];
	bool has_hooks;
	uint64_t cgroup_id; /* 0: nothing is attached */
	char cgroup_path[PATH_MAX];
	char kernel[sizeof(((struct utsname *)NULL)->release)];
	char problems[PROBLEMS_MAX][LOOKUP_MESSAGE_MAX];
	size_t problem_count;
};

static const char *const source_names[] = {
	[GW_SOURCE_NONE] = "",
	[GW_SOURCE_FILE] = "file",
	[GW_SOURCE_KUBERNETES] = "kubernetes",
};

static void add_problem(struct status *status, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add_problem(struct status *status, const char *format, ...)
{
	va_list args;

	if (status->problem_count == PROBLEMS_MAX)
		return;
	va_start(args, format);
	vsnprintf(status->problems[status->problem_count++], LOOKUP_MESSAGE_MAX, format, args);
	va_end(args);
}

static bool is_agent_running(const struct view_meta *meta)
{
	return meta->agent_pid && meta->heartbeat_age_seconds >= 0 &&
	       meta->heartbeat_age_seconds <= HEARTBEAT_MAX_SECONDS;
}

static void check_hooks(struct status *status)
{
	char missing[128] = "";
	size_t length = 0, i;

	for (i = 0; i < GW_HOOK_MAX_; i++)
		if (!status->hooks[i].attached && length < sizeof(missing))
			length += (size_t)snprintf(missing + length, sizeof(missing) - length,
						   "%s%s", length ? ", " : "",
						   status->hooks[i].name);
	if (length)
		add_problem(status, "hooks that are not attached: %s: restart the agent, which "
				    "attaches them; its log says why it cannot", missing);
}

/* Nothing is balanced, whatever else is well. */
static void check_in_force(struct status *status)
{
	if (status->meta->suspended)
		add_problem(status, "all Services are left to kube-proxy by 'gwbpf suspend': "
				    "'gwbpf resume' ends that");
	if (status->meta->stepped_aside)
		add_problem(status, "all Services are left to kube-proxy, as no agent has given a "
				    "sign of life for longer than its --stale-after: start it");
}

static void check_agent(struct status *status)
{
	const struct view_meta *meta = status->meta;
	char age[FORMAT_MAX];

	if (!meta->agent_pid)
		add_problem(status, "no agent runs, so changes of Services and endpoints are not "
				    "followed: run 'gwbpf agent'");
	else if (!is_agent_running(meta))
		add_problem(status, "the agent (pid %u) has given no sign of life for %s: see its "
				    "log and restart it",
			    meta->agent_pid, format_age(meta->heartbeat_age_seconds, age));
	else if (!meta->source_synced)
		add_problem(status, "the agent has not read all Services and endpoints yet: if "
				    "that lasts, its log names what it cannot read");
}

/* Known only while an agent sends its canary. */
static bool is_liveness_known(const struct status *status)
{
	return status->meta && is_agent_running(status->meta) && status->meta->source_synced;
}

static bool is_live(const struct status *status, size_t hook)
{
	double age = status->meta->live_age_seconds[hook];

	return age >= 0 && age <= VIEW_LIVE_SECONDS;
}

/* Attached is not enough: something may stand before them. */
static void check_live(struct status *status)
{
	for (size_t i = 0; i < GW_HOOK_MAX_ && status->has_hooks; i++)
		if (status->hooks[i].attached && is_liveness_known(status) && !is_live(status, i))
			add_problem(status, "no connection passes hook %s, though it is attached: "
					    "the agent's log names what stands in its way",
				    status->hooks[i].name);
	if (status->meta->covers_pods == GW_COVER_NO)
		add_problem(status, "the cgroup of the hooks holds no pods: give the agent the "
				    "node's with --cgroup, or the pod the host's cgroup namespace");
}

static void find_cgroup(struct status *status)
{
	size_t i;

	for (i = 0; i < GW_HOOK_MAX_ && !status->cgroup_id; i++)
		if (status->hooks[i].attached)
			status->cgroup_id = status->hooks[i].cgroup_id;
	if (!status->cgroup_id ||
	    datapath_cgroup_path(status->cgroup_id, status->cgroup_path,
				 sizeof(status->cgroup_path)))
		*status->cgroup_path = '\0';
}

/* Whatever is missing is a problem; only not being allowed to look is an error. */
static int look(const char *pin_dir, struct status *status)
{
	char message[LOOKUP_MESSAGE_MAX];
	struct utsname system;
	int err;

	snprintf(status->kernel, sizeof(status->kernel), "%s",
		 uname(&system) ? "unknown" : system.release);
	err = view_open(pin_dir, &status->view);
	lookup_message(pin_dir, err, message);
	if (err && err != -ENOENT && err != -EPROTO) {
		say_error("%s", message);
		return err;
	}
	if (datapath_pinned_abi(pin_dir, &status->abi))
		status->abi = 0;
	if (err) {
		add_problem(status, "%s", message);
		return 0;
	}
	status->meta = view_meta(status->view);
	status->has_hooks = !datapath_hooks(pin_dir, status->hooks);
	if (status->has_hooks)
		check_hooks(status);
	else
		add_problem(status, "the hooks cannot be found: restart the agent, which attaches "
				    "them");
	find_cgroup(status);
	check_live(status);
	check_in_force(status);
	check_agent(status);
	return 0;
}

static size_t service_count(const struct status *status)
{
	const struct view_service *services;

	return view_services(status->view, &services);
}

static size_t backend_count(const struct status *status, uint64_t *active)
{
	const struct view_backend *backends;
	size_t count = view_backends(status->view, &backends);
	size_t i;

	*active = 0;
	for (i = 0; i < count; i++)
		*active += backends[i].active;
	return count;
}

static json_t *cover_to_json(const struct status *status)
{
	if (!status->meta || status->meta->covers_pods == GW_COVER_UNKNOWN)
		return json_null();
	return json_boolean(status->meta->covers_pods == GW_COVER_YES);
}

static json_t *hooks_to_json(const struct status *status)
{
	json_t *hooks = json_array();
	size_t i;

	for (i = 0; i < GW_HOOK_MAX_ && status->has_hooks; i++) {
		const struct hook_status *hook = &status->hooks[i];

		json_add(&hooks,
			 json_pack("{ss sb so so}",
				   "name", hook->name,
				   "attached", hook->attached,
				   "live", is_liveness_known(status) ? json_boolean(is_live(status, i))
								     : json_null(),
				   "programId", hook->program_id ? json_count(hook->program_id)
								 : json_null()));
	}
	return hooks;
}

static json_t *agent_to_json(const struct view_meta *meta)
{
	if (!meta)
		return json_pack("{sb sn sn sn sn sn}", "running", false, "pid",
				 "heartbeatAgeSeconds", "source", "synced", "lastChangeAgeSeconds");
	return json_pack("{sb so so so sb so}",
			 "running", is_agent_running(meta),
			 "pid", meta->agent_pid ? json_count(meta->agent_pid) : json_null(),
			 "heartbeatAgeSeconds", json_seconds(meta->heartbeat_age_seconds),
			 "source", json_text_or_null(source_names[meta->source]),
			 "synced", meta->source_synced,
			 "lastChangeAgeSeconds", json_seconds(meta->change_age_seconds));
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
		return json_pack("{sn sn sn s{sn sn} sn}", "serviceCount", "backendCount",
				 "connectionCount", "limits", "services", "backends", "reasons");
	backends = backend_count(status, &active);
	return json_pack("{so so so s{si si} so}",
			 "serviceCount", json_count(service_count(status)),
			 "backendCount", json_count(backends),
			 "connectionCount", json_count(active),
			 "limits",
				"services", status->meta->max_services,
				"backends", status->meta->max_backends,
			 "reasons", reasons_to_json(status->view));
}

static int print_json(const struct status *status)
{
	const char *version = status->meta ? status->meta->version : NULL;
	json_t *answer = json_answer("Status", lookup_node(status->view));
	json_t *problems = json_array();
	size_t i;

	for (i = 0; i < status->problem_count; i++)
		json_add(&problems, json_text(status->problems[i]));
	answer = json_extend(answer, json_pack("{sb so so so so s{so so so} so so}",
			 "healthy", !status->problem_count,
			 "problems", problems,
			 "version", json_text_or_null(version),
			 "abi", status->abi ? json_count(status->abi) : json_null(),
			 "kernel", json_text(status->kernel),
			 "cgroup",
				"path", json_text_or_null(status->cgroup_path),
				"id", status->cgroup_id ? json_identity(status->cgroup_id)
							: json_null(),
				"coversPods", cover_to_json(status),
			 "hooks", hooks_to_json(status),
			 "agent", agent_to_json(status->meta)));
	return json_print(json_extend(answer, numbers_to_json(status)));
}

static void print_agent(const struct view_meta *meta)
{
	char heartbeat[FORMAT_MAX], change[FORMAT_MAX];

	if (!meta || !meta->agent_pid) {
		puts("agent:        not running");
		return;
	}
	printf("agent:        pid %u, last sign of life %s ago\n", meta->agent_pid,
	       format_age(meta->heartbeat_age_seconds, heartbeat));
	printf("source:       %s, %s, last change %s ago\n", source_names[meta->source],
	       meta->source_synced ? "in sync" : "not read to the end yet",
	       format_age(meta->change_age_seconds, change));
}

static const char *hook_word(const struct status *status, size_t i)
{
	if (!status->hooks[i].attached)
		return "missing ";
	return is_liveness_known(status) && is_live(status, i) ? "live    " : "attached";
}

static void print_hooks(const struct cli *cli, const struct status *status)
{
	size_t i;

	for (i = 0; i < GW_HOOK_MAX_ && status->has_hooks; i++) {
		const struct hook_status *hook = &status->hooks[i];

		printf("%-13s ", i ? "" : "hooks:");
		table_print_state(cli, hook_word(status, i),
				  hook->attached ? TABLE_GOOD : TABLE_BAD);
		printf("  %s", hook->name);
		if (cli->output == CLI_OUTPUT_WIDE)
			printf("  program %u", hook->program_id);
		putchar('\n');
	}
}

static void print_numbers(const struct status *status)
{
	uint64_t active;
	size_t backends = backend_count(status, &active);

	printf("services:     %zu of %u\n", service_count(status), status->meta->max_services);
	printf("backends:     %zu of %u\n", backends, status->meta->max_backends);
	printf("connections:  %llu\n", (unsigned long long)active);
}

static void print_reasons(const struct view *view)
{
	const uint64_t *counts = view_reasons(view);
	int i;

	for (i = 0; i < GW_REASON_MAX_; i++)
		printf("%-13s %12llu  %s\n", i ? "" : "decisions:",
		       (unsigned long long)counts[i], view_reason_text((enum gw_reason)i));
}

static void print_text(const struct cli *cli, const struct status *status)
{
	const struct view_meta *meta = status->meta;
	size_t i;

	table_print_node(cli, lookup_node(status->view));
	printf("healthy:      ");
	if (status->problem_count)
		table_print_state(cli, "no", TABLE_BAD);
	else
		table_print_state(cli, "yes", TABLE_GOOD);
	putchar('\n');
	for (i = 0; i < status->problem_count; i++) {
		printf("%-13s ", i ? "" : "problems:");
		say_text(stdout, status->problems[i]);
		putchar('\n');
	}
	if (meta)
		printf("installed by: gwbpf %s, ABI %u\n", meta->version, meta->abi);
	printf("kernel:       %s\n", status->kernel);
	if (*status->cgroup_path)
		printf("cgroup:       %s\n", status->cgroup_path);
	print_agent(meta);
	print_hooks(cli, status);
	if (!meta)
		return;
	print_numbers(status);
	if (cli->output == CLI_OUTPUT_WIDE)
		print_reasons(status->view);
}

int status_run(const struct cli *cli)
{
	struct status status = { 0 };
	int exit_status = EXIT_FAILURE;

	if (look(cli->pin_dir, &status))
		goto out;
	if (cli->output != CLI_OUTPUT_JSON)
		print_text(cli, &status);
	else if (print_json(&status))
		goto out;
	if (!status.problem_count)
		exit_status = EXIT_SUCCESS;
out:
	view_close(status.view);
	return exit_status;
}
