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
#include "kernel/proxies.h"
#include "kernel/steer.h"
#include "kernel/view.h"
#include "report/json.h"

#define NAMES_MAX 512

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

/* Who is meant, in words. Returns buf. */
static const char *name_services(const struct cli *cli, char buf[NAMES_MAX])
{
	if (cli->argument_count)
		snprintf(buf, NAMES_MAX, "%s", cli->arguments[0]);
	else if (cli->namespace)
		snprintf(buf, NAMES_MAX, "every Service of namespace %s", cli->namespace);
	else
		snprintf(buf, NAMES_MAX, "every Service");
	return buf;
}

/* What a client meets while gwbpf leaves its connects alone; "": kube-proxy, as it should. */
static const char *who_else_serves(void)
{
	struct proxy_rules rules[PROXY_MAX_];
	bool is_hidden = !proxies_look(rules);

	for (size_t i = 0; i < PROXY_MAX_; i++) {
		if (!rules[i].err && rules[i].is_there && rules[i].services)
			return "";
		is_hidden = is_hidden || rules[i].err;
	}
	if (is_hidden)
		return "whether kube-proxy serves it cannot be seen from here: see that it runs on "
		       "this node, or end this with 'gwbpf resume'";
	return "kube-proxy has no rules for Services on this node: unless somebody else serves it, "
	       "its clients cannot connect: 'gwbpf resume' ends that";
}

static json_t *to_json(const struct cli *cli, const struct view *view, bool suspend,
		       const char *message)
{
	return json_extend(json_answer(suspend ? "Suspend" : "Resume", lookup_node(view)),
			   json_pack("{so sb so}", "service",
				     json_text_or_null(cli->argument_count ? cli->arguments[0]
									   : NULL),
				     "suspended", suspend, "message", json_text_or_null(message)));
}

static int tell(const struct cli *cli, const struct view *view, bool suspend)
{
	const char *message = suspend ? who_else_serves() : "";
	char who[NAMES_MAX];

	if (cli->output == CLI_OUTPUT_JSON)
		return json_print(cli, to_json(cli, view, suspend, message));
	table_print_node(cli, lookup_node(view));
	say_text(stdout, name_services(cli, who));
	puts(suspend ? " is left to kube-proxy from now on, on this node alone; connections that "
		       "exist live on"
		     : " is balanced again, on this node");
	if (*message)
		puts(message);
	return EXIT_SUCCESS;
}

/* While all are suspended, to resume one changes nothing that a client would see. */
static int refuse_resume(const struct cli *cli)
{
	char who[NAMES_MAX];

	say_error("cannot resume %s: all Services are suspended: 'gwbpf resume' without a name "
		  "balances all of them again",
		  name_services(cli, who));
	return EXIT_FAILURE;
}

static int change(const struct cli *cli, const struct view *view, bool suspend)
{
	bool is_for_all = !cli->argument_count && !cli->namespace;
	struct service_filter filter = {0};
	int err = lookup_service(cli, view, &filter);

	if (!err && !suspend && !is_for_all && view_meta(view)->suspended)
		return refuse_resume(cli);
	/* To resume everything ends what was suspended by name as well. */
	if (!err && !(is_for_all && suspend))
		err = steer_matching(cli, view, &filter, suspend);
	if (!err && is_for_all)
		err = steer(cli, NULL, suspend);
	return err ? EXIT_FAILURE : tell(cli, view, suspend);
}

static int run(const struct cli *cli, bool suspend)
{
	struct view *view;
	int status;

	if (lookup_open(cli, &view))
		return EXIT_FAILURE;
	status = change(cli, view, suspend);
	view_close(view);
	return status;
}

int suspend_run(const struct cli *cli)
{
	return run(cli, true);
}

int resume_run(const struct cli *cli)
{
	return run(cli, false);
}
