// SPDX-License-Identifier: Apache-2.0
#include "kernel/proxy_tables.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#define DUMP_SIZE 32768 /* what the kernel fills at most with one answer of a dump */

struct visit {
	proxy_tables_chain chain;
	void *arg;
};

static int note_attribute(const struct nlattr *attribute, void *arg)
{
	const char **names = arg;
	int type = mnl_attr_get_type(attribute);

	if ((type == NFTA_CHAIN_TABLE || type == NFTA_CHAIN_NAME) &&
	    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
		names[type] = mnl_attr_get_str(attribute);
	return MNL_CB_OK;
}

static int note_message(const struct nlmsghdr *header, void *arg)
{
	const struct visit *visit = arg;
	const char *names[NFTA_CHAIN_MAX + 1] = {NULL};

	mnl_attr_parse(header, sizeof(struct nfgenmsg), note_attribute, names);
	if (names[NFTA_CHAIN_TABLE] && names[NFTA_CHAIN_NAME])
		visit->chain(names[NFTA_CHAIN_TABLE], names[NFTA_CHAIN_NAME], visit->arg);
	return MNL_CB_OK;
}

/* A dump that a change interrupted says so; those who count can live with it. */
static int read_dump(struct mnl_socket *netlink, char *buffer, struct visit *visit)
{
	unsigned int port = mnl_socket_get_portid(netlink);
	ssize_t length;
	int more;

	do {
		length = mnl_socket_recvfrom(netlink, buffer, DUMP_SIZE);
		more = length < 0
			       ? -1
			       : mnl_cb_run(buffer, (size_t)length, 0, port, note_message, visit);
	} while (more > 0 || (more < 0 && errno == EINTR));
	return more < 0 ? -errno : 0;
}

static int dump_chains(struct mnl_socket *netlink, struct visit *visit)
{
	char *buffer = malloc(DUMP_SIZE);
	struct nlmsghdr *header;
	struct nfgenmsg *family;
	int err;

	if (!buffer)
		return -ENOMEM;
	header = mnl_nlmsg_put_header(buffer);
	header->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	family = mnl_nlmsg_put_extra_header(header, sizeof(*family));
	family->nfgen_family = AF_UNSPEC;
	family->version = NFNETLINK_V0;
	if (mnl_socket_sendto(netlink, header, header->nlmsg_len) < 0)
		err = -errno;
	else
		err = read_dump(netlink, buffer, visit);
	free(buffer);
	return err;
}

/* A kernel without nftables, or without netfilter at all. */
static bool is_absent(int err)
{
	return err == -EPROTONOSUPPORT || err == -EOPNOTSUPP || err == -EINVAL || err == -ENOENT;
}

int proxy_tables_visit_nftables(proxy_tables_chain visit, void *arg)
{
	struct mnl_socket *netlink = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	struct visit closure = {visit, arg};
	int err;

	if (!netlink)
		return is_absent(-errno) ? 0 : -errno;
	err = mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) ? -errno
							      : dump_chains(netlink, &closure);
	mnl_socket_close(netlink);
	return is_absent(err) ? 0 : err;
}

/* Both address families have the same shape but for the size of what comes before the target. */
static const struct {
	const char *names; /* the tables that there are */
	int family;
	int level;
	size_t target_offset;
	size_t next_offset;
	size_t entry_size;
} legacies[] = {
	{"/proc/thread-self/net/ip_tables_names", AF_INET, IPPROTO_IP,
	 offsetof(struct ipt_entry, target_offset), offsetof(struct ipt_entry, next_offset),
	 sizeof(struct ipt_entry)},
	{"/proc/thread-self/net/ip6_tables_names", AF_INET6, IPPROTO_IPV6,
	 offsetof(struct ip6t_entry, target_offset), offsetof(struct ip6t_entry, next_offset),
	 sizeof(struct ip6t_entry)},
};
#define LEGACIES (sizeof(legacies) / sizeof(*legacies))

_Static_assert(IPT_SO_GET_INFO == IP6T_SO_GET_INFO && IPT_SO_GET_ENTRIES == IP6T_SO_GET_ENTRIES &&
		       sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo) &&
		       offsetof(struct ipt_get_entries, entrytable) ==
			       offsetof(struct ip6t_get_entries, entrytable),
	       "one way to ask serves both families");

/* 1, 0, or -errno. */
static int has_table(const char *names, const char *table)
{
	FILE *file = fopen(names, "re");
	char line[XT_TABLE_MAXNAMELEN + 2];
	int found = 0;

	if (!file)
		return errno == ENOENT ? 0 : -errno;
	while (!found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		found = !strcmp(line, table);
	}
	fclose(file);
	return found;
}

static int read_entries(int fd, int level, const char *table, struct ipt_get_entries **ret)
{
	struct ipt_getinfo info = {0};
	socklen_t length = sizeof(info);
	struct ipt_get_entries *entries;

	snprintf(info.name, sizeof(info.name), "%s", table);
	if (getsockopt(fd, level, IPT_SO_GET_INFO, &info, &length))
		return -errno;
	length = (socklen_t)(sizeof(*entries) + info.size);
	entries = calloc(1, length);
	if (!entries)
		return -ENOMEM;
	memcpy(entries->name, info.name, sizeof(entries->name));
	entries->size = info.size;
	if (getsockopt(fd, level, IPT_SO_GET_ENTRIES, entries, &length)) {
		free(entries);
		return -errno;
	}
	*ret = entries;
	return 0;
}

static uint16_t read_offset(const char *entry, size_t where)
{
	uint16_t offset;

	memcpy(&offset, entry + where, sizeof(offset));
	return offset;
}

/* A chain begins with an entry whose target is "ERROR" and names it; so does the end. */
static void visit_entries(const struct ipt_get_entries *entries, size_t legacy,
			  proxy_tables_legacy_chain visit, void *arg)
{
	const char *first = (const char *)entries->entrytable;
	size_t at = 0, next;

	for (; at + legacies[legacy].entry_size < entries->size; at += next) {
		const char *entry = first + at;
		const struct xt_error_target *target =
			(const struct xt_error_target
				 *)(entry + read_offset(entry, legacies[legacy].target_offset));

		next = read_offset(entry, legacies[legacy].next_offset);
		if (!next || at + next > entries->size)
			return;
		if (!strcmp(target->target.u.user.name, XT_ERROR_TARGET))
			visit(target->errorname, arg);
	}
}

static int visit_legacy(size_t legacy, const char *table, proxy_tables_legacy_chain visit,
			void *arg)
{
	struct ipt_get_entries *entries = NULL;
	int err = has_table(legacies[legacy].names, table), fd;

	if (err <= 0)
		return err;
	fd = socket(legacies[legacy].family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = read_entries(fd, legacies[legacy].level, table, &entries);
	if (!err) {
		visit_entries(entries, legacy, visit, arg);
		free(entries);
	}
	close(fd);
	return err;
}

int proxy_tables_visit_legacy(const char *table, proxy_tables_legacy_chain visit, void *arg)
{
	int err = 0;

	for (size_t i = 0; i < LEGACIES && !err; i++)
		err = visit_legacy(i, table, visit, arg);
	return err;
}
