/* SPDX-License-Identifier: Apache-2.0 */
/* Children that end with their parent. */
#ifndef GWBPF_BASE_CHILD_H
#define GWBPF_BASE_CHILD_H

#include <sys/types.h>

/* fork(2) or -1 and errno. The kernel kills the child as soon as the thread that made it has ended:
 * also if that was before the child could ask for it. */
pid_t child_fork(void);

#endif
