/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the child that looks at backends gives up before it meets the first of them. Then it can
 * connect sockets that it was given, read the clock and speak through descriptors, and nothing else.
 */
#ifndef GWBPF_AGENT_CHECK_SANDBOX_H
#define GWBPF_AGENT_CHECK_SANDBOX_H

/* Close all descriptors but this one, which becomes number 3; standard input and output lead to
 * nowhere, standard error stays. 0 or -errno. */
int check_sandbox_close(int keep);

/* Give up every capability, and hide memory from debuggers and core files. 0 or -errno. */
int check_sandbox_drop(void);

/* Bound memory, and write no file. 0 or -errno. */
int check_sandbox_bound(void);

/* Forbid all system calls but those that looking needs: what else is tried fails with EPERM. After
 * all that opens a file, such as a library. 0 or -errno. */
int check_sandbox_enter(void);

#endif
