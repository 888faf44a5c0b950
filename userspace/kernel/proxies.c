// SPDX-License-Identifier: Apache-2.0
#include "kernel/proxies.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/proxy_tables.h"

/* How kube-proxy names what it makes for a Service (pkg/proxy/{nftables,iptables}/proxier.go). */
#define NFTABLES_TABLE "kube-proxy"
#define NFTABLES_SERVICE "service-"
#define IPTABLES_TABLE "nat"
#define IPTABLES_SERVICES "KUBE-SERVICES"
#define IPTABLES_SERVICE "KUBE-SVC-"

static const char *const names[] = {
#define NAME(id, name) [PROXY_##id] = name,
	PROXIES(NAME)
#undef NAME
};

const char *proxy_name(enum proxy proxy)
{
	return names[proxy];
}

static bool begins_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

static void note_iptables_chain(const char *chain, void *arg)
{
	struct proxy_rules *rules = arg;

	if (!strcmp(chain, IPTABLES_SERVICES))
		rules->is_there = true;
	rules->services += begins_with(chain, IPTABLES_SERVICE);
}

void proxies_note_chain(struct proxy_rules rules[PROXY_MAX_], const char *table, const char *chain)
{
	if (!strcmp(table, IPTABLES_TABLE))
		note_iptables_chain(chain, &rules[PROXY_IPTABLES]);
	if (strcmp(table, NFTABLES_TABLE))
		return;
	rules[PROXY_NFTABLES].is_there = true;
	rules[PROXY_NFTABLES].services += begins_with(chain, NFTABLES_SERVICE);
}

static void note_nftables_chain(const char *table, const char *chain, void *arg)
{
	proxies_note_chain(arg, table, chain);
}

/* "TCP  0A600001:1B8B rr", below two lines of heading; backends have "->" in place of it. */
size_t proxies_count_ipvs(FILE *file)
{
	static const char *const kinds[] = {"TCP ", "UDP ", "SCTP ", "FWM "};
	size_t count = 0;
	char line[256];

	while (fgets(line, sizeof(line), file))
		for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
			count += begins_with(line, kinds[i]);
	return count;
}

static void look_at_ipvs(struct proxy_rules *rules)
{
	FILE *file = fopen("/proc/thread-self/net/ip_vs", "re");

	if (!file) {
		rules->err = errno == ENOENT ? 0 : -errno;
		return;
	}
	rules->services = proxies_count_ipvs(file);
	rules->is_there = rules->services > 0;
	fclose(file);
}

static void look_here(struct proxy_rules ret[PROXY_MAX_])
{
	memset(ret, 0, PROXY_MAX_ * sizeof(*ret));
	ret[PROXY_NFTABLES].err = proxy_tables_visit_nftables(note_nftables_chain, ret);
	ret[PROXY_IPTABLES].err = ret[PROXY_NFTABLES].err;
	ret[PROXY_IPTABLES_LEGACY].err = proxy_tables_visit_legacy(IPTABLES_TABLE,
								   note_iptables_chain,
								   &ret[PROXY_IPTABLES_LEGACY]);
	look_at_ipvs(&ret[PROXY_IPVS]);
}

static bool has_found(const struct proxy_rules rules[PROXY_MAX_])
{
	for (int i = 0; i < PROXY_MAX_; i++)
		if (rules[i].is_there || rules[i].err)
			return true;
	return false;
}

static bool is_same(int fd, int other)
{
	struct stat one, two;

	return !fstat(fd, &one) && !fstat(other, &two) && one.st_dev == two.st_dev &&
	       one.st_ino == two.st_ino;
}

bool proxies_look(struct proxy_rules ret[PROXY_MAX_])
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int node = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC);
	bool is_node = home >= 0 && node >= 0 && is_same(home, node);

	look_here(ret);
	if (!is_node && !has_found(ret) && home >= 0 && node >= 0 && !setns(node, CLONE_NEWNET)) {
		look_here(ret);
		is_node = !setns(home, CLONE_NEWNET);
	}
	if (node >= 0)
		close(node);
	if (home >= 0)
		close(home);
	return is_node;
}
