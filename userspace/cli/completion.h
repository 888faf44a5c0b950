/* SPDX-License-Identifier: Apache-2.0 */
/* A script for each shell. */
#ifndef GWBPF_CLI_COMPLETION_H
#define GWBPF_CLI_COMPLETION_H

struct cli;

void completion_print_bash(const struct cli *cli);
void completion_print_zsh(const struct cli *cli);
void completion_print_fish(const struct cli *cli);

#endif
