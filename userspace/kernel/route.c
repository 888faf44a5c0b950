// SPDX-License-Identifier: Apache-2.0
#include "kernel/route.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"

struct route {
	int fd;
	__u32 sequence;
};

struct question {
	struct nlmsghdr head;
	struct rtmsg message;
	struct rtattr attribute;
	unsigned char address[16];
};

int route_open(struct route **ret)
{
	struct route *route = calloc(1, sizeof(*route));
	int err;

	if (!route)
		return -ENOMEM;
	route->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (route->fd >= 0) {
		*ret = route;
		return 0;
	}
	err = -errno;
	free(route);
	return err;
}

void route_close(struct route *route)
{
	if (!route)
		return;
	close(route->fd);
	free(route);
}

static struct question question_of(const struct gw_addr *address)
{
	bool is_ipv4 = addr_is_ipv4(address);
	unsigned short length = is_ipv4 ? 4 : 16;
	struct question question = {
		.head =
			{
				.nlmsg_len = NLMSG_ALIGN(NLMSG_LENGTH(sizeof(struct rtmsg))) +
					     (unsigned int)RTA_LENGTH(length),
				.nlmsg_type = RTM_GETROUTE,
				.nlmsg_flags = NLM_F_REQUEST,
			},
		.message =
			{
				.rtm_family = is_ipv4 ? AF_INET : AF_INET6,
				.rtm_dst_len = (unsigned char)(length * 8),
			},
		.attribute = {.rta_type = RTA_DST, .rta_len = (unsigned short)RTA_LENGTH(length)},
	};

	memcpy(question.address, &address->word[is_ipv4 ? 3 : 0], length);
	return question;
}

/* The kernel answers while it takes the question: this does not wait. */
static int hear(struct route *route)
{
	char buffer[4096] __attribute__((aligned(NLMSG_ALIGNTO)));
	const struct nlmsghdr *head = (const struct nlmsghdr *)(const void *)buffer;
	const struct rtmsg *message = NLMSG_DATA(head);

	for (;;) {
		ssize_t size = recv(route->fd, buffer, sizeof(buffer), MSG_DONTWAIT);

		if (size < 0)
			return -errno;
		if (!NLMSG_OK(head, (size_t)size) || head->nlmsg_seq != route->sequence)
			continue;
		if (head->nlmsg_type == NLMSG_ERROR)
			return ((const struct nlmsgerr *)NLMSG_DATA(head))->error;
		if (head->nlmsg_type == RTM_NEWROUTE &&
		    head->nlmsg_len >= NLMSG_LENGTH(sizeof(*message)))
			return message->rtm_type == RTN_UNICAST ? 0 : -EADDRNOTAVAIL;
		return -EPROTO;
	}
}

int route_is_elsewhere(struct route *route, const struct gw_addr *address)
{
	struct question question = question_of(address);

	question.head.nlmsg_seq = ++route->sequence;
	if (send(route->fd, &question, question.head.nlmsg_len, 0) < 0)
		return -errno;
	return hear(route);
}
