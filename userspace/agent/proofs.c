// SPDX-License-Identifier: Apache-2.0
#include "agent/proofs.h"

#include <errno.h>
#include <event2/buffer.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/canary.h"

struct proof {
	uint32_t index; /* of the entry */
	struct gw_vip_key key;
};

struct proofs {
	struct tables *tables;
	struct gw_vip_key *taken; /* by index of the entry; protocol 0: it is not */
	size_t entries;
	uint32_t next;
	struct proof chosen[PROOFS_MAX];
	size_t count;
};

int proofs_new(struct tables *tables, struct proofs **ret)
{
	struct proofs *proofs = calloc(1, sizeof(*proofs));
	struct gw_service *services;

	if (!proofs)
		return -ENOMEM;
	proofs->tables = tables;
	proofs->entries = tables_services(tables, &services);
	proofs->taken = calloc(proofs->entries, sizeof(*proofs->taken));
	if (!proofs->taken) {
		free(proofs);
		return -ENOMEM;
	}
	*ret = proofs;
	return 0;
}

void proofs_free(struct proofs *proofs)
{
	if (!proofs)
		return;
	free(proofs->taken);
	free(proofs);
}

void proofs_choose(struct proofs *proofs)
{
	proofs->count = 0;
	for (size_t i = 0; i < proofs->entries && proofs->count < PROOFS_MAX; i++) {
		struct proof *proof = &proofs->chosen[proofs->count];

		proof->index = proofs->next;
		proofs->next = (uint32_t)((proofs->next + 1) % proofs->entries);
		if (tables_is_balanced(proofs->tables, proof->index, &proof->key))
			proofs->count++;
	}
}

/*
 * Whatever becomes of the connect, no packet of it may leave the node, nor reach anybody: a
 * SYN that may carry data waits for them, and there are none; where that is switched off
 * (net.ipv4.tcp_fastopen) it goes no further than the loopback interface.
 */
static int keep_inside(int fd)
{
	const unsigned int mark = CANARY_MARK;
	const int yes = 1;

	if (!setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, &yes, sizeof(yes)))
		setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &yes, sizeof(yes));
	setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", sizeof("lo"));
}

static void dial(int fd, const struct gw_vip_key *key, bool is_ipv4)
{
	struct sockaddr_in v4 = {
		.sin_family = AF_INET,
		.sin_port = key->port,
		.sin_addr.s_addr = key->address.word[3],
	};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = key->port};
	int err;

	memcpy(&v6.sin6_addr, &key->address, sizeof(v6.sin6_addr));
	err = is_ipv4 ? connect(fd, (struct sockaddr *)&v4, sizeof(v4))
		      : connect(fd, (struct sockaddr *)&v6, sizeof(v6));
	(void)err; /* the record tells */
}

/* What cannot be asked for is not told. */
static bool has_come(struct tables *tables, const struct gw_vip_key *key)
{
	bool is_ipv4 = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)&key->address),
	     has_come = true;
	int fd =
		socket(is_ipv4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return true;
	if (!keep_inside(fd) && !tables_ask_socket(tables, fd)) {
		dial(fd, key, is_ipv4);
		has_come = tables_is_answered(tables, fd);
	}
	close(fd);
	return has_come;
}

int proofs_ask(const struct proofs *proofs, struct evbuffer *to)
{
	bool answers[PROOFS_MAX];

	for (size_t i = 0; i < proofs->count; i++)
		answers[i] = has_come(proofs->tables, &proofs->chosen[i].key);
	return evbuffer_add(to, answers, proofs->count * sizeof(*answers)) ? -ENOMEM : 0;
}

int proofs_take(struct proofs *proofs, int file, long offset)
{
	bool answers[PROOFS_MAX];
	ssize_t size = (ssize_t)(proofs->count * sizeof(*answers));

	if (pread(file, answers, (size_t)size, offset) != size)
		return -EIO;
	for (size_t i = 0; i < proofs->count; i++) {
		const struct proof *proof = &proofs->chosen[i];

		if (answers[i])
			memset(&proofs->taken[proof->index], 0, sizeof(proofs->taken[0]));
		else
			proofs->taken[proof->index] = proof->key;
	}
	return 0;
}

/* Meanwhile it may have been left to kube-proxy, or given away. */
void proofs_visit_taken(const struct proofs *proofs, proofs_visit visit, void *arg)
{
	struct gw_vip_key key;

	for (uint32_t i = 0; i < proofs->entries; i++)
		if (proofs->taken[i].protocol && tables_is_balanced(proofs->tables, i, &key) &&
		    !memcmp(&key, &proofs->taken[i], sizeof(key)))
			visit(i, &key, arg);
}
