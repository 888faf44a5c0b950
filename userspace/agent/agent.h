/* SPDX-License-Identifier: Apache-2.0 */
/* `gwbpf agent`: source, model and tables in one event loop. */
#ifndef GWBPF_AGENT_AGENT_H
#define GWBPF_AGENT_AGENT_H

#include <argp.h>

/* For help, completions and the man page. */
extern const struct argp_option agent_options[];

/* Runs until a signal ends it. argv[0] is "agent". Returns the exit status. */
int agent_main(int argc, char **argv);

#endif
