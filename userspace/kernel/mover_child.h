/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mover.h in a process of its own, so that nobody can hold up whoever moves: the kernel may wait
 * for another process when it is looked into, for as long as that likes. A process that executes a
 * program, for example, waits until a file system of its own has let go of its files, and holds a
 * lock meanwhile that pidfd_getfd(2) needs.
 */
#ifndef GWBPF_KERNEL_MOVER_CHILD_H
#define GWBPF_KERNEL_MOVER_CHILD_H

#include <stddef.h>

#include "kernel/mover.h"

#define MOVER_CHILD_MOVES 64      /* at once */
#define MOVER_CHILD_STEP_MS 1000  /* for as long one move is waited for, */
#define MOVER_CHILD_TOTAL_MS 3000 /* and for all together */

struct mover_child;

/* The process is there when it is needed for the first time. -ENOMEM */
int mover_child_new(struct mover_child **ret);

/* Takes NULL. The process is killed; if it does not end by that, it is nobody's from here on. */
void mover_child_free(struct mover_child *child);

/*
 * Move them, and set the result of each. MOVE_HUNG: the step of this one did not come to an end. Those
 * after it are MOVE_BUSY then, and the next call has a new process. count: at most MOVER_CHILD_MOVES.
 * Returns as mover_run(), or why there is no process.
 */
int mover_child_run(struct mover_child *child, struct move *moves, size_t count);

#endif
