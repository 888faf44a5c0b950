// SPDX-License-Identifier: Apache-2.0
/* `gwbpf status`: for people first whether it works, and what to do if not. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/json_print.h"
#include "cli/say.h"
#include "cli/table.h"
#include "cli/usage.h"
#include "report/format.h"
#include "report/status.h"

const struct argp_option status_options[] = {
	USAGE_WATCH_OPTION,
	{.name = "strict", .key = OPTION_STRICT, .doc = "exit 1 also if there are warnings"},
	{0},
};

static void print_agent(const struct status *status)
{
	const struct view_meta *meta = status->meta;
	char age[FORMAT_MAX];

	if (!meta || !meta->agent_pid) {
		puts("agent:        not running");
		return;
	}
	printf("agent:        pid %u, last sign of life %s ago\n", meta->agent_pid,
	       format_age(meta->heartbeat_age_seconds, age));
	printf("source:       %s, %s", status_source(meta), status_sync_text(status));
	if (meta->change_age_seconds >= 0)
		printf(", last change %s ago", format_age(meta->change_age_seconds, age));
	putchar('\n');
}

static void print_hooks(const struct cli *cli, const struct status *status)
{
	static const struct {
		const char *text;
		enum table_mood mood;
	} lives[] = {
		[HOOK_MISSING] = {"missing ", TABLE_BAD},
		[HOOK_ATTACHED] = {"attached", TABLE_DOUBTFUL},
		[HOOK_LIVE] = {"live    ", TABLE_GOOD},
		[HOOK_DEAD] = {"dead    ", TABLE_BAD},
	};
	size_t i;

	for (i = 0; i < GW_HOOK_MAX_ && status->has_hooks; i++) {
		const struct hook_status *hook = &status->hooks[i];

		printf("%-13s ", i ? "" : "hooks:");
		table_print_state(cli, lives[status->life[i]].text, lives[status->life[i]].mood);
		printf("  %s", hook->name);
		if (cli->output == CLI_OUTPUT_WIDE)
			printf("  program %u", hook->program_id);
		putchar('\n');
	}
}

static void print_other(const struct neighbour *other)
{
	const char *owner = other->owner ? other->owner : "somebody else";

	if (other->hook)
		printf("%s: program '%s' (id %u) at %s", owner, other->name, other->id,
		       other->hook);
	else if (other->is_counted)
		printf("%s: %s, %zu Service ports", owner, other->name, other->services);
	else
		printf("%s%s%s", owner, *other->name ? ": " : "", other->name);
	printf(": %s\n", other->consequence);
}

static void print_others(const struct status *status)
{
	size_t i;

	for (i = 0; i < status->neighbour_count; i++) {
		printf("%-13s ", i ? "" : "others:");
		print_other(&status->neighbours[i]);
	}
}

static void print_numbers(const struct status *status)
{
	uint64_t active;
	size_t backends = status_backend_count(status, &active);

	printf("services:     %zu of %u\n", status_service_count(status),
	       status->meta->max_services);
	printf("backends:     %zu of %u\n", backends, status->meta->max_backends);
	printf("connections:  %llu", (unsigned long long)active);
	if (status->older)
		printf(", and %llu older ones to these Services, which began before gwbpf saw them and "
		       "are not counted until their clients connect again",
		       (unsigned long long)status->older);
	else if (!status->knows_older)
		printf(", and older ones that cannot be counted from here");
	putchar('\n');
}

static void print_reasons(const struct view *view)
{
	const uint64_t *counts = view_reasons(view);
	int i;

	for (i = 0; i < GW_REASON_MAX_; i++)
		printf("%-13s %12llu  %s\n", i ? "" : "decisions:", (unsigned long long)counts[i],
		       view_reason_text((enum gw_reason)i));
}

static void print_texts(const char *title, const char texts[][LOOKUP_MESSAGE_MAX], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		printf("%-13s ", i ? "" : title);
		say_text(stdout, texts[i]);
		putchar('\n');
	}
}

static void print_text(const struct cli *cli, const struct status *status)
{
	const struct view_meta *meta = status->meta;

	table_print_node(cli, lookup_node(status->view));
	printf("healthy:      ");
	if (status->problem_count)
		table_print_state(cli, "no", TABLE_BAD);
	else
		table_print_state(cli, "yes", TABLE_GOOD);
	putchar('\n');
	print_texts("problems:", status->problems, status->problem_count);
	print_texts("warnings:", status->warnings, status->warning_count);
	if (meta)
		printf("installed by: gwbpf %s, ABI %u\n", meta->version, meta->abi);
	printf("kernel:       %s\n", status->kernel);
	if (*status->cgroup_path)
		printf("cgroup:       %s\n", status->cgroup_path);
	print_agent(status);
	print_hooks(cli, status);
	print_others(status);
	if (meta)
		print_numbers(status);
	if (meta && cli->output == CLI_OUTPUT_WIDE)
		print_reasons(status->view);
}

int status_run(const struct cli *cli)
{
	char message[LOOKUP_MESSAGE_MAX];
	struct status status = {0};
	int exit_status = EXIT_SUCCESS;

	if (status_open(cli->pin_dir, &status, message)) {
		say_error("%s", message);
		return EXIT_FAILURE;
	}
	if (cli->output == CLI_OUTPUT_JSON)
		exit_status = json_print(cli, status_to_json(&status));
	else
		print_text(cli, &status);
	if (status.problem_count || (cli->strict && status.warning_count))
		exit_status = EXIT_FAILURE;
	status_close(&status);
	return exit_status;
}
