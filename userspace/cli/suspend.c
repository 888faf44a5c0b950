// SPDX-License-Identifier: Apache-2.0
/* `gwbpf suspend` and `gwbpf resume`: leave Services to kube-proxy, on this node, at once. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json_print.h"
#include "cli/lookup.h"
#include "cli/naming.h"
#include "cli/say.h"
#include "cli/table.h"
#include "kernel/steer.h"
#include "kernel/view.h"
#include "report/json.h"

static int steer(const struct cli *cli, const struct view_service *service, bool suspend)
{
	int err = steer_suspend(cli->pin_dir, service, suspend);
	char message[LOOKUP_MESSAGE_MAX];

	if (err)
		say_error("%s", lookup_message(cli->pin_dir, err, message));
	return err;
}

static int steer_matching(const struct cli *cli, const struct view *view,
			  const struct service_filter *filter, bool suspend)
{
	const struct view_service *services;
	size_t count = view_services(view, &services);
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		const struct named_port port = {
			.namespace = services[i].namespace,
			.name = services[i].name,
			.port_name = services[i].port_name,
			.port = services[i].port,
		};

		if (naming_is_service(filter, &port))
			err = steer(cli, &services[i], suspend);
	}
	return err;
}

static int tell(const struct cli *cli, const struct view *view, bool suspend)
{
	const char *what = cli->argument_count ? cli->arguments[0] : "every Service";

	if (cli->output == CLI_OUTPUT_JSON)
		return json_print(json_extend(
			json_answer(suspend ? "Suspend" : "Resume", lookup_node(view)),
			json_pack("{so sb}", "service",
				  cli->argument_count ? json_text(what) : json_null(), "suspended",
				  suspend)));
	table_print_node(cli, lookup_node(view));
	if (suspend)
		printf("%s is left to kube-proxy from now on, on this node alone; connections that "
		       "exist live on\n",
		       what);
	else
		printf("%s is balanced again, on this node\n", what);
	return EXIT_SUCCESS;
}

static int run(const struct cli *cli, bool suspend)
{
	struct service_filter filter = {0};
	struct view *view;
	int err;

	if (lookup_open(cli, &view))
		return EXIT_FAILURE;
	err = lookup_service(cli, view, &filter);
	/* To resume everything ends what was suspended by name as well. */
	if (!err && (cli->argument_count || !suspend))
		err = steer_matching(cli, view, &filter, suspend);
	if (!err && !cli->argument_count)
		err = steer(cli, NULL, suspend);
	err = err ? EXIT_FAILURE : tell(cli, view, suspend);
	view_close(view);
	return err;
}

int suspend_run(const struct cli *cli)
{
	return run(cli, true);
}

int resume_run(const struct cli *cli)
{
	return run(cli, false);
}
