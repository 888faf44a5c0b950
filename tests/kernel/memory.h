/* SPDX-License-Identifier: Apache-2.0 */
/* A memory cgroup of the agent's own, as in Kubernetes, on machines with cgroup v1 and v2. */
#ifndef GWBPF_TESTS_MEMORY_H
#define GWBPF_TESTS_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* Make one for the agent and one for its clients. Whether that can be done here. */
bool memory_make(void);

/* This process goes there. */
void memory_be_agent(void);
void memory_be_client(void);

/* What the agent's is charged for, in bytes. */
uint64_t memory_used(void);

/* This process leaves them, and nothing is left. */
void memory_remove(void);

#endif
