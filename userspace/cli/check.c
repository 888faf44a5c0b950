// SPDX-License-Identifier: Apache-2.0
/* `gwbpf check`: can this node run it, and what to do if not. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/usage.h"
#include "cli/lookup.h"
#include "cli/table.h"
#include "kernel/probe.h"

const struct argp_option check_options[] = {
	{ .name = "cgroup",
	  .key = OPTION_CGROUP,
	  .arg = "DIR",
	  .doc = "where the hooks shall be attached (default the root of the cgroup v2 mount)" },
	{ 0 },
};

static const struct table_column columns[] = {
	{ "REQUIREMENT", 0 },
	{ "OUTCOME", 0 },
	{ "DETAIL", 0 },
};

static const enum table_mood moods[] = {
	[PROBE_FOUND] = TABLE_GOOD,
	[PROBE_DEGRADED] = TABLE_DOUBTFUL,
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
	return json_pack("{ss ss so so}",
			 "name", result->name,
			 "outcome", probe_outcome_name(result->outcome),
			 "detail", json_text_or_null(result->detail),
			 "remedy", json_text_or_null(result->remedy));
}

static int print_json(const struct probe_result *results, size_t count)
{
	json_t *requirements = json_array();
	json_t *more;
	size_t i;

	for (i = 0; i < count; i++)
		json_add(&requirements, to_json(&results[i]));
	more = json_pack("{sb so}",
			 "canRun", is_all_there(results, count),
			 "requirements", requirements);
	return json_print(json_extend(json_answer("Check", lookup_host()), more));
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

int check_run(const struct cli *cli)
{
	struct probe_options options = { .pin_dir = cli->pin_dir, .cgroup = cli->cgroup };
	struct probe_result results[PROBE_MAX];
	size_t count = probe_run(&options, results);
	int status;

	if (cli->output == CLI_OUTPUT_JSON)
		status = print_json(results, count);
	else
		status = print_table(cli, results, count);
	if (status == EXIT_SUCCESS && !is_all_there(results, count))
		status = EXIT_FAILURE;
	return status;
}
