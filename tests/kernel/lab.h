/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place where the shipped programs meet real sockets: a network namespace, a bpffs and a scratch
 * cgroup of this process's own, which go away with it, however it ends.
 */
#ifndef GWBPF_TESTS_LAB_H
#define GWBPF_TESTS_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <gwbpf/abi.h>

#include "kernel/datapath.h"
#include "kernel/tables.h"
#include "kernel/view.h"

#define LAB_PINS "/mnt/gwbpf"
#define LAB_TEXT 64           /* of an address and port */
#define LAB_PATIENCE_MS 60000 /* for what comes at once where nobody else is busy */
#define LAB_ADDRESSES 8       /* 10.1.0.1 to .8 and fd00::1 to ::8 are this host's own */

/*
 * Run a group of tests inside a lab, between start and stop (NULL: nothing to do). Returns what
 * main() shall return.
 */
int lab_main(const struct CMUnitTest *tests, size_t count, CMFixtureFunction start,
	     CMFixtureFunction stop);

/* Load and attach, with empty tables; and undo it. For each test, or, as it takes half a second,
 * for all of a group. */
int lab_start(void **state);
int lab_stop(void **state);

/* For the set-up of a test in a group's lab: no Service and no backend of others is left. */
int lab_begin(void **state);

struct lab {
	const char *namespace; /* of the Services to come */
	struct datapath *datapath;
	struct tables *tables;
	char cgroup[256];
	struct settings settings; /* of the Services to come, their policy apart; all 0: nothing */
	uint32_t affinity_s;      /* likewise; 0: no session affinity */
	const uint64_t *excepted; /* likewise: cgroups that they except, in order */
	size_t excepted_count;
	uint32_t max_services; /* for the next lab_open() */
	uint32_t max_backends;
	/* What lab_service() last found no room for; "": nothing. */
	char refusal[GW_MESSAGE_MAX + LAB_TEXT];
};

extern struct lab lab;

/* Open the datapath and its tables (again), and attach. */
void lab_open(void);
void lab_close(void);

/* The same at another cgroup, where attaching may fail: returns what datapath_attach() says. */
int lab_try_open(const char *cgroup, char message[DATAPATH_MESSAGE_MAX]);

/*
 * Give the Service NAME of lab.namespace at vip:port these backends ("10.1.0.1:7051", or
 * "10.1.0.1:7051*3" for one of weight 3), in place of those it had. NULL ends the list; an empty
 * list is a Service without backends.
 */
void lab_service(const char *name, const char *vip, enum gw_policy policy,
		 const char *const *backends);
void lab_remove_service(const char *name);

/* The same for other processes, which must not use cmocka: returns what tables_apply() says. */
int lab_try_service(const char *name, const char *vip, enum gw_policy policy,
		    const char *const *backends);
int lab_try_remove_service(const char *name);

/* The Service "lab/peers" at vip with this one backend. */
void lab_serve_by(const char *vip, const char *backend);

/* Every client trusts every backend again. */
void lab_forgive(void);

/* Leave for a network namespace of this process's own, with the addresses of the lab. */
void lab_enter_namespace(void);

/* A listening socket; it never accepts, connections complete all the same. */
int lab_listen(const char *address);

/* Connect a new socket of the family of the address; `mapped`: IPv4 through an IPv6 socket.
 * Returns the socket, or -errno. */
int lab_connect(const char *address);
int lab_connect_mapped(const char *address);

/* connect(2) on this socket. 0 or -errno. */
int lab_dial(int fd, const char *address);

/* A connect that does not wait, and what became of it: 0 or an errno. */
int lab_begin_dial(const char *address);
int lab_dial_error(int fd);

/* Back to a socket that is not connected. */
void lab_disconnect(int fd);

/* A new IPv4 socket that has no room for a record. */
int lab_full_socket(void);

/* Reset, and close: it is over when this returns. */
void lab_abort(int fd);

/* What getpeername(2) and the kernel's own view of the socket say, as text. */
const char *lab_peer_name(int fd, char *buf);

/* A picture of the maps; view_close() it. */
struct view *lab_view(void);

/* The backend with this address of the picture. Fails the test if there is none. */
const struct view_backend *lab_backend(const struct view *view, const char *address);
const struct view_service *lab_find_service(const struct view *view, const char *name);
uint64_t lab_reason(enum gw_reason reason);

/* Wait, for LAB_PATIENCE_MS at most, until check() holds; whether it does in the end. */
bool lab_becomes(bool (*check)(void *arg), void *arg);
void lab_wait(bool (*check)(void *arg), void *arg, const char *what);

/* fork(2), for a child that ends when its parent does, however that ends. */
pid_t lab_fork(void);

/* Run a shell command; fails the test if it fails. */
void lab_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
