// SPDX-License-Identifier: Apache-2.0
/* `gwbpf drain`, `undrain` and `weight`: what a person asks of a backend, on this node alone. */
#include "cli/commands.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/parse.h"
#include "cli/cli.h"
#include "cli/control.h"
#include "cli/json_print.h"
#include "cli/lookup.h"
#include "cli/naming.h"
#include "cli/say.h"
#include "cli/table.h"
#include "cli/usage.h"
#include "kernel/view.h"
#include "report/format.h"
#include "report/json.h"

const struct argp_option drain_options[] = {
	{.name = "deadline",
	 .key = OPTION_DEADLINE,
	 .arg = "DURATION",
	 .doc = "move what is left after so long (30s, 5m), quiet or not; quiet connections before"},
	USAGE_NAMESPACE_OPTIONS,
	{0},
};

const struct argp_option steer_options[] = {USAGE_NAMESPACE_OPTIONS, {0}};

/* One of the commands: what it adds to the request, and what its answer means. */
struct steer {
	const char *action;
	const char *list;
	uint32_t weight; /* 0: the Service's */
};

static json_t *request_of(const struct cli *cli, const struct steer *steer,
			  const struct view_backend *backend)
{
	json_t *request = json_pack("{so si so si}", "serviceAddress",
				    json_address(&backend->service_address), "servicePort",
				    backend->service_port, "address",
				    json_address(&backend->address), "port", backend->port);

	if (cli->deadline_ms)
		request = json_extend(request, json_pack("{sI}", "deadlineMilliseconds",
							 (json_int_t)cli->deadline_ms));
	if (!strcmp(steer->action, "weight"))
		request = json_extend(request,
				      json_pack("{sI}", "weight", (json_int_t)steer->weight));
	return request;
}

static void say_drained(const json_t *answer)
{
	double deadline = json_number_value(json_object_get(answer, "deadlineSeconds"));
	char text[FORMAT_MAX];

	fputs(" takes no new connections from now on, on this node alone", stdout);
	if (deadline > 0)
		printf("; what it still has in %s is moved", format_age(deadline, text));
	puts("");
	if (!json_integer_value(json_object_get(answer, "takers")))
		puts("no backend of its Service takes new connections now, so that clients are "
		     "refused: 'gwbpf undrain' ends that");
}

static void say_weighed(const json_t *answer)
{
	const json_t *weight = json_object_get(answer, "weight");

	if (json_is_integer(weight))
		printf(" has weight %lld from now on, on this node alone%s\n",
		       (long long)json_integer_value(weight),
		       json_is_true(json_object_get(answer, "drained"))
			       ? ", once it is drained no more"
			       : "");
	else
		puts(" has the weight again that its Service gives it");
}

static void tell(const struct steer *steer, const json_t *answer)
{
	const char *backend = json_string_value(json_object_get(answer, "backend"));

	say_text(stdout, backend ? backend : "?");
	if (!strcmp(steer->action, "drain"))
		say_drained(answer);
	else if (!strcmp(steer->action, "undrain"))
		puts(" is drained by command no more, on this node");
	else
		say_weighed(answer);
}

static int print_answers(const struct cli *cli, const struct view *view, const struct steer *steer,
			 json_t *answers)
{
	const json_t *answer;
	size_t i;

	if (cli->output == CLI_OUTPUT_JSON)
		return json_print(cli, json_list(steer->list, lookup_node(view), answers));
	table_print_node(cli, lookup_node(view));
	json_array_foreach(answers, i, answer)
		tell(steer, answer);
	json_decref(answers);
	return EXIT_SUCCESS;
}

/* A pod may be a backend of several Services and ports: all of them are meant. */
static int steer_matching(const struct cli *cli, const struct view *view,
			  const struct service_filter *filter, const struct steer *steer)
{
	const struct view_backend *backends;
	size_t count = view_backends(view, &backends);
	json_t *answers = json_array();
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < count && status == EXIT_SUCCESS; i++) {
		const struct view_backend *backend = &backends[i];
		const struct named_port port = {backend->namespace, backend->service,
						backend->service_port_name, backend->service_port};
		json_t *answer;

		if (!naming_is_service(filter, &port) ||
		    !naming_is_backend(cli->backend, &backend->address, backend->port,
				       backend->pod))
			continue;
		if (control_ask(cli, steer->action, cli->backend, request_of(cli, steer, backend),
				&answer))
			status = EXIT_FAILURE;
		else
			json_add(&answers, answer);
	}
	if (!json_array_size(answers)) {
		json_decref(answers);
		return EXIT_FAILURE;
	}
	if (print_answers(cli, view, steer, answers))
		status = EXIT_FAILURE;
	return status;
}

static int run(const struct cli *given, const struct steer *steer)
{
	struct cli cli = *given;
	struct service_filter filter;
	int status = EXIT_FAILURE;
	struct view *view;

	cli.backend = cli.arguments[0];
	cli.argument_count = 0;
	if (lookup_open(&cli, &view))
		return EXIT_FAILURE;
	if (!lookup_service(&cli, view, &filter) && !lookup_backend(&cli, view, &filter))
		status = steer_matching(&cli, view, &filter, steer);
	view_close(view);
	return status;
}

int drain_run(const struct cli *cli)
{
	return run(cli, &(struct steer){.action = "drain", .list = "DrainList"});
}

int undrain_run(const struct cli *cli)
{
	return run(cli, &(struct steer){.action = "undrain", .list = "UndrainList"});
}

int weight_run(const struct cli *cli)
{
	struct steer steer = {.action = "weight", .list = "WeightList"};

	if (strcmp(cli->arguments[1], "default") &&
	    parse_u32(cli->arguments[1], 1, UINT16_MAX, &steer.weight)) {
		say_error(
			"weight cannot be '%s': it takes a number from 1 to %d, or 'default' for what "
			"the Service says; 'gwbpf drain' takes all new connections from a backend",
			cli->arguments[1], UINT16_MAX);
		return ARGS_EXIT_USAGE;
	}
	return run(cli, &steer);
}
