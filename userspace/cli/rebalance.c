// SPDX-License-Identifier: Apache-2.0
/* `gwbpf rebalance`: one round of moves for one Service, now, on this node alone. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/control.h"
#include "cli/json_print.h"
#include "cli/lookup.h"
#include "cli/naming.h"
#include "cli/say.h"
#include "cli/table.h"
#include "cli/usage.h"
#include "kernel/view.h"
#include "report/json.h"

const struct argp_option rebalance_options[] = {
	{.name = "dry-run",
	 .key = OPTION_DRY_RUN,
	 .doc = "print what would be moved, and move nothing"},
	USAGE_NAMESPACE_OPTIONS,
	{0},
};

static const struct table_column columns[] = {
	{"FROM", 0},
	{"TO", 0},
	{"PID", TABLE_RIGHT},
	{"RESULT", 0},
};

static int print_moves(const struct cli *cli, const struct view *view, const json_t *moves)
{
	const char *what = cli->is_dry ? "would be moved" : "moved";
	struct table *table;
	const json_t *move;
	int status;
	size_t i;

	table_print_node(cli, lookup_node(view));
	if (!json_array_size(moves)) {
		printf("nothing %s: the connections are even, or none of those to move is quiet\n",
		       cli->is_dry ? what : "was moved");
		return EXIT_SUCCESS;
	}
	if (table_new(cli, columns, sizeof(columns) / sizeof(columns[0]), &table))
		return EXIT_FAILURE;
	json_array_foreach(moves, i, move) {
		const char *result = json_string_value(json_object_get(move, "result"));

		table_row(table);
		table_text(table, json_string_value(json_object_get(move, "from")));
		table_text(table, json_string_value(json_object_get(move, "to")));
		table_number(table,
			     (uint64_t)json_integer_value(json_object_get(move, "clientPid")));
		table_text(table, cli->is_dry ? what : result);
	}
	status = table_print(table);
	table_free(table);
	return status;
}

/* One round for each of its ports and addresses. */
static int ask_all(const struct cli *cli, const struct view *view,
		   const struct service_filter *filter, json_t *moves)
{
	const struct view_service *services;
	size_t count = view_services(view, &services);
	json_t *answer;
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		const struct named_port port = {services[i].namespace, services[i].name,
						services[i].port_name, services[i].port};

		if (!naming_is_service(filter, &port))
			continue;
		err = control_ask(cli, "rebalance", cli->arguments[0],
				  json_pack("{so si sb}", "serviceAddress",
					    json_address(&services[i].address), "servicePort",
					    services[i].port, "dryRun", cli->is_dry),
				  &answer);
		if (err)
			break;
		json_array_extend(moves, json_object_get(answer, "moves"));
		json_decref(answer);
	}
	return err;
}

static int run(const struct cli *cli, const struct view *view, const struct service_filter *filter)
{
	json_t *moves = json_array();
	int status = EXIT_FAILURE;

	if (!ask_all(cli, view, filter, moves))
		status = cli->output == CLI_OUTPUT_JSON
				 ? json_print(cli,
					      json_extend(json_answer("Rebalance",
								      lookup_node(view)),
							  json_pack("{sb sO}", "dryRun",
								    cli->is_dry, "moves", moves)))
				 : print_moves(cli, view, moves);
	json_decref(moves);
	return status;
}

int rebalance_run(const struct cli *cli)
{
	return lookup_run(cli, run);
}
