/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the connection iterator writes for each socket. Not pinned, so not part of the ABI. */
#ifndef GWBPF_WALK_H
#define GWBPF_WALK_H

#include <gwbpf/abi.h>

struct gw_walk_conn {
	struct gw_conn conn;
	struct gw_addr source;
	struct gw_addr destination; /* the backend, as the socket has it */
	__be16 destination_port;
	__u16 source_port; /* host byte order, as the kernel keeps it */
	__u8 tcp_state;    /* TCP_ESTABLISHED and so on */
	__u8 timeouts;     /* retransmissions in a row that no answer has ended */
	__u8 pad[2];
	__u32 netns_inode;
	__u32 sent_ms;     /* since data was last sent */
	__u32 received_ms; /* since data last came */
	__u32 idle_ms;     /* the less of the two */
	__u32 unacked; /* bytes that the peer has not acknowledged, those not yet sent among them */
	__u32 unread;  /* bytes that the application has not taken */
	__u32 segments_sent;     /* with data */
	__u32 segments_received; /* likewise */
	__u32 srtt_us;           /* 0: not known */
	__u32 retransmits;       /* segments that were sent again, SYNs among them */
	__u32 holders;           /* references to its file; 0: the application has closed it */
	__u32 pad1;
	__u64 inode; /* of that file */
	__u64 cookie;
	__u64 bytes_sent; /* payload that the peer has acknowledged */
	__u64 bytes_received;
};

#endif
