// SPDX-License-Identifier: Apache-2.0
/* `gwbpf explain`: why connections to a Service go where they go, and why not elsewhere. */
#include "cli/explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/control.h"
#include "cli/json_print.h"
#include "cli/lookup.h"
#include "cli/naming.h"
#include "cli/say.h"
#include "cli/usage.h"
#include "report/explain.h"

const struct argp_option explain_options[] = {
	{.name = "from",
	 .key = OPTION_FROM,
	 .arg = "POD",
	 .doc = "as this client sees it: a pod of this node, or the number of a process"},
	USAGE_NAMESPACE_OPTIONS,
	USAGE_WATCH_OPTION,
	{0},
};

/* Whom the command is about: an address and port, or a name. */
struct asked {
	bool is_address;
	struct gw_addr address;
	uint16_t port;
	struct service_filter filter;
};

static bool is_asked(const struct asked *asked, const struct view_service *service)
{
	struct named_port port = {service->namespace, service->name, service->port_name,
				  service->port};

	if (asked->is_address)
		return service->port == asked->port &&
		       !addr_compare(&service->address, &asked->address);
	return naming_is_service(&asked->filter, &port);
}

/* A name with its namespace may be of a Service that is not balanced; then the agent knows it. */
static int read_asked(const struct cli *cli, const struct view *view, struct asked *ret)
{
	const char *text = cli->arguments[0];

	*ret = (struct asked){0};
	ret->is_address = !addr_port_parse(text, &ret->address, &ret->port);
	if (ret->is_address)
		return 0;
	if (naming_read(text, &ret->filter) && !*ret->filter.namespace && cli->namespace)
		snprintf(ret->filter.namespace, sizeof(ret->filter.namespace), "%s",
			 cli->namespace);
	return *ret->filter.namespace ? 0 : lookup_service(cli, view, &ret->filter);
}

static const struct view_service *find_first(const struct view *view, const struct asked *asked)
{
	const struct view_service *services;
	size_t count = view_services(view, &services);

	for (size_t i = 0; i < count; i++)
		if (is_asked(asked, &services[i]))
			return &services[i];
	return NULL;
}

static json_t *ask_agent(const struct cli *cli, const struct asked *asked,
			 const struct view_service *service, char message[CONTROL_MESSAGE_MAX])
{
	const char *namespace = service ? service->namespace : asked->filter.namespace;
	const char *name = service ? service->name : asked->filter.name;
	json_t *body = *name ? json_pack("{so so}", "namespace", json_text(namespace), "name",
					 json_text(name))
			     : json_pack("{so si}", "address", json_address(&asked->address),
					 "port", asked->port);
	json_t *answer = NULL;

	*message = '\0';
	control_try(cli, "explain", cli->arguments[0], body, &answer, message);
	return answer;
}

/* Whether the agent speaks of the port that was asked for. */
static bool is_asked_port(const struct asked *asked, const json_t *port)
{
	const char *name = json_string_value(json_object_get(port, "portName"));
	json_int_t number = json_integer_value(json_object_get(port, "port"));

	if (asked->is_address)
		return number == asked->port;
	return (!asked->filter.port || asked->filter.port == number) &&
	       (!*asked->filter.port_name || (name && !strcmp(asked->filter.port_name, name)));
}

static json_t *services_to_json(const struct explain *explain, const struct asked *asked)
{
	const struct view_service *services;
	size_t count = view_services(explain->connections.view, &services), i;
	json_t *all = json_array();
	const json_t *port;

	for (i = 0; i < count; i++)
		if (is_asked(asked, &services[i]))
			json_add(&all, explain_service(explain, &services[i]));
	if (json_array_size(all))
		return all;
	json_array_foreach(json_object_get(explain->agent, "ports"), i, port)
		if (is_asked_port(asked, port))
			json_add(&all, explain_left_alone(explain, port));
	return all;
}

static json_t *to_json(const struct cli *cli, const struct explain *explain,
		       const struct asked *asked, const char *agent_message)
{
	json_t *services = services_to_json(explain, asked);
	json_t *stranger = asked->is_address && !json_array_size(services)
				   ? explain_stranger(explain, &asked->address, asked->port)
				   : json_pack("{sn sn}", "message", "remedy");
	json_t *value = json_answer("Explanation", lookup_node(explain->connections.view));

	value = json_extend(value,
			    json_pack("{so so s{sb so} so}", "target", json_text(cli->arguments[0]),
				      "from",
				      explain->from ? explain_client(explain, explain->from->cookie)
						    : json_null(),
				      "agent", "answered", explain->agent != NULL, "message",
				      json_text_or_null(agent_message), "services", services));
	return json_extend(value, stranger);
}

/* Nobody knows the name: what lookup_service() says of it. */
static bool is_unknown(const struct cli *cli, const struct explain *explain,
		       const struct asked *asked, const json_t *value)
{
	struct service_filter filter;

	return !asked->is_address && !json_array_size(json_object_get(value, "services")) &&
	       lookup_service(cli, explain->connections.view, &filter);
}

static int run(const struct cli *cli, struct explain *explain)
{
	char message[CONTROL_MESSAGE_MAX];
	int status = EXIT_FAILURE;
	struct asked asked;
	json_t *agent, *value;

	if (read_asked(cli, explain->connections.view, &asked))
		return EXIT_FAILURE;
	agent = ask_agent(cli, &asked, find_first(explain->connections.view, &asked), message);
	explain->agent = agent;
	value = to_json(cli, explain, &asked, message);
	if (!value)
		say_error("cannot explain '%s': out of memory", cli->arguments[0]);
	else if (is_unknown(cli, explain, &asked, value))
		json_decref(value);
	else
		status = cli->output == CLI_OUTPUT_JSON ? json_print(cli, value)
							: explain_print(cli, value);
	json_decref(agent);
	return status;
}

int explain_run(const struct cli *cli)
{
	char message[LOOKUP_MESSAGE_MAX];
	struct explain explain;
	int err = explain_open(cli->pin_dir, cli->from, &explain);
	int status;

	if (err == -ESRCH)
		say_error(
			"cannot find client '%s': give the name of a pod that runs on this node, or "
			"the number of a process",
			cli->from);
	else if (err)
		say_error("%s", lookup_message(cli->pin_dir, err, message));
	if (err)
		return EXIT_FAILURE;
	status = run(cli, &explain);
	explain_close(&explain);
	return status;
}
