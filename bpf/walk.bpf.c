// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The walk over every socket that has a record, across network namespaces. It writes into an array
 * and emits no text: an iterator with output resumes by counting, and so misses and repeats
 * sockets while others come and go.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <gwbpf/walk.h>

#include "kernel_types.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define AF_INET 2

#define TCP_FIN_WAIT2 5
#define TCP_CLOSE_WAIT 8
#define TCP_LAST_ACK 9
#define TCP_CLOSING 11

/* Set between open and load: jiffies a second of this kernel. */
const volatile __u32 jiffies_per_second = 250;

/* How many sockets there were, also beyond the end of gw_walk. */
__u64 walked;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gw_walk_conn);
} gw_walk SEC(".maps");

/* The pinned one takes its place. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct gw_conn);
} gw_conns SEC(".maps");

static __always_inline void copy_ipv4(struct gw_addr *to, __be32 from)
{
	to->word[0] = 0;
	to->word[1] = 0;
	to->word[2] = bpf_htonl(0xffff);
	to->word[3] = from;
}

static __always_inline void copy_addresses(struct gw_walk_conn *to, const struct sock_common *sk)
{
	to->source_port = sk->skc_num;
	to->destination_port = sk->skc_dport;
	if (sk->skc_family == AF_INET) {
		copy_ipv4(&to->source, sk->skc_rcv_saddr);
		copy_ipv4(&to->destination, sk->skc_daddr);
		return;
	}
	for (int i = 0; i < 4; i++) {
		to->source.word[i] = sk->skc_v6_rcv_saddr.in6_u.u6_addr32[i];
		to->destination.word[i] = sk->skc_v6_daddr.in6_u.u6_addr32[i];
	}
}

/* One reading of the clocks for all times of a socket: by two, an answer that came within the jiffy
 * of its question would at times seem older than that. */
struct now {
	__u32 jiffies;
	__u64 age_ms; /* of the connection */
};

static __always_inline struct now read_clocks(const struct gw_conn *conn)
{
	return (struct now){
		.jiffies = bpf_jiffies64(),
		.age_ms = (bpf_ktime_get_ns() - conn->start_ns) / 1000000,
	};
}

/* How long ago a time of the socket was. One that has had no data yet, or none since it connected
 * anew, has times of no meaning. */
static __always_inline __u32 ago_ms(const struct now *now, __u32 jiffies)
{
	__u64 ms = (__u64)(now->jiffies - jiffies) * 1000 / jiffies_per_second;

	return ms < now->age_ms ? ms : now->age_ms;
}

/* How many references there are to the file that holds the socket: one for each descriptor, and
 * one for each system call of a process with several threads. */
static __always_inline __u32 holders_of(struct file *file)
{
	struct file___counted_from_0 *counted = (void *)file;

	if (bpf_core_field_exists(counted->f_ref))
		return counted->f_ref.refcnt.counter + 1;
	return file->f_count.counter;
}

static __always_inline void copy_holders(struct gw_walk_conn *to, const struct sock *sk)
{
	struct socket *socket = sk->sk_socket;
	struct file *file;

	to->holders = 0;
	to->inode = 0;
	if (!socket)
		return;
	file = socket->file;
	if (!file)
		return;
	to->holders = holders_of(file);
	to->inode = file->f_inode->i_ino;
}

/* The kernel counts SYN and FIN as bytes. */
static __always_inline void copy_bytes(struct gw_walk_conn *to, const struct tcp_sock *tcp)
{
	bool is_sent_off = to->tcp_state == TCP_FIN_WAIT2;
	bool is_received_off = to->tcp_state == TCP_CLOSE_WAIT || to->tcp_state == TCP_LAST_ACK ||
			       to->tcp_state == TCP_CLOSING;

	to->bytes_sent = tcp->bytes_acked;
	if (to->bytes_sent)
		to->bytes_sent -= 1 + is_sent_off;
	to->bytes_received = tcp->bytes_received - is_received_off;
}

static __always_inline void copy_tcp(struct gw_walk_conn *to, struct sock *sk)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	struct now now = read_clocks(&to->conn);

	if (!tcp)
		return;
	to->sent_ms = ago_ms(&now, tcp->lsndtime);
	to->received_ms = ago_ms(&now, tcp->inet_conn.icsk_ack.lrcvtime);
	to->idle_ms = to->sent_ms < to->received_ms ? to->sent_ms : to->received_ms;
	to->unacked = tcp->write_seq - tcp->snd_una;
	to->unread = tcp->rcv_nxt - tcp->copied_seq;
	to->segments_sent = tcp->data_segs_out;
	to->segments_received = tcp->data_segs_in;
	to->srtt_us = tcp->srtt_us >> 3;
	to->retransmits = tcp->total_retrans;
	to->timeouts = tcp->inet_conn.icsk_retransmits;
	copy_bytes(to, tcp);
}

static __always_inline void copy_socket(const struct gw_conn *conn, struct sock *sk)
{
	__u32 index = walked++;
	struct gw_walk_conn *to = bpf_map_lookup_elem(&gw_walk, &index);

	if (!to)
		return;
	to->conn = *conn;
	to->conn.life.word = *(const volatile __u64 *)&conn->life.word;
	to->tcp_state = sk->__sk_common.skc_state;
	to->netns_inode = sk->__sk_common.skc_net.net->ns.inum;
	to->cookie = sk->__sk_common.skc_cookie.counter;
	copy_addresses(to, &sk->__sk_common);
	copy_tcp(to, sk);
	copy_holders(to, sk);
}

SEC("iter/bpf_sk_storage_map")
int gw_walk_records(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	const struct gw_conn *conn = ctx->value;
	struct sock *sk = ctx->sk;

	if (conn && sk)
		copy_socket(conn, sk);
	return 0;
}

/* Where the kernel does not give the above: over the TCP sockets of one network namespace. */
SEC("iter/tcp")
int gw_walk_tcp(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	const struct gw_conn *conn;
	struct tcp_sock *tcp;

	if (!common)
		return 0;
	tcp = bpf_skc_to_tcp_sock(common); /* not for those in TIME_WAIT, and requests */
	if (!tcp)
		return 0;
	conn = bpf_sk_storage_get(&gw_conns, tcp, NULL, 0);
	if (conn)
		copy_socket(conn, &tcp->inet_conn.icsk_inet.sk);
	return 0;
}
