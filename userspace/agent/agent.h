/* SPDX-License-Identifier: Apache-2.0 */
/* The agent: follows the source and keeps the kernel's tables in step. */
#ifndef GWBPF_AGENT_AGENT_H
#define GWBPF_AGENT_AGENT_H

/* The command `gwbpf agent`, with its options; argv[0] is "agent". Returns the exit status. */
int agent_main(int argc, char **argv);

#endif
