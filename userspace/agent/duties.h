/* SPDX-License-Identifier: Apache-2.0 */
/* What is not due at each of the agent's ticks, of which there is one a second. */
#ifndef GWBPF_AGENT_DUTIES_H
#define GWBPF_AGENT_DUTIES_H

enum duty {
	DUTY_CHECK_HOOKS = 1, /* by a canary */
	DUTY_AUDIT = 2,       /* a recount, in which nothing should be wrong */
};

/* A set of the above; the first tick is 1. */
unsigned int duties_at(unsigned int tick);

#endif
