// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * For how long applications wait silently for their peers. A silence of a connection ends by data
 * that is sent: then the application paused; or by data that is received: then it may have waited
 * for that. Only the first segment after the silence tells. So this program sees every segment that
 * an established connection of this node receives, just before the kernel takes it in. It is
 * attached only while a Service asks for it.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include <gwbpf/waits.h>

#include "kernel_types.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set between open and load: jiffies a second of this kernel. */
const volatile __u32 jiffies_per_second = 250;

/* The connections that are followed, by their cookies, and the longest wait of each in ms. User space
 * adds and removes them, and sets the wait back to 0. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, GW_WAITS_MAX);
	__type(key, __u64);
	__type(value, __u32);
} gw_waits SEC(".maps");

/* The verifier lets read the bytes of this field only one by one. */
static __always_inline __u32 word_at(const volatile unsigned char *byte)
{
	return byte[0] | byte[1] << 8 | byte[2] << 16 | (__u32)byte[3] << 24;
}

/* Where the segment ends, as struct tcp_skb_cb has it: after the number where it begins. */
static __always_inline __u32 end_of(const struct sk_buff *skb)
{
	const volatile unsigned char *cb = skb->cb;

	return word_at(cb + sizeof(__u32));
}

/* For how long nothing was sent or received, in jiffies. */
static __always_inline __u32 silence_of(const struct tcp_sock *tcp)
{
	__u32 now = bpf_jiffies64();
	__u32 received = now - tcp->inet_conn.icsk_ack.lrcvtime;
	__u32 sent = now - tcp->lsndtime;

	return sent < received ? sent : received;
}

/* The kernel holds the socket's lock: nobody else writes to its element. */
static __always_inline void note(const struct sock *sk, __u32 jiffies)
{
	__u64 cookie = sk->__sk_common.skc_cookie.counter;
	__u32 *longest_ms = bpf_map_lookup_elem(&gw_waits, &cookie);
	__u32 ms = (__u64)jiffies * 1000 / jiffies_per_second;

	if (longest_ms && *longest_ms < ms)
		*longest_ms = ms;
}

SEC("tp_btf/tcp_probe")
int gw_on_segment(__u64 *ctx)
{
	struct sock *sk = (void *)ctx[0];
	const struct sk_buff *skb = (void *)ctx[1];
	struct tcp_sock *tcp;
	__u32 jiffies;

	if (!sk || !skb)
		return 0;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp)
		return 0;
	jiffies = silence_of(tcp);
	/* Nearly all end here. */
	if (jiffies < (__u64)GW_WAITS_LEAST_MS * jiffies_per_second / 1000)
		return 0;
	/* Neither an acknowledgement alone nor a probe brings anything new. */
	if ((__s32)(end_of(skb) - tcp->rcv_nxt) > 0)
		note(sk, jiffies);
	return 0;
}
