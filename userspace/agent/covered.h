/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the agent's hooks see the pods of this node, and what is said if not. */
#ifndef GWBPF_AGENT_COVERED_H
#define GWBPF_AGENT_COVERED_H

#include <gwbpf/abi.h>

#include "agent/options.h"

/* Judge the cgroup of the hooks, and log what follows. Returns why the agent cannot start there, with
 * the remedy, or NULL. */
const char *covered_check(const struct options *options, int cgroup_fd, enum gw_cover *ret);

/* The first pod of a node that is itself a container may come after the agent: look again, if none
 * was covered before. Logs it. */
void covered_check_again(const struct options *options, int cgroup_fd, enum gw_cover *cover);

#endif
