/* SPDX-License-Identifier: Apache-2.0 */
/* The rights that the agent keeps of those that it was started with. */
#ifndef GWBPF_AGENT_RIGHTS_H
#define GWBPF_AGENT_RIGHTS_H

/* Give up for good, for this process and its children, every capability that the agent has no use
 * for, and every way to get rights by executing a program. What the kernel says: -errno. */
int rights_drop(void);

#endif
