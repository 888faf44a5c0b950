/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at the certificates of backends where gwbpf.io/tls-names asks for it, and keeps new
 * connections from those whose certificate is wrong where gwbpf.io/tls-exclude does. Where checks do
 * a TLS handshake themselves (checks.h), it takes what they saw; elsewhere it has it looked at, at a
 * slow pace, by a child of its own. Only backends of Services that this node's clients have used
 * lately are looked at.
 */
#ifndef GWBPF_AGENT_CERTIFICATES_H
#define GWBPF_AGENT_CERTIFICATES_H

#include <stdint.h>

struct certificates;
struct check_answer;
struct check_order;
struct event_base;
struct tables;

/* base and tables must outlive it. -ENOMEM */
int certificates_new(struct event_base *base, struct tables *tables, struct certificates **ret);
void certificates_free(struct certificates *certificates); /* takes NULL */

/* To be called once a second. Where no Service asks for it, it does nothing. */
void certificates_tick(struct certificates *certificates);

/* Put into an order of kind TLS what the certificate of this backend must carry, if anything. */
void certificates_fill(struct certificates *certificates, uint32_t id, struct check_order *order);

/* What a look at this backend saw. The next one comes in about every_ns. */
void certificates_take(struct certificates *certificates, uint32_t id,
		       const struct check_answer *answer, uint64_t every_ns);

#endif
