/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which backend a connection gets. One loop serves every policy; what differs between policies is
 * where it begins and one score, the least of which wins.
 *
 * Best so far lives in the socket's record: in registers the verifier follows every combination,
 * and in a per-CPU map another connect can preempt us.
 */
#ifndef GWBPF_PICK_H
#define GWBPF_PICK_H

#include <linux/errno.h>

#include "affinity.h"
#include "hint.h"
#include "maps.h"
#include "score.h"
#include "set.h"

#define DRAWS_AGAIN 4       /* where the policy's choice fails; then the next one that does not */
#define UNRECORDED_STEPS 64 /* past those that are drained: more would cost the verifier much */
#define PICK_TRIES 4 /* a set that is replaced under our eyes, a lease that another one took */

/* What gw_search_least() finds: a load, above the place of the member. */
#define LEAST_LOAD_SHIFT 16
#define LEAST_NONE (1ull << 62)

/* What a search knows of its service before it begins. */
struct turn {
	__u32 number;
	__u32 ejected; /* gw_cursor.ejected when it began */
	bool is_trouble;
};

static __always_inline struct turn read_turn(const struct gw_cursor *cursor, __u32 generation,
					     __u64 now_ns)
{
	struct turn turn = {.number = cursor->next, .ejected = cursor->ejected};

	turn.is_trouble = turn.ejected || now_ns < cursor->trouble_until_ns ||
			  cursor->calm_generation != generation;
	return turn;
}

/* Take the next turns of a service, and return the first of them. */
static __always_inline struct turn take_turns(__u32 service, __u32 turns, __u32 generation,
					      __u64 now_ns)
{
	struct gw_cursor *cursor = bpf_map_lookup_elem(&gw_cursors, &service);
	struct turn turn = {0};

	if (!cursor)
		return turn;
	bpf_spin_lock(&cursor->lock);
	turn = read_turn(cursor, generation, now_ns);
	cursor->next = turn.number + turns;
	bpf_spin_unlock(&cursor->lock);
	return turn;
}

/*
 * The same without the lock, where two connects may have the same turn. Of trouble it sees as much:
 * whoever ejects writes one word, and of the two that note_none_ejected() writes neither alone ends
 * the trouble.
 */
static __always_inline struct turn take_turn_roughly(__u32 service, __u32 generation, __u64 now_ns)
{
	struct gw_cursor *cursor = bpf_map_lookup_elem(&gw_cursors, &service);
	struct turn turn = {0};

	if (!cursor)
		return turn;
	turn = read_turn(cursor, generation, now_ns);
	cursor->next = turn.number + 1;
	return turn;
}

/* A search met no ejected backend: the next ones need not look, unless one was ejected since, or the
 * set is another one. Of those with weight 0 nothing is known. */
static __always_inline void note_none_ejected(__u32 service, __u32 ejected, __u32 generation)
{
	struct gw_cursor *cursor = bpf_map_lookup_elem(&gw_cursors, &service);

	if (!cursor)
		return;
	bpf_spin_lock(&cursor->lock);
	if (cursor->ejected == ejected) {
		cursor->ejected = 0;
		cursor->calm_generation = generation;
	}
	bpf_spin_unlock(&cursor->lock);
}

/* The position at a place of the policy's table. */
static __always_inline __u32 table_at(const struct pick_set *set, __u32 place)
{
	__u32 index, part;
	const struct gw_slot *slot;

	place %= set->table_length;
	index = set->first + set->count + place / GW_TABLE_PER_SLOT;
	slot = bpf_map_lookup_elem(&gw_slots, &index);
	if (!slot)
		return 0;
	part = place % GW_TABLE_PER_SLOT;
	return ((const __u16 *)slot)[part];
}

static __always_inline __u32 mix(__u64 value)
{
	value ^= value >> 33;
	value *= 0xff51afd7ed558ccdull;
	value ^= value >> 33;
	value *= 0xc4ceb9fe1a85ec53ull;
	return value >> 32;
}

/* No score is better than that of the heaviest member, if it is idle; whoever has it ends the
 * search. In trouble nobody does: all are counted that are ejected. */
static __always_inline __u64 enough_score(const struct pick_set *set, bool is_trouble)
{
	if (is_trouble || !set->most_weight)
		return 0;
	return SCORE_BEST + load_score(set->policy, 0, set->most_weight) + 1;
}

/* Where to begin: at this turn, at random, or where the client's hash says, which is another place
 * for another number of draws. */
static __always_inline __u32 first_position(const struct gw_conn *conn, const struct pick_set *set,
					    __u32 turn, __u32 draws)
{
	__u32 place = turn;

	if (set->policy == GW_POLICY_RANDOM || set->policy == GW_POLICY_P2C)
		place = bpf_get_prandom_u32();
	else if (set->policy == GW_POLICY_SH || set->policy == GW_POLICY_MH)
		place = mix(conn->netns_cookie + draws);
	/* The last draw is not by weight: a heavy one that fails would be drawn again and again. */
	if (set->table_length && draws < DRAWS_AGAIN)
		place = table_at(set, place);
	return place % set->count;
}

static __always_inline __u64 member_score(const struct gw_conn *conn, const struct gw_slot *slot,
					  __u64 avoided)
{
	__u64 score = gw_score(conn->how | (__u32)slot->weight << HOW_WEIGHT_SHIFT, slot->backend,
			       slot->backend_generation, conn->netns_cookie, conn->start_ns);

	return avoid(score, avoided, slot->backend_generation);
}

static __always_inline struct gw_conn *record_of(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;

	return sk ? bpf_sk_storage_get(&gw_conns, sk, NULL, 0) : NULL;
}

/* Take a member into the record if it is the best so far. Returns whether none can be better. Few
 * branches: the verifier remembers each of them for each of 1,000 turns, and has room for 8,192. */
static __always_inline bool consider(struct gw_conn *conn, const struct gw_slot *slot,
				     __u32 position, __u64 avoided)
{
	__u64 score = member_score(conn, slot, avoided);

	if (score == SCORE_NONE)
		return false;
	/* Without a branch: SCORE_PROBE, and whatever has SCORE_EJECTED in it. */
	conn->ejected += (score - 1) >> 63;
	if (score >= conn->best_score)
		return false;
	conn->best_score = score;
	conn->best_position = position;
	conn->best_backend = slot->backend;
	conn->best_generation = slot->backend_generation;
	return score < conn->enough_score;
}

/*
 * Look at the members of the set that has this word, from position `start` on, and leave the best
 * in the record. -ENOENT: none takes new connections; -EAGAIN: the set was overtaken. Global for
 * the reason of gw_score().
 */
__noinline int gw_search(struct bpf_sock_addr *ctx, __u64 word, __u32 start, __u64 avoided)
{
	__u32 first = GW_SET_BASE(word) + 1, count = GW_SET_COUNT(word);
	struct gw_conn *conn = record_of(ctx);

	if (!conn)
		return -ENOENT;
	conn->best_score = SCORE_NONE;
	conn->ejected = 0;
	for (__u32 i = 0; i < GW_SET_MAX; i++) {
		__u32 index = start + i;
		const struct gw_slot *slot;

		if (i >= count)
			break;
		if (index >= count)
			index -= count;
		index += first;
		slot = bpf_map_lookup_elem(&gw_slots, &index);
		if (!slot || slot->generation != GW_SET_GENERATION(word))
			return -EAGAIN;
		if (consider(conn, slot, i, avoided))
			break;
	}
	return conn->best_score == SCORE_NONE ? -ENOENT : 0;
}

/* Whether a is less than b, both below 2^63, as a mask of all bits. Without a branch, of which the
 * verifier would follow both ways at each member; in assembly, or clang makes one of it. */
static __always_inline __u64 mask_if_less(__u64 a, __u64 b)
{
	__u64 mask = a - b;

	asm volatile("%0 s>>= 63" : "+r"(mask));
	return mask;
}

/*
 * The least of the members from..from + count of the set that has this word: its load, and below
 * that how far from `from` it is, so that of equal ones the first wins. LEAST_NONE: it met none that
 * takes new connections. It looks at no health and touches no record, which is why it costs less
 * than half of gw_search(). Nor does it check that a member is still of this set: one of another set
 * matters only if it wins, and the caller checks the winner. Global for the reason of gw_score().
 */
__noinline __u64 gw_search_least(__u64 word, __u32 from, __u32 count)
{
	__u32 first = GW_SET_BASE(word) + 1 + from;
	__u64 best = LEAST_NONE;

	for (__u32 i = 0; i < GW_SET_MAX; i++) {
		__u32 index = first + i, active;
		const struct gw_slot *slot;
		const __u64 *load;
		__u64 rank;

		if (i >= count)
			break;
		slot = bpf_map_lookup_elem(&gw_slots, &index);
		if (!slot)
			break;
		if (!slot->weight)
			continue;
		index = slot->backend;
		load = bpf_map_lookup_elem(&gw_loads, &index);
		if (!load)
			break;
		active = GW_LOAD_ACTIVE(*load);
		/* In a register of 32 bits, or clang clears the upper half by shifts, twice. */
		asm volatile("" : "+w"(active));
		rank = (__u64)active << LEAST_LOAD_SHIFT | i;
		best += (rank - best) & mask_if_less(rank, best);
		if (!active)
			break;
	}
	return best;
}

/* The fewest active connections, while all is well and nobody is to be passed over: the one that
 * gw_search() would find. That one says whether there is none. */
static __always_inline int pick_least(struct bpf_sock_addr *ctx, struct gw_conn *conn,
				      const struct pick_set *set, __u32 start)
{
	__u64 best = gw_search_least(set->word, start, set->count - start), before = LEAST_NONE;
	const struct gw_slot *slot;
	__u32 index = start;

	if (best >> LEAST_LOAD_SHIFT)
		before = gw_search_least(set->word, 0, start);
	if (before >> LEAST_LOAD_SHIFT < best >> LEAST_LOAD_SHIFT) {
		best = before;
		index = 0;
	}
	if (best >= LEAST_NONE)
		return gw_search(ctx, set->word, start, 0);
	index += set->first + (best & ((1 << LEAST_LOAD_SHIFT) - 1));
	slot = bpf_map_lookup_elem(&gw_slots, &index);
	if (!slot || slot->generation != set->generation)
		return -EAGAIN;
	conn->best_score = SCORE_BEST;
	conn->best_backend = slot->backend;
	conn->best_generation = slot->backend_generation;
	return 0;
}

/* Of two drawn at random the less loaded. Only while all is well: in trouble everybody is looked at. */
static __always_inline int pick_of_two(struct gw_conn *conn, const struct pick_set *set,
				       __u32 first, __u32 second, __u64 avoided)
{
	__u32 a_index = set->first + first, b_index = set->first + second;
	const struct gw_slot *a = bpf_map_lookup_elem(&gw_slots, &a_index);
	const struct gw_slot *b = bpf_map_lookup_elem(&gw_slots, &b_index);
	__u64 a_score;

	if (!a || !b || a->generation != set->generation || b->generation != set->generation)
		return -EAGAIN;
	a_score = member_score(conn, a, avoided);
	conn->best_score = member_score(conn, b, avoided);
	if (a_score < conn->best_score) {
		conn->best_score = a_score;
		b = a;
	}
	conn->best_backend = b->backend;
	conn->best_generation = b->backend_generation;
	return conn->best_score == SCORE_NONE ? -ENOENT : 0;
}

static __always_inline bool is_well(const struct gw_conn *conn, const struct pick_set *set,
				    __u32 position, __u64 avoided)
{
	__u32 index = set->first + position;
	const struct gw_slot *slot = bpf_map_lookup_elem(&gw_slots, &index);

	return slot && member_score(conn, slot, avoided) < SCORE_RISING;
}

/* What a backend that fails would get is spread over all others by the policy's own lot, not given
 * to its neighbour. Those without a table of turns or a lot look at all of them anyway. */
static __always_inline __u32 draw_well(const struct gw_conn *conn, const struct pick_set *set,
				       __u32 service, __u32 start, __u64 avoided)
{
	__u32 turn = 0;

	if (set->policy != GW_POLICY_SH && set->policy != GW_POLICY_MH &&
	    set->policy != GW_POLICY_RANDOM && set->policy != GW_POLICY_WRR)
		return start;
	for (__u32 draws = 1; draws <= DRAWS_AGAIN; draws++) {
		if (is_well(conn, set, start, avoided))
			break;
		if (set->policy == GW_POLICY_WRR)
			turn = take_turns(service, 1, 0, 0).number;
		start = first_position(conn, set, turn, draws);
	}
	return start;
}

/* Whether so many are ejected that Kubernetes' word counts more than ours. */
static __always_inline bool is_desperate(const struct gw_conn *conn, const struct pick_set *set)
{
	return (set->count - conn->ejected) * 100 < set->keep_percent * set->count;
}

/* Nobody is known to be well, and no agent says who came: the list of kube-proxy may be newer. */
static __always_inline bool is_for_others(const struct gw_conn *conn)
{
	return conn->how & HOW_ALONE && conn->best_score >= SCORE_FAILED;
}

static __always_inline int search_in_trouble(struct bpf_sock_addr *ctx, struct gw_conn *conn,
					     const struct pick_set *set, __u32 service, __u32 start,
					     __u64 avoided)
{
	__u32 ejected;
	int err;

	start = draw_well(conn, set, service, start, avoided);
	err = gw_search(ctx, set->word, start, avoided);
	if (err)
		return err;
	if (conn->best_score == SCORE_PROBE) {
		__u32 due = conn->best_backend, generation = conn->best_generation;
		__u32 position = conn->best_position;

		/* Whether another one is well. */
		conn->how |= HOW_NO_PROBE;
		err = gw_search(ctx, set->word, start, avoided);
		if (err)
			return err;
		if (!is_for_others(conn) && take_lease(due, conn->start_ns)) {
			conn->best_score = SCORE_PROBE;
			conn->best_backend = due;
			conn->best_generation = generation;
			conn->best_position = position;
			conn->flags |= GW_CONN_PROBE;
			return 0;
		}
	}
	if (!is_desperate(conn, set) || is_for_others(conn))
		return 0;
	/* They stay ejected, for the searches to come, although this one does not look. */
	ejected = conn->ejected;
	conn->how |= HOW_DESPERATE;
	err = gw_search(ctx, set->word, start, avoided);
	conn->ejected = ejected;
	return err;
}

/* Whether the turn alone says who is next. For a user's namespace it does where others follow the
 * load (how_to_search()). */
static __always_inline bool is_by_turns(const struct gw_conn *conn, __u32 policy)
{
	return policy == GW_POLICY_RR || policy == GW_POLICY_WRR ||
	       conn->flags & GW_CONN_USER_NETNS;
}

/* What a search has to look at, by the record and what is known of the service. A user's namespace
 * has no load of its own here, and tries nobody on behalf of others. */
static __always_inline __u32 how_to_search(const struct gw_conn *conn, __u32 policy,
					   bool is_trouble, bool is_alone)
{
	__u32 how = policy;

	if (conn->flags & GW_CONN_USER_NETNS) {
		how = follows_load(policy) ? GW_POLICY_RR : policy;
		how |= HOW_NO_PROBE | HOW_USER_NETNS;
	}
	return how | (is_trouble ? HOW_TROUBLE : 0) | (is_alone ? HOW_ALONE : 0);
}

/*
 * One try, for the socket of ctx, which has a record. flags: HOW_ALONE, and HOW_TROUBLE if that is
 * known already. These are passed over if there are others: `avoided` always, `under_load` by
 * policies that follow the load. Global for the reason of gw_score().
 */
__noinline int gw_pick(struct bpf_sock_addr *ctx, __u32 service, __u32 flags, __u64 avoided,
		       __u64 under_load)
{
	struct gw_conn *conn = record_of(ctx);
	struct pick_set set;
	struct turn turn;
	__u32 start;
	int err;

	if (!conn)
		return -ENOENT;
	err = read_set(service, &set);
	if (err)
		return err;
	if (is_by_turns(conn, set.policy))
		turn = take_turns(service, 1, set.generation, conn->start_ns);
	else
		turn = take_turn_roughly(service, set.generation, conn->start_ns);
	/* What such a client has met is noted for it alone. */
	if (conn->flags & GW_CONN_USER_NETNS || flags & HOW_TROUBLE)
		turn.is_trouble = true;
	conn->how = how_to_search(conn, set.policy, turn.is_trouble, flags & HOW_ALONE);
	if (follows_load(HOW_POLICY(conn->how)))
		avoided |= under_load;
	conn->enough_score = enough_score(&set, turn.is_trouble);
	start = first_position(conn, &set, turn.number, 0);
	if (turn.is_trouble)
		err = search_in_trouble(ctx, conn, &set, service, start, avoided);
	else if (set.policy == GW_POLICY_P2C && !avoided)
		err = pick_of_two(conn, &set, start, first_position(conn, &set, 0, 0), avoided);
	else if (HOW_POLICY(conn->how) == GW_POLICY_LC && !avoided)
		err = pick_least(ctx, conn, &set, start);
	else
		err = gw_search(ctx, set.word, start, avoided);
	if (err)
		return err;
	if (turn.is_trouble && !conn->ejected)
		note_none_ejected(service, turn.ejected, set.generation);
	/* Else the backend after one that is passed over would get its share as well. */
	if (set.policy == GW_POLICY_RR && conn->best_position)
		take_turns(service, conn->best_position, 0, 0);
	return 0;
}

/* GW_REASON_BALANCED: best_backend and best_generation of the record say who it is. */
static __always_inline enum gw_reason pick(struct bpf_sock_addr *ctx, struct gw_conn *conn,
					   __u32 index, const struct gw_service *service,
					   bool is_alone)
{
	struct avoided avoided = take_avoided(conn);
	__u32 affinity_s = service->affinity_timeout_s;
	__u32 flags = (is_alone ? HOW_ALONE : 0) |
		      (service->flags & GW_SERVICE_LOOK ? HOW_TROUBLE : 0);
	int err = -EAGAIN;

	if (pick_hinted(conn, index, service->hints_until_ns, avoided.always | avoided.under_load))
		return GW_REASON_BALANCED;
	if (affinity_s && pick_affine(conn, index, affinity_s, avoided.always))
		return GW_REASON_BALANCED;
	for (int i = 0; i < PICK_TRIES && err == -EAGAIN; i++)
		err = gw_pick(ctx, index, flags, avoided.always, avoided.under_load);
	if (err == -EAGAIN)
		return GW_REASON_OVERTAKEN;
	if (err)
		return GW_REASON_NO_BACKENDS;
	if (is_for_others(conn))
		return GW_REASON_NO_AGENT;
	if (affinity_s)
		remember_affine(conn, index);
	return GW_REASON_BALANCED;
}

/*
 * Pick one near a random place, for a socket of which no record can be kept: the id of a backend,
 * or what read_set() says. Global for the reason of gw_score().
 */
__noinline int gw_pick_any(__u32 service)
{
	struct pick_set set;
	int err = read_set(service, &set);
	__u32 start;

	if (err)
		return err;
	start = bpf_get_prandom_u32() % set.count;
	for (__u32 i = 0; i < UNRECORDED_STEPS; i++) {
		__u32 index = start + i;
		const struct gw_slot *slot;

		if (i >= set.count)
			break;
		if (index >= set.count)
			index -= set.count;
		index += set.first;
		slot = bpf_map_lookup_elem(&gw_slots, &index);
		if (!slot || slot->generation != set.generation)
			return -EAGAIN;
		if (slot->weight)
			return slot->backend;
	}
	return -ENOENT;
}

/* GW_REASON_NO_RECORD: the backend goes to ret. */
static __always_inline enum gw_reason pick_unrecorded(__u32 service, const struct gw_backend **ret)
{
	int id = -EAGAIN;
	__u32 index;

	for (int i = 0; i < PICK_TRIES && id == -EAGAIN; i++)
		id = gw_pick_any(service);
	if (id == -EAGAIN)
		return GW_REASON_OVERTAKEN;
	if (id < 0)
		return GW_REASON_NO_BACKENDS;
	index = id;
	*ret = bpf_map_lookup_elem(&gw_backends, &index);
	return *ret ? GW_REASON_NO_RECORD : GW_REASON_NO_BACKENDS;
}

#endif
