// SPDX-License-Identifier: Apache-2.0
/* `gwbpf detach`: take everything out of the kernel again. */
#include "cli/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/json_print.h"
#include "cli/lookup.h"
#include "cli/say.h"
#include "cli/table.h"
#include "cli/usage.h"
#include "kernel/datapath.h"
#include "report/json.h"

const struct argp_option detach_options[] = {
	{.name = "force", .key = OPTION_FORCE, .doc = "also while an agent runs, which it ends"},
	{0},
};

static int print_json(const struct cli *cli, const char *message)
{
	json_t *more =
		json_pack("{sb so}", "detached", true, "message", json_text_or_null(message));

	return json_print(cli, json_extend(json_answer("Detach", lookup_host()), more));
}

int detach_run(const struct cli *cli)
{
	char message[DATAPATH_MESSAGE_MAX] = "";
	int err = datapath_detach(cli->pin_dir, cli->force, message);

	if (err) {
		say_error("%s%s", message,
			  err == -EPERM || err == -EACCES ? ": run it as root" : "");
		return EXIT_FAILURE;
	}
	if (cli->output == CLI_OUTPUT_JSON)
		return print_json(cli, message);
	table_print_node(cli, lookup_host());
	printf("nothing of gwbpf is attached or pinned in %s any more\n", cli->pin_dir);
	if (*message)
		puts(message);
	return EXIT_SUCCESS;
}
