// SPDX-License-Identifier: Apache-2.0
/* The program: every command in one table, from which help and completions are made too. */
#include "agent/agent.h"
#include "cli/cli.h"
#include "cli/commands.h"

static const struct command commands[] = {
	{ .name = "agent",
	  .help = "follow Services and endpoints and balance connections, in the foreground",
	  .options = agent_options,
	  .main = agent_main },
	{ .name = "status",
	  .help = "what is attached, whether the agent runs, and what to do if not",
	  .run = status_run },
	{ .name = "services",
	  .help = "a line for each Service address and port",
	  .run = services_run },
	{ .name = "backends",
	  .help = "a line for each backend",
	  .arguments = "[SERVICE]",
	  .arguments_max = 1,
	  .run = backends_run },
	{ .name = "connections",
	  .help = "live balanced connections, across network namespaces",
	  .arguments = "[SERVICE]",
	  .arguments_max = 1,
	  .options = connections_options,
	  .run = connections_run },
	{ .name = "plan",
	  .help = "what manifests mean on this node, without kernel access or root",
	  .arguments = "[PATH...]",
	  .arguments_max = 1000000,
	  .options = plan_options,
	  .run = plan_run },
	{ .name = "check",
	  .help = "whether this node can run gwbpf, and the remedy for what is missing",
	  .options = check_options,
	  .run = check_run },
	{ .name = "detach",
	  .help = "detach every hook and remove all that is pinned, while connections go on",
	  .options = detach_options,
	  .run = detach_run },
	{ .name = "version",
	  .help = "versions of the program, its ABI, libbpf and the kernel",
	  .run = version_run },
	{ .name = "completion",
	  .help = "print the completions for a shell",
	  .arguments = "bash|zsh|fish",
	  .arguments_min = 1,
	  .arguments_max = 1,
	  .run = completion_run },
	{ .name = "help",
	  .help = "list the commands, or explain one",
	  .arguments = "[COMMAND]",
	  .arguments_max = 1,
	  .run = help_run },
};

int main(int argc, char **argv)
{
	return cli_main(commands, sizeof(commands) / sizeof(commands[0]), argc, argv);
}
