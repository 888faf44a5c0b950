/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the chains that the kernel's packet filters hold in this network namespace. */
#ifndef GWBPF_KERNEL_PROXY_TABLES_H
#define GWBPF_KERNEL_PROXY_TABLES_H

/* Every chain of nftables, those that iptables-nft makes among them. 0 also where this kernel has
 * no nftables; -EPERM; … */
typedef void (*proxy_tables_chain)(const char *table, const char *chain, void *arg);
int proxy_tables_visit_nftables(proxy_tables_chain visit, void *arg);

/*
 * Every chain of a table ("nat") of the older iptables, for IPv4 and for IPv6. 0 also where there
 * is no such table: to ask the kernel for it would make it. -EPERM; …
 */
typedef void (*proxy_tables_legacy_chain)(const char *chain, void *arg);
int proxy_tables_visit_legacy(const char *table, proxy_tables_legacy_chain visit, void *arg);

#endif
