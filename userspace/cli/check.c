// SPDX-License-Identifier: Apache-2.0
/* `gwbpf check`: can this node run it, and what to do if not. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/json_print.h"
#include "cli/lookup.h"
#include "cli/table.h"
#include "cli/usage.h"
#include "kernel/attach_point.h"
#include "kernel/datapath.h"
#include "kernel/mounts.h"
#include "kernel/neighbours.h"
#include "kernel/probe.h"
#include "report/json.h"

const struct argp_option check_options[] = {
	{.name = "cgroup",
	 .key = OPTION_CGROUP,
	 .arg = "DIR",
	 .doc = "where the hooks shall be attached (default the root of the cgroup v2 mount)"},
	USAGE_WATCH_OPTION,
	{0},
};

static const struct table_column columns[] = {
	{"REQUIREMENT", 0},
	{"OUTCOME", 0},
	{"DETAIL", 0},
};

static const enum table_mood moods[] = {
	[PROBE_FOUND] = TABLE_GOOD,
	[PROBE_DEGRADED] = TABLE_DOUBTFUL,
	[PROBE_UNKNOWN] = TABLE_DOUBTFUL,
	[PROBE_MISSING] = TABLE_BAD,
};

static bool is_all_there(const struct probe_result *results, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (results[i].outcome == PROBE_MISSING)
			return false;
	return true;
}

static json_t *to_json(const struct probe_result *result)
{
	return json_pack("{ss ss so so}", "name", result->name, "outcome",
			 probe_outcome_name(result->outcome), "detail",
			 json_text_or_null(result->detail), "remedy",
			 json_text_or_null(result->remedy));
}

static int print_json(const struct cli *cli, const struct probe_result *results, size_t count)
{
	json_t *requirements = json_array();
	json_t *more;
	size_t i;

	for (i = 0; i < count; i++)
		json_add(&requirements, to_json(&results[i]));
	more = json_pack("{sb so}", "canRun", is_all_there(results, count), "requirements",
			 requirements);
	return json_print(cli, json_extend(json_answer("Check", lookup_host()), more));
}

static int print_table(const struct cli *cli, const struct probe_result *results, size_t count)
{
	struct table *table;
	size_t i;
	int status;

	if (table_new(cli, columns, sizeof(columns) / sizeof(columns[0]), &table))
		return EXIT_FAILURE;
	for (i = 0; i < count; i++) {
		table_row(table);
		table_text(table, results[i].name);
		table_state(table, probe_outcome_name(results[i].outcome),
			    moods[results[i].outcome]);
		table_text(table, results[i].detail);
	}
	table_print_node(cli, lookup_host());
	status = table_print(table);
	table_free(table);
	for (i = 0; i < count; i++)
		if (*results[i].remedy)
			printf("%s: %s\n", results[i].name, results[i].remedy);
	return status;
}

static void describe(const struct neighbour *neighbour, char *buf, size_t size)
{
	char services[48] = "";

	if (neighbour->hook)
		snprintf(buf, size, "%s%s'%.15s' (id %u) at %s: %.256s",
			 neighbour->owner ? neighbour->owner : "", neighbour->owner ? ": " : "",
			 neighbour->name, neighbour->id, neighbour->hook, neighbour->consequence);
	else if (*neighbour->name) {
		if (neighbour->is_counted)
			snprintf(services, sizeof(services), " for %zu Service ports",
				 neighbour->services);
		snprintf(buf, size, "%.15s rules%s: %.256s", neighbour->name, services,
			 neighbour->consequence);
	} else
		snprintf(buf, size, "%s", neighbour->consequence);
}

static void add_neighbour(const struct neighbour *neighbour, struct probe_result *ret)
{
	static const enum probe_outcome outcomes[] = {
		[NEIGHBOUR_HARMLESS] = PROBE_FOUND,
		[NEIGHBOUR_NOTABLE] = PROBE_DEGRADED,
		[NEIGHBOUR_UNKNOWN] = PROBE_UNKNOWN,
		[NEIGHBOUR_IN_THE_WAY] = PROBE_MISSING,
	};

	*ret = (struct probe_result){
		.name = neighbour->hook ? "other-program" : "kube-proxy",
		.outcome = outcomes[neighbour->effect],
	};
	describe(neighbour, ret->detail, sizeof(ret->detail));
}

/* Whoever takes connects at the root runs after the hooks at the pods' cgroup. */
static void add_point(const struct attach_point *point, struct probe_result *ret)
{
	*ret = (struct probe_result){
		.name = "other-program",
		.outcome = PROBE_DEGRADED,
	};
	snprintf(ret->detail, sizeof(ret->detail), "%s", point->text);
}

/* Who else balances here. */
static size_t look_around(const struct cli *cli, struct probe_result *ret)
{
	struct hook_status hooks[GW_HOOK_MAX_] = {0};
	struct neighbour neighbours[NEIGHBOURS_MAX];
	struct attach_point point = {0};
	uint32_t ours[GW_HOOK_MAX_];
	size_t count, i, kept = 0;
	int fd = cli->cgroup ? mounts_open_cgroup(cli->cgroup)
			     : attach_point_open(cli->pin_dir, false, &point);

	datapath_hooks(cli->pin_dir, hooks);
	for (i = 0; i < GW_HOOK_MAX_; i++)
		ours[i] = hooks[i].program_id;
	count = neighbours_look(fd, ours, neighbours);
	if (fd >= 0)
		close(fd);
	for (i = 0; i < count; i++)
		if (!*point.text || !neighbours[i].takes_all)
			add_neighbour(&neighbours[i], &ret[kept++]);
	if (*point.text)
		add_point(&point, &ret[kept++]);
	return kept;
}

int check_run(const struct cli *cli)
{
	struct probe_options options = {.pin_dir = cli->pin_dir, .cgroup = cli->cgroup};
	struct probe_result results[PROBE_MAX + NEIGHBOURS_MAX];
	size_t count = probe_run(&options, results);
	int status;

	if (!geteuid())
		count += look_around(cli, &results[count]);
	if (cli->output == CLI_OUTPUT_JSON)
		status = print_json(cli, results, count);
	else
		status = print_table(cli, results, count);
	if (status == EXIT_SUCCESS && !is_all_there(results, count))
		status = EXIT_FAILURE;
	return status;
}
