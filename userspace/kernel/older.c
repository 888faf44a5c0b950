// SPDX-License-Identifier: Apache-2.0
#include "kernel/older.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "kernel/netns.h"

#define STATES (1u << TCP_ESTABLISHED | 1u << TCP_CLOSE_WAIT)

struct peer {
	struct gw_addr address;
	uint16_t port;
};

struct search {
	struct peer *peers; /* sorted */
	size_t count;
	uint64_t found;
};

static int compare(const void *left, const void *right)
{
	const struct peer *a = left, *b = right;

	return addr_port_compare(&a->address, a->port, &b->address, b->port);
}

static void look_at(struct search *search, const struct inet_diag_msg *socket)
{
	struct peer peer = {.port = ntohs(socket->id.idiag_dport)};

	if (socket->idiag_family == AF_INET) {
		peer.address.word[2] = htonl(0xffff);
		peer.address.word[3] = socket->id.idiag_dst[0];
	} else {
		memcpy(&peer.address, socket->id.idiag_dst, sizeof(peer.address));
	}
	if (bsearch(&peer, search->peers, search->count, sizeof(peer), compare))
		search->found++;
}

/* Returns 1 while more is to come. */
static int take_answer(int fd, struct search *search)
{
	char buffer[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t length = recv(fd, buffer, sizeof(buffer), 0);
	struct nlmsghdr *message = (struct nlmsghdr *)(void *)buffer;
	int left = (int)length;

	if (length < 0)
		return errno == EINTR ? 1 : -errno;
	for (; NLMSG_OK(message, (unsigned int)left); message = NLMSG_NEXT(message, left)) {
		if (message->nlmsg_type == NLMSG_DONE)
			return 0;
		if (message->nlmsg_type == NLMSG_ERROR)
			return ((struct nlmsgerr *)NLMSG_DATA(message))->error;
		look_at(search, NLMSG_DATA(message));
	}
	return 1;
}

static int dump(int fd, struct search *search, int family)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 request;
	} question = {
		.head =
			{
				.nlmsg_len = sizeof(question),
				.nlmsg_type = SOCK_DIAG_BY_FAMILY,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			},
		.request =
			{
				.sdiag_family = (__u8)family,
				.sdiag_protocol = IPPROTO_TCP,
				.idiag_states = STATES,
			},
	};
	int err;

	if (send(fd, &question, sizeof(question), 0) < 0)
		return -errno;
	do
		err = take_answer(fd, search);
	while (err > 0);
	return err;
}

static int look_into_namespace(void *arg)
{
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	int err;

	if (fd < 0)
		return -errno;
	err = dump(fd, arg, AF_INET);
	if (!err)
		err = dump(fd, arg, AF_INET6);
	close(fd);
	/* Without IPv6 there are none of it. */
	return err == -ENOENT || err == -EAFNOSUPPORT ? 0 : err;
}

int older_count(const struct view_service *services, size_t count, uint64_t *ret)
{
	struct search search = {.peers = calloc(count + 1, sizeof(*search.peers))};
	size_t unseen; /* those that may not be looked into have connections that are not found */
	int err;

	if (!search.peers)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		search.peers[search.count++] = (struct peer){services[i].address, services[i].port};
	qsort(search.peers, search.count, sizeof(*search.peers), compare);
	err = search.count ? netns_visit_all(look_into_namespace, &search, &unseen) : 0;
	free(search.peers);
	*ret = search.found;
	return err;
}
