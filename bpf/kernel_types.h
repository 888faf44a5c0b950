/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's own structures, as far as the programs read them: only the fields used, found at
 * load time by BTF (preserve_access_index), so that no vmlinux.h is needed.
 */
#ifndef GWBPF_KERNEL_TYPES_H
#define GWBPF_KERNEL_TYPES_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct user_namespace {
	int level; /* 0: the node's own */
};

struct netns_ipv4 {
	unsigned char sysctl_tcp_syn_retries; /* before 5.14 an int */
	int sysctl_tcp_keepalive_time;        /* jiffies */
	int sysctl_tcp_keepalive_intvl;
};

struct net {
	struct ns_common ns;
	struct user_namespace *user_ns;
	struct netns_ipv4 ipv4;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	union {
		__be32 u6_addr32[4];
	} in6_u;
};

typedef struct {
	long long counter;
} atomic64_t;

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	unsigned long skc_flags;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
};

struct sk_buff {
	unsigned char cb[48]; /* of the layer that has the packet */
};

struct sk_buff_head {
	__u32 qlen;
};

struct inode {
	unsigned short i_mode;
	unsigned long i_ino;
};

struct file {
	struct inode *f_inode;
	atomic64_t f_count;
	void *private_data;
};

/* From Linux 6.13 on: 0 is one reference. */
struct file___counted_from_0 {
	struct {
		atomic64_t refcnt;
	} f_ref;
};

struct socket {
	struct file *file;
	struct sock *sk;
};

struct sock {
	struct sock_common __sk_common;
	struct sk_buff_head sk_error_queue;
	struct socket *sk_socket;
	int sk_err;
	int sk_err_soft;
};

struct inet_sock {
	struct sock sk;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	__u8 icsk_syn_retries;
	__u8 icsk_retransmits;
	__u32 icsk_user_timeout;
	struct {
		__u32 lrcvtime;
	} icsk_ack;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u64 bytes_received;
	__u64 bytes_acked;
	__u32 lsndtime;
	__u64 tcp_clock_cache;
	__u32 srtt_us;
	__u8 bpf_sock_ops_cb_flags;
	__u32 write_seq;
	__u32 snd_una;
	__u32 rcv_nxt;
	__u32 copied_seq;
	__u32 data_segs_in;
	__u32 data_segs_out;
	__u32 total_retrans;
	unsigned int keepalive_time;
	unsigned int keepalive_intvl;
	__u8 keepalive_probes;
};

/* Only the names count: the values are the kernel's. */
enum sock_flags {
	SOCK_DEAD = 0,
	SOCK_KEEPOPEN = 3,
};

struct bpf_iter_meta {
	__u64 seq_num;
};

struct task_struct {
	int tgid;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
};

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	struct sock *sk;
	void *value;
};

#pragma clang attribute pop

#endif
