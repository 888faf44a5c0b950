// SPDX-License-Identifier: Apache-2.0
/* `gwbpf version`: what this program is made of and runs on. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>

#include <sys/utsname.h>

#include <gwbpf/abi.h>

#include "cli/cli.h"
#include "cli/json_print.h"
#include "cli/lookup.h"
#include "kernel/version.h"
#include "report/json.h"

static int print_json(const struct cli *cli, const struct utsname *system)
{
	json_t *more = json_pack("{ss si ss so}", "version", GWBPF_VERSION, "abi", GW_ABI_VERSION,
				 "libbpf", version_libbpf(), "kernel", json_text(system->release));

	return json_print(cli, json_extend(json_answer("Version", lookup_host()), more));
}

int version_run(const struct cli *cli)
{
	struct utsname system;

	if (uname(&system))
		snprintf(system.release, sizeof(system.release), "unknown");
	if (cli->output == CLI_OUTPUT_JSON)
		return print_json(cli, &system);
	printf("gwbpf %s (ABI %d, libbpf %s, kernel %s)\n", GWBPF_VERSION, GW_ABI_VERSION,
	       version_libbpf(), system.release);
	return EXIT_SUCCESS;
}
