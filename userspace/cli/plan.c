// SPDX-License-Identifier: Apache-2.0
/* `gwbpf plan`: what manifests mean on one node. Touches no kernel and needs no root. */
#include "cli/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "cli/cli.h"
#include "cli/json_print.h"
#include "cli/lookup.h"
#include "cli/plan_input.h"
#include "cli/say.h"
#include "cli/table.h"
#include "cli/usage.h"
#include "model/choose.h"
#include "model/claims.h"
#include "model/store.h"
#include "model/why.h"
#include "report/json.h"

const struct argp_option plan_options[] = {
	{.name = "manifests",
	 .key = OPTION_MANIFESTS,
	 .arg = "PATH",
	 .doc = "a YAML or JSON file, a directory of them, or - for standard input; may be "
		"repeated"},
	{.name = "node-name",
	 .key = OPTION_NODE_NAME,
	 .arg = "NODE",
	 .doc = "the node to plan for (default the name of this host)"},
	{.name = "zone",
	 .key = OPTION_ZONE,
	 .arg = "ZONE",
	 .doc = "its zone (default unknown, so that zone hints match nothing)"},
	USAGE_NAMESPACE_OPTIONS,
	USAGE_WATCH_OPTION,
	{0},
};

/* The choices of one Service. */
struct chosen {
	struct choice *choices;
	size_t count;
};

struct plan_view {
	struct plan_input input;
	const char *namespace;     /* whose Services are shown; NULL: every one */
	const struct model *model; /* of what was read */
	struct place place;
	struct claims *claims;
	struct chosen *services;
	size_t count;
	int err;
};

static int refuse(struct plan_view *plan, const struct choice *choice, const char *message)
{
	const struct service *service = choice->service;
	char object[640];

	snprintf(object, sizeof(object), "Service '%s/%s'", service->namespace, service->name);
	return plan_input_refuse(&plan->input,
				 plan_input_file(&plan->input, service->namespace, service->name),
				 object, message);
}

/* Two Services with one address and port: the older keeps it, the other is left alone. */
static int claim(struct plan_view *plan, struct choice *choice)
{
	const struct service *service = choice->service;
	char owner[640], message[1024], address[ADDR_PORT_TEXT_MAX];
	const char *holder;
	int err;

	if (choice->verdict == VERDICT_LEAVE_ALONE)
		return 0;
	snprintf(owner, sizeof(owner), "%s/%s", service->namespace, service->name);
	err = claims_take(plan->claims, &choice->vip, choice->port, owner, &holder);
	if (err != -EEXIST)
		return err;
	snprintf(message, sizeof(message),
		 "cannot balance %s: it is the address of Service '%s' too: give one of them "
		 "another clusterIP",
		 addr_port_format(&choice->vip, choice->port, address), holder);
	choice->verdict = VERDICT_LEAVE_ALONE;
	choice->reason = CHOICE_INVALID;
	return refuse(plan, choice, message);
}

static int report_surplus(struct plan_view *plan, const struct choice *choice)
{
	char message[256];

	if (!choice->surplus)
		return 0;
	snprintf(message, sizeof(message),
		 "cannot use %zu of its endpoints: %d at most are chosen from: split the Service",
		 choice->surplus, GW_SET_MAX);
	return refuse(plan, choice, message);
}

struct unmatched {
	size_t count; /* endpoints that lack a port of that name */
	size_t others;
};

static void count_unmatched(const struct why_endpoint *endpoint, void *arg)
{
	struct unmatched *unmatched = arg;

	if (endpoint->why == WHY_NO_PORT)
		unmatched->count++;
	else
		unmatched->others++;
}

/* There are endpoints, ready or not, but none has the port: it is the names that do not fit. */
static int report_unmatched(struct plan_view *plan, const struct choice *choice)
{
	struct unmatched unmatched = {0};
	char message[512], named[GW_NAME_MAX + 16] = "without a name";

	if (choice->verdict != VERDICT_REFUSE || choice->reason != CHOICE_NO_ENDPOINTS)
		return 0;
	why_visit_endpoints(plan->model, choice, count_unmatched, &unmatched);
	if (!unmatched.count || unmatched.others)
		return 0;
	if (*choice->port_name)
		snprintf(named, sizeof(named), "named '%s'", choice->port_name);
	snprintf(
		message, sizeof(message),
		"no endpoint (of %zu) is used for port %u: the EndpointSlices have no TCP port %s: "
		"give both ports the same name",
		unmatched.count, choice->port, named);
	return refuse(plan, choice, message);
}

static int plan_service(struct plan_view *plan, const struct service *service)
{
	struct chosen *chosen = &plan->services[plan->count];
	int err;

	err = choose(plan->model, service, &plan->place, &chosen->choices, &chosen->count);
	if (!err)
		plan->count++;
	return err;
}

static int compare_ages(const void *a, const void *b)
{
	const struct chosen *left = *(const struct chosen *const *)a;
	const struct chosen *right = *(const struct chosen *const *)b;
	int order = 0;

	if (left->count && right->count)
		order = service_compare_ages(left->choices->service, right->choices->service);
	return order ? order : (left > right) - (left < right); /* by name */
}

/* The older Service has an address that two of them claim, as in the agent. */
static int settle_claims(struct plan_view *plan)
{
	struct chosen **by_age = calloc(plan->count + 1, sizeof(*by_age));
	size_t i, j;
	int err = 0;

	if (!by_age)
		return -ENOMEM;
	for (i = 0; i < plan->count; i++)
		by_age[i] = &plan->services[i];
	qsort(by_age, plan->count, sizeof(*by_age), compare_ages);
	for (i = 0; i < plan->count && !err; i++) {
		for (j = 0; j < by_age[i]->count && !err; j++) {
			err = claim(plan, &by_age[i]->choices[j]);
			if (!err)
				err = report_surplus(plan, &by_age[i]->choices[j]);
			if (!err)
				err = report_unmatched(plan, &by_age[i]->choices[j]);
		}
	}
	free(by_age);
	return err;
}

static bool on_service(const char *namespace, const char *name, void *arg)
{
	struct plan_view *plan = arg;
	const struct service *service = model_find_service(plan->model, namespace, name);

	/* A name may be known from slices alone. */
	if (service && !plan->err)
		plan->err = plan_service(plan, service);
	return true;
}

static int read_all(struct plan_input *input, const char *const *paths, size_t count)
{
	size_t i;
	int err = 0;

	for (i = 0; i < count && !err; i++)
		err = plan_input_read(input, paths[i]);
	return err;
}

static int make_plan(const struct cli *cli, struct plan_view *plan)
{
	int err;

	plan->place.node = cli->node_name ? cli->node_name : lookup_host();
	plan->place.zone = cli->zone ? cli->zone : "";
	err = plan_input_init(&plan->input);
	if (!err)
		err = read_all(&plan->input, cli->manifests, cli->manifest_count);
	if (!err)
		err = read_all(&plan->input, cli->arguments, cli->argument_count);
	if (!err)
		err = claims_new(&plan->claims);
	if (err)
		return err;
	plan->model = store_model(plan->input.store);
	plan->services = calloc(model_service_count(plan->model) + 1, sizeof(*plan->services));
	if (!plan->services)
		return -ENOMEM;
	model_visit_all(plan->model, on_service, plan);
	return plan->err ? plan->err : settle_claims(plan);
}

static void plan_view_done(struct plan_view *plan)
{
	size_t i;

	for (i = 0; i < plan->count; i++)
		choices_free(plan->services[i].choices, plan->services[i].count);
	free(plan->services);
	claims_free(plan->claims);
	plan_input_done(&plan->input);
}

static json_t *backends_to_json(const struct choice *choice)
{
	json_t *backends = json_array();
	size_t i;

	for (i = 0; i < choice->member_count; i++) {
		const struct member *member = &choice->members[i];
		const struct endpoint *endpoint = member->endpoint;

		json_add(&backends,
			 json_pack("{so si so so si sb}", "address", json_address(&member->address),
				   "port", member->port, "pod", json_text_or_null(endpoint->pod),
				   "node", json_text_or_null(endpoint->node), "weight",
				   member->weight, "terminating", endpoint->terminating));
	}
	return backends;
}

/* All were planned: whose address it is may depend on a Service of another namespace. */
static bool is_shown(const struct plan_view *plan, const struct chosen *chosen)
{
	return !plan->namespace ||
	       (chosen->count && !strcmp(chosen->choices->service->namespace, plan->namespace));
}

/* A Service that has no address, or no port, is left alone because of that: both are null. */
static json_t *choice_to_json(const struct choice *choice)
{
	const struct service *service = choice->service;

	return json_pack("{so so so so so ss? ss ss so}", "namespace",
			 json_text(service->namespace), "name", json_text(service->name),
			 "portName", json_text(choice->port_name), "address",
			 choice->port ? json_address(&choice->vip) : json_null(), "port",
			 choice->port ? json_integer(choice->port) : json_null(), "policy",
			 service->settings_good ? policy_name(service->settings.policy) : NULL,
			 "verdict", verdict_name(choice->verdict), "reason",
			 choice_reason_name(choice->reason), "backends", backends_to_json(choice));
}

static json_t *refusals_to_json(const struct refusals *refusals)
{
	json_t *items = json_array();
	size_t i;

	for (i = 0; i < refusals->count; i++) {
		const struct refusal *refusal = &refusals->items[i];
		const char *object = *refusal->object ? refusal->object : refusal->file;

		json_add(&items,
			 json_pack("{so so so}", "object", json_text(object), "message",
				   json_text(refusal->message), "file", json_text(refusal->file)));
	}
	return items;
}

static int print_json(const struct cli *cli, const struct plan_view *plan)
{
	json_t *services = json_array();
	json_t *more;
	size_t i, j;

	for (i = 0; i < plan->count; i++)
		for (j = 0; is_shown(plan, &plan->services[i]) && j < plan->services[i].count; j++)
			json_add(&services, choice_to_json(&plan->services[i].choices[j]));
	more = json_pack("{so so sI}", "services", services, "refused",
			 refusals_to_json(&plan->input.refusals), "skipped",
			 (json_int_t)plan->input.skipped);
	return json_print(cli, json_extend(json_answer("Plan", plan->place.node), more));
}

static void add_service_row(struct table *table, const struct choice *choice)
{
	static const enum table_mood moods[] = {
		[VERDICT_BALANCE] = TABLE_GOOD,
		[VERDICT_REFUSE] = TABLE_BAD,
		[VERDICT_LEAVE_ALONE] = TABLE_DOUBTFUL,
	};
	const struct service *service = choice->service;
	char text[ADDR_PORT_TEXT_MAX];

	table_row(table);
	table_text(table, service->namespace);
	table_text(table, service->name);
	table_text(table, choice->port_name);
	table_text(table, choice->port ? addr_port_format(&choice->vip, choice->port, text) : "");
	table_text(table, service->settings_good ? policy_name(service->settings.policy) : "");
	table_state(table, verdict_name(choice->verdict), moods[choice->verdict]);
	table_text(table, choice_reason_name(choice->reason));
	table_number(table, choice->member_count);
}

static void add_backend_rows(struct table *table, const struct choice *choice)
{
	const struct service *service = choice->service;
	char text[ADDR_PORT_TEXT_MAX];
	size_t i;

	for (i = 0; i < choice->member_count; i++) {
		const struct member *member = &choice->members[i];

		table_row(table);
		table_text(table, service->namespace);
		table_text(table, service->name);
		table_text(table, choice->port_name);
		table_text(table, addr_port_format(&member->address, member->port, text));
		table_text(table, member->endpoint->pod);
		table_text(table, member->endpoint->node);
		table_number(table, member->weight);
		table_text(table, member->endpoint->terminating ? "yes" : "no");
	}
}

static const struct table_column service_columns[] = {
	{"NAMESPACE", 0}, {"NAME", 0},    {"PORT", 0},   {"ADDRESS", 0},
	{"POLICY", 0},    {"VERDICT", 0}, {"REASON", 0}, {"BACKENDS", TABLE_RIGHT},
};

static const struct table_column backend_columns[] = {
	{"NAMESPACE", 0}, {"SERVICE", 0},          {"PORT", 0},        {"ADDRESS", 0}, {"POD", 0},
	{"NODE", 0},      {"WEIGHT", TABLE_RIGHT}, {"TERMINATING", 0},
};

static int print_rows(const struct cli *cli, const struct plan_view *plan,
		      const struct table_column columns[8],
		      void (*add)(struct table *table, const struct choice *choice))
{
	struct table *table;
	size_t i, j;
	int status;

	if (table_new(cli, columns, 8, &table))
		return EXIT_FAILURE;
	for (i = 0; i < plan->count; i++)
		for (j = 0; is_shown(plan, &plan->services[i]) && j < plan->services[i].count; j++)
			add(table, &plan->services[i].choices[j]);
	status = table_print(table);
	table_free(table);
	return status;
}

static void print_refusals(const struct refusals *refusals)
{
	size_t i;

	for (i = 0; i < refusals->count; i++) {
		const struct refusal *refusal = &refusals->items[i];

		say_error("refused: %s: %s%s%s", refusal->file, refusal->object,
			  *refusal->object ? ": " : "", refusal->message);
	}
}

static void print_skipped(const struct plan_input *input)
{
	if (input->skipped)
		say_error("%zu object%s of other kinds skipped (%s)", input->skipped,
			  input->skipped == 1 ? "" : "s", input->skipped_kinds);
}

static int print_text(const struct cli *cli, const struct plan_view *plan)
{
	int status;

	table_print_node(cli, plan->place.node);
	status = print_rows(cli, plan, service_columns, add_service_row);
	if (status == EXIT_SUCCESS && cli->output == CLI_OUTPUT_WIDE) {
		putchar('\n');
		status = print_rows(cli, plan, backend_columns, add_backend_rows);
	}
	print_refusals(&plan->input.refusals);
	print_skipped(&plan->input);
	return status;
}

static bool reads_standard_input(const struct cli *cli)
{
	for (size_t i = 0; i < cli->manifest_count; i++)
		if (!strcmp(cli->manifests[i], "-"))
			return true;
	for (size_t i = 0; i < cli->argument_count; i++)
		if (!strcmp(cli->arguments[i], "-"))
			return true;
	return false;
}

int plan_run(const struct cli *cli)
{
	struct plan_view plan = {.namespace = cli->namespace};
	int status = EXIT_FAILURE;

	if (cli->is_watching && reads_standard_input(cli)) {
		say_error("standard input can be read once: give files to watch them");
		return ARGS_EXIT_USAGE;
	}
	if (!cli->manifest_count && !cli->argument_count) {
		say_error("cannot plan without manifests: give --manifests PATH");
		return ARGS_EXIT_USAGE;
	}
	if (make_plan(cli, &plan)) {
		say_error("cannot make the plan: out of memory");
		goto out;
	}
	status = cli->output == CLI_OUTPUT_JSON ? print_json(cli, &plan) : print_text(cli, &plan);
	if (!plan.input.files_read)
		status = EXIT_FAILURE;
out:
	plan_view_done(&plan);
	return status;
}
