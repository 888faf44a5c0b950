/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients are called in the log and in events: by their pods, or else by their processes, or
 * else by the cookies of their network namespaces. The pod is that of the cgroup in which the kernel
 * saw the connect, and its name is the kubelet's: nothing of it is the client's own word.
 */
#ifndef GWBPF_AGENT_CLIENT_NAMES_H
#define GWBPF_AGENT_CLIENT_NAMES_H

#include <stdint.h>

#include <gwbpf/abi.h>

struct clients;
struct gw_origin;

#define CLIENT_COMMAND_MAX 16 /* TASK_COMM_LEN */
#define CLIENT_TEXT_MAX 384

/* "" and 0: not known. */
struct client_name {
	uint64_t cookie; /* of the network namespace; 0: nobody's doing */
	uint32_t pid;
	char namespace[GW_NAME_MAX];
	char pod[GW_LONG_NAME_MAX]; /* its name or UID */
	/* of the process, where that is in no pod: its own word, with '?' for what ends a quotation */
	char command[CLIENT_COMMAND_MAX];
};

/* All zero: nobody has been looked for. */
struct client_names {
	struct clients *clients;
	int err; /* why there are none */
};

/*
 * The name of the client with this cookie, by the origin of its connection; all 0: only the cookie is
 * known. What is found is kept until client_names_done(), which is to follow soon: numbers of
 * processes are given out again. At most so many cgroups and processes are looked at until then; who
 * comes later has the cookie for a name.
 */
#define CLIENT_NAMES_LOOKS 256
void client_names_find(struct client_names *names, uint64_t cookie, const struct gw_origin *origin,
		       struct client_name *ret);
void client_names_done(struct client_names *names);

/* "pod fabric/gateway-client-0", "process 4711 'java'", "a client (network namespace cookie 17)". */
const char *client_name_text(const struct client_name *name, char buf[CLIENT_TEXT_MAX]);

#endif
