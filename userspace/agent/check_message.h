/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent and the child that looks at backends say to each other: messages of one size each,
 * over a socket pair that keeps them apart. Whatever the child has met may speak through it, so the
 * agent believes an answer only after check_answer_read().
 */
#ifndef GWBPF_AGENT_CHECK_MESSAGE_H
#define GWBPF_AGENT_CHECK_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include <gwbpf/abi.h>

#define CHECK_SERVER_NAME_MAX 256 /* a DNS name and its final zero, rounded up */
#define CHECK_NAMES_MAX 768       /* "default" is replaced by four names */

/* Agent to child: look at this address now, with the socket that comes along. With kind GW_CHECK_OFF:
 * the answer to this ticket is not wanted any more; no socket comes along. */
struct check_order {
	uint64_t ticket; /* comes back with the answer */
	struct gw_addr address;
	uint32_t kind; /* enum gw_check_kind */
	uint32_t port; /* in the host's byte order */
	uint32_t timeout_ms;
	uint32_t zero;
	char server_name[CHECK_SERVER_NAME_MAX]; /* of tls: what the client asks for (SNI) */
	char path[GW_CHECK_PATH_MAX];            /* of http */
	/* of tls: "a,b": what the certificate must carry; "": nothing */
	char names[CHECK_NAMES_MAX];
};

/* The certificate that the peer showed. */
struct check_certificate {
	uint32_t read;    /* enum gw_certificate_read */
	uint32_t missing; /* a bit for each of the names, in their order */
	int64_t not_before;
	int64_t not_after;
	char issuer[GW_ISSUER_MAX];
};

/* Child to agent: what it saw. */
struct check_answer {
	uint64_t ticket;
	uint32_t seen;        /* enum gw_seen */
	uint32_t duration_us; /* until it was known, without the polite end */
	char text[GW_SEEN_TEXT_MAX];
	struct check_certificate certificate; /* if names were given */
};

/* An order and its socket, which stays the caller's, or -1. flags: of sendmsg(2). 0 or -errno */
int check_order_send(int to, const struct check_order *order, int fd, int flags);

/* Take one. *fd: its socket, which is the caller's now; -1: none came. -EAGAIN; -EPIPE: the end of
 * them, or what is no order */
int check_order_receive(int from, struct check_order *ret, int *fd);

/*
 * Take the bytes of an answer. -EPROTO: it is none: of another size, with a result that does not
 * exist, or with a text or an issuer that does not end or that is not plain ASCII.
 */
int check_answer_read(const void *bytes, size_t size, struct check_answer *ret);

#endif
