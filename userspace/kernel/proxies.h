/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of a proxy for Services on this node: kube-proxy's in its three modes, in the kernel's
 * own words, without nft(8) or iptables(8), which a small image does not have.
 */
#ifndef GWBPF_KERNEL_PROXIES_H
#define GWBPF_KERNEL_PROXIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define PROXIES(X)                                                                                 \
	X(NFTABLES, "nftables")                                                                    \
	X(IPTABLES, "iptables")                                                                    \
	X(IPTABLES_LEGACY, "iptables-legacy")                                                      \
	X(IPVS, "ipvs")

enum proxy {
#define PROXY_ENUM(id, name) PROXY_##id,
	PROXIES(PROXY_ENUM)
#undef PROXY_ENUM
		PROXY_MAX_
};

struct proxy_rules {
	int err; /* why it is not known; 0: it is known */
	bool is_there;
	size_t services; /* ports with rules of their own, of both address families */
};

/*
 * Look for all of them in this thread's network namespace and, where there are none, in that of the
 * first process, which is the node's: a pod has one of its own. That takes CAP_SYS_PTRACE and
 * CAP_SYS_ADMIN. Returns whether the node's was seen. Changes nothing, and loads no table that is
 * not there.
 */
bool proxies_look(struct proxy_rules ret[PROXY_MAX_]);

const char *proxy_name(enum proxy proxy);

/* For the above: count the virtual servers that /proc/net/ip_vs names. */
size_t proxies_count_ipvs(FILE *file);

/* For the above: note a chain of nftables, by its table's and its own name. */
void proxies_note_chain(struct proxy_rules rules[PROXY_MAX_], const char *table, const char *chain);

#endif
