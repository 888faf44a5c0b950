/* SPDX-License-Identifier: Apache-2.0 */
/* Backends that answer: each a process that does one thing with every connection. */
#ifndef GWBPF_TESTS_SERVER_H
#define GWBPF_TESTS_SERVER_H

#include <sys/types.h>

enum server_manner {
	SERVER_GREET, /* send the last byte of the address that was reached; stay to the end */
	SERVER_CLOSE, /* close at once */
	SERVER_RESET, /* reset at once */
};

/* Serve what lab_listen() returned, which is the server's from now on. */
pid_t server_start(int listener, enum server_manner manner);
void server_stop(pid_t pid);

/* The byte of a greeting: who was reached. -errno; -ENODATA if it closed instead. */
int server_greeting(int fd);

#endif
