// SPDX-License-Identifier: Apache-2.0
#include "cli/tls_services.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json_print.h"
#include "cli/lookup.h"
#include "cli/naming.h"
#include "cli/table.h"
#include "cli/tls_print.h"
#include "kernel/view.h"
#include "report/certificates.h"
#include "report/status.h"

static bool is_wanted(const struct view_backend *backend, const void *arg)
{
	const struct service_filter *filter = arg;
	struct named_port port = {backend->namespace, backend->service, backend->service_port_name,
				  backend->service_port};

	return naming_is_service(filter, &port);
}

/* Its pod, which a person knows it by; else its address. */
static const char *owner_of(const json_t *item, char buf[TLS_OWNER_MAX])
{
	const char *pod = json_string_value(json_object_get(item, "pod"));
	const char *address = json_string_value(json_object_get(item, "address"));
	int port = (int)json_integer_value(json_object_get(item, "port"));
	bool has_colon = strchr(address, ':');

	if (pod)
		return pod;
	snprintf(buf, TLS_OWNER_MAX, "%s%s%s:%d", has_colon ? "[" : "", address,
		 has_colon ? "]" : "", port);
	return buf;
}

static void add_hints(const struct view *view, const json_t *items)
{
	const json_t *item;
	size_t i;

	if (!json_array_size(items))
		puts("no Service asks for names: give it the annotation gwbpf.io/tls-names=default");
	if (!status_agent_is_running(view_meta(view)))
		puts("no agent runs: this is what the last one saw");
	json_array_foreach(items, i, item) {
		if (!json_is_null(json_object_get(item, "ageSeconds")))
			continue;
		puts("a certificate without an expiry has not been seen: the agent looks only at "
		     "backends of Services that clients of this node have used in the last ten minutes");
		return;
	}
}

static bool is_good(const json_t *items)
{
	const json_t *item;
	size_t i;

	json_array_foreach(items, i, item)
		if (*json_string_value(json_object_get(item, "message")))
			return false;
	return true;
}

static int print(const struct cli *cli, const struct view *view,
		 const struct service_filter *filter)
{
	static const struct tls_printing printing = {"PEER", "certificate of ", owner_of};
	json_t *list = report_certificates(view, is_wanted, filter);
	const json_t *items = json_object_get(list, "items");
	bool good = is_good(items);
	int status;

	if (cli->output == CLI_OUTPUT_JSON) {
		status = json_print(cli, list);
	} else {
		table_print_node(cli, lookup_node(view));
		status = tls_print(cli, &printing, items);
		if (cli->headers)
			add_hints(view, items);
		json_decref(list);
	}
	return good ? status : EXIT_FAILURE;
}

int tls_run_services(const struct cli *cli)
{
	return lookup_run(cli, print);
}
