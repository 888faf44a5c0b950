/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child that looks at backends: a process of its own, with an address space of its own, that has
 * no rights and holds nothing of the agent. What a hostile peer sends meets it alone.
 */
#ifndef GWBPF_AGENT_CHECK_CHILD_H
#define GWBPF_AGENT_CHECK_CHILD_H

#include <stdbool.h>

/* What it is called; who is started under this name is the child. */
#define CHECK_CHILD_NAME "gwbpf-checker"

/* Look as the messages on descriptor 3 say (check_message.h), until that ends. Its exit status. */
int check_child_main(void);

#endif
