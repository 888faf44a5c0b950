/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at backends where gwbpf.io/check asks for it, and takes those that do not answer out of use
 * on this node. Only backends of Services that this node's clients have used lately are looked at.
 * The looks are a child's (checker.h); here is decided whom, when, and what follows.
 */
#ifndef GWBPF_AGENT_CHECKS_H
#define GWBPF_AGENT_CHECKS_H

struct certificates;
struct checks;
struct event_base;
struct tables;

/* base, tables and certificates, which are told what checks by TLS see of them, must outlive it.
 * -ENOMEM */
int checks_new(struct event_base *base, struct tables *tables, struct certificates *certificates,
	       struct checks **ret);
void checks_free(struct checks *checks); /* takes NULL; what is down stays so until it expires */

/* To be called once a second. Where no Service asks for it, it does nothing. */
void checks_tick(struct checks *checks);

#endif
