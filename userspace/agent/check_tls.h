/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS of one look at a backend: a handshake as a client does it, and its end. No socket: what
 * the peer sends is fed in pieces, so that no peer keeps it busy for longer than a piece lasts.
 * Nothing is verified: whom the clients trust is not known here.
 */
#ifndef GWBPF_AGENT_CHECK_TLS_H
#define GWBPF_AGENT_CHECK_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/check_message.h"

struct check_tls;

/* Once, and while files may be opened. 0, or -ENOMEM. */
int check_tls_init(void);
void check_tls_done(void);

/* order says what to ask for (SNI), and what names the certificate must carry. answer: what is seen
 * is written there. Both must outlive it. -ENOMEM */
int check_tls_new(const struct check_order *order, struct check_answer *answer,
		  struct check_tls **ret);
void check_tls_free(struct check_tls *tls); /* takes NULL */

/* Bytes from the peer, and bytes for it: the latter returns how many were written to buf. */
int check_tls_put(struct check_tls *tls, const void *bytes, size_t size); /* -ENOMEM */
size_t check_tls_take(struct check_tls *tls, void *buf, size_t size);

/* Go on with what was put in. 0: the handshake is done, and the end was said (close_notify); -EAGAIN:
 * the peer is to speak; -EPROTO: it failed, and answer says how. */
int check_tls_shake(struct check_tls *tls);

/* After the handshake: 0: the peer has ended it too; -EAGAIN: not yet. */
int check_tls_end(struct check_tls *tls);

/* Whether the peer has asked for a client certificate. */
bool check_tls_was_asked(const struct check_tls *tls);

#endif
