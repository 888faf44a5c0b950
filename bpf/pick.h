/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which backend a connection gets. One loop serves every policy that looks at backends; what
 * differs between policies is where it begins and one score, the least of which wins.
 *
 * Best so far lives in the socket's record: in registers the verifier follows every combination,
 * and in a per-CPU map another connect can preempt us.
 */
#ifndef GWBPF_PICK_H
#define GWBPF_PICK_H

#include <linux/errno.h>

#include "maps.h"
#include "suspect.h"

#define PICK_TRIES 3 /* reads of a set that is replaced under our eyes */

/* Above any load: a suspect is chosen only if all others are suspect too. */
#define SCORE_SHORT (1ull << 62)
#define SCORE_FAILED (1ull << 63)
#define SCORE_NONE (~0ull)

static __always_inline __u64 suspicion_score(const struct gw_suspect_key *key, __u32 policy,
					     __u64 now_ns)
{
	const struct gw_suspect *known = bpf_map_lookup_elem(&gw_suspects, key);

	if (!known || known->until_ns <= now_ns)
		return 0;
	if (known->kind == GW_SUSPICION_FAILED)
		return SCORE_FAILED;
	/* Only a policy that follows the load returns by itself to a peer that always hangs up. */
	return policy == GW_POLICY_LC ? SCORE_SHORT : 0;
}

/*
 * A global function, verified once and not again for each turn of the loop: without it kernel
 * 5.10 gives up at 1,000 backends.
 */
__noinline __u64 gw_score(__u32 policy, __u32 backend, __u32 generation, __u64 netns_cookie,
			  __u64 now_ns)
{
	const struct gw_health *health = bpf_map_lookup_elem(&gw_health, &backend);
	const __u64 *load = bpf_map_lookup_elem(&gw_loads, &backend);
	__u64 score = 0;

	if (!health || !load)
		return SCORE_NONE;
	if (now_ns < health->suspect_until_ns) {
		struct gw_suspect_key key = {
			.netns_cookie = netns_cookie,
			.backend = backend,
			.backend_generation = generation,
		};

		score = suspicion_score(&key, policy, now_ns);
	}
	if (policy == GW_POLICY_LC)
		score += GW_LOAD_ACTIVE(*load);
	return score;
}

/* Take the next turns of a service, and return the first of them. */
static __always_inline __u32 take_turns(__u32 service, __u32 turns)
{
	struct gw_cursor *cursor = bpf_map_lookup_elem(&gw_cursors, &service);
	__u32 first;

	if (!cursor)
		return 0;
	bpf_spin_lock(&cursor->lock);
	first = cursor->next;
	cursor->next = first + turns;
	bpf_spin_unlock(&cursor->lock);
	return first;
}

/* One range, as the set's word gave it. */
struct pick_set {
	__u32 first; /* index of the first member */
	__u32 count;
	__u32 policy;
	__u16 generation;
};

/* Read which set is in force. -ENOENT: it is empty; -EAGAIN: it was overtaken. */
static __always_inline int read_set(__u32 service, struct pick_set *set)
{
	const volatile __u64 *word = bpf_map_lookup_elem(&gw_sets, &service);
	const struct gw_set_header *header;
	__u64 value;
	__u32 base;

	if (!word)
		return -ENOENT;
	value = *word; /* once: base, generation and count belong together */
	base = GW_SET_BASE(value);
	set->first = base + 1;
	set->count = GW_SET_COUNT(value);
	set->generation = GW_SET_GENERATION(value);
	header = bpf_map_lookup_elem(&gw_slots, &base);
	if (!set->count || !header)
		return -ENOENT;
	set->policy = header->policy;
	return header->generation == set->generation ? 0 : -EAGAIN;
}

/* Look at the members from `start` on and leave the best in the record. -EAGAIN: the set was
 * overtaken. */
static __always_inline int search(struct gw_conn *conn, const struct pick_set *set, __u32 start)
{
	conn->best_score = SCORE_NONE;
	for (__u32 i = 0; i < GW_SET_MAX; i++) {
		__u32 index = start + i;
		const struct gw_slot *slot;
		__u64 score;

		if (i >= set->count)
			break;
		if (index >= set->count)
			index -= set->count;
		index += set->first;
		slot = bpf_map_lookup_elem(&gw_slots, &index);
		if (!slot || slot->generation != set->generation)
			return -EAGAIN;
		score = gw_score(conn->policy, slot->backend, slot->backend_generation,
				 conn->netns_cookie, conn->start_ns);
		if (score >= conn->best_score)
			continue;
		conn->best_score = score;
		conn->best_position = i;
		conn->best_backend = slot->backend;
		conn->best_generation = slot->backend_generation;
		if (!score)
			break;
	}
	return conn->best_score == SCORE_NONE ? -EAGAIN : 0;
}

static __always_inline int pick_for(struct gw_conn *conn, __u32 service)
{
	struct pick_set set;
	__u32 start;
	int err;

	err = read_set(service, &set);
	if (err)
		return err;
	/* Through memory: the verifier would follow each policy through the whole loop. */
	conn->policy = set.policy;
	if (set.policy == GW_POLICY_RANDOM)
		start = bpf_get_prandom_u32();
	else
		start = take_turns(service, 1);
	err = search(conn, &set, start % set.count);
	/* Else the backend after one that is passed over would get its share as well. */
	if (!err && conn->policy == GW_POLICY_RR && conn->best_position)
		take_turns(service, conn->best_position);
	return err;
}

/* One try, for the socket of ctx, which has a record. Global for the reason of gw_score(). */
__noinline int gw_pick(struct bpf_sock_addr *ctx, __u32 service)
{
	struct bpf_sock *sk = ctx->sk;
	struct gw_conn *conn;

	if (!sk)
		return -ENOENT;
	conn = bpf_sk_storage_get(&gw_conns, sk, NULL, 0);
	return conn ? pick_for(conn, service) : -ENOENT;
}

/* GW_REASON_BALANCED: best_backend and best_generation of the record say who it is. */
static __always_inline enum gw_reason pick(struct bpf_sock_addr *ctx, __u32 service)
{
	int err = -EAGAIN;

	for (int i = 0; i < PICK_TRIES && err == -EAGAIN; i++)
		err = gw_pick(ctx, service);
	if (err == -EAGAIN)
		return GW_REASON_OVERTAKEN;
	return err ? GW_REASON_NO_BACKENDS : GW_REASON_BALANCED;
}

/* Pick at random, for a socket of which no record can be kept. NULL: none is usable. */
static __always_inline const struct gw_backend *pick_unrecorded(__u32 service)
{
	const struct gw_slot *slot;
	struct pick_set set;
	__u32 index;

	if (read_set(service, &set))
		return NULL;
	index = set.first + bpf_get_prandom_u32() % set.count;
	slot = bpf_map_lookup_elem(&gw_slots, &index);
	if (!slot || slot->generation != set.generation)
		return NULL;
	index = slot->backend;
	return bpf_map_lookup_elem(&gw_backends, &index);
}

#endif
