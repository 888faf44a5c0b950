/* SPDX-License-Identifier: Apache-2.0 */
/* `-w`: what a command prints, again every second. */
#ifndef GWBPF_CLI_WATCH_H
#define GWBPF_CLI_WATCH_H

struct cli;
struct command;

/*
 * Run command until SIGINT or SIGTERM comes, or nobody reads standard output any more. On a terminal
 * each run takes the place of the one before it, cut to what the terminal has room for; elsewhere a
 * blank line stands between them. Returns the exit status of the last run.
 */
int watch_run(const struct cli *cli, const struct command *command);

#endif
