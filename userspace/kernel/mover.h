/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving a connection: its application is told, by an end of file, that the peer will send no more.
 * It closes, connects anew, and the connect hook picks again.
 *
 * The socket is found among the descriptors of the process that opened it, duplicated by
 * pidfd_getfd(2), and shut down for reading. Its cookie decides that it is the one: neither a
 * process id nor a descriptor that is used again can lead to another socket. Nothing is left open,
 * wherever this process is killed. Needs CAP_SYS_PTRACE and the node's process ids.
 *
 * It blocks for as long as it takes to look through descriptors, and for as long as a process that
 * is looked into wants it: not for an event loop, and see mover_child.h.
 */
#ifndef GWBPF_KERNEL_MOVER_H
#define GWBPF_KERNEL_MOVER_H

#include <stddef.h>
#include <stdint.h>

/* What came of it: name in the metrics, and what it means. */
#define MOVE_RESULTS(X)                                                                            \
	X(MOVED, "moved", "its application was told to connect anew")                              \
	X(BUSY, "busy", "it had traffic again when it was looked at once more")                    \
	X(ENDED, "ended", "it ended by itself before")                                             \
	X(SHARED, "shared", "several processes hold it: one of them would lose it unasked")        \
	X(UNFOUND, "unfound", "no process holds a descriptor of it")                               \
	X(FORBIDDEN, "forbidden", "its process may not be looked into: see gwbpf check")           \
	X(STUCK, "stuck", "its application has not closed it though it was told to")               \
	X(HUNG, "hung", "its process did not let itself be looked into: its pod is left alone")

enum move_result {
#define MOVE_RESULT_ENUM(id, name, text) MOVE_##id,
	MOVE_RESULTS(MOVE_RESULT_ENUM)
#undef MOVE_RESULT_ENUM
		MOVE_RESULT_MAX_
};

const char *move_result_name(enum move_result result);
const char *move_result_text(enum move_result result);

/* A connection that is to be moved, as a walk over connections found it (gwbpf/walk.h). */
struct move {
	uint64_t cookie;
	uint64_t inode;
	uint32_t holders;
	uint32_t tgid; /* process that opened it, in the first pid namespace */
	uint32_t
		quiet_ms; /* moved only if data was neither sent nor received for as long; 0: in any
			    * case */
	/* mover_run(): what came of it; while it looks into a process: MOVE_HUNG. MOVE_STUCK is for
	 * later. */
	enum move_result result;
};

/* Move them, and set the result of each. 0; -ENOMEM, or what the kernel says, if all processes had
 * to be looked through and could not be: then those not found are MOVE_UNFOUND. */
int mover_run(struct move *moves, size_t count);

/* Close what was taken from a process. If that has closed its own meanwhile, this is the last
 * descriptor, and close(2) would wait for as long as the application's SO_LINGER says: a timer, whose
 * signal is SIGRTMIN, ends the wait, and the kernel ends the connection by itself. */
void mover_let_go(int fd);

#endif
