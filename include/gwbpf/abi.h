/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract between the BPF programs and the user side: keys and values of the maps, limits,
 * reasons, and the little arithmetic that both sides must do alike.
 *
 * Addresses are 16 bytes in network byte order, IPv4 stored v4-mapped. `_ns` is nanoseconds of
 * CLOCK_MONOTONIC, `_ms` milliseconds. Whoever changes a layout here raises GW_ABI_VERSION.
 */
#ifndef GWBPF_ABI_H
#define GWBPF_ABI_H

#include <linux/bpf.h> /* struct bpf_spin_lock, which the verifier knows by its name */
#include <linux/types.h>

#define GW_ABI_VERSION 4
#define GW_MAGIC 0x67776270u /* "gwbp" */

#define GW_SET_MAX 1000      /* backends of one service that are chosen from */
#define GW_HISTOGRAM_MAX 17  /* buckets of the connect time, the last one open */
#define GW_NAME_MAX 64       /* a DNS label and its final zero */
#define GW_LONG_NAME_MAX 254 /* a DNS subdomain and its final zero */
#define GW_MESSAGE_MAX 256
#define GW_SUSPECTS_MAX 16384     /* entries of gw_suspects: the oldest gives way */
#define GW_CLIENTS_MAX 16384      /* likewise of gw_clients */
#define GW_AFFINITY_MAX 65536     /* likewise of gw_affinity */
#define GW_USER_SUSPECTS_MAX 4096 /* likewise of gw_user_suspects */
#define GW_USER_AFFINITY_MAX 8192 /* likewise of gw_user_affinity */
#define GW_HINTS_MAX 4096         /* likewise of gw_hints */
#define GW_EXCEPTED_MAX 16384     /* entries of gw_excepted, of all Services */

struct gw_addr {
	__be32 word[4];
};

/* gw_vips: hash, this key to the index of a service. An entry never changes while it lives. */
struct gw_vip_key {
	struct gw_addr address;
	__be16 port;
	__u8 protocol; /* IPPROTO_TCP */
	__u8 pad;      /* must be zero: keys are compared byte by byte */
};
_Static_assert(sizeof(struct gw_vip_key) == 20, "a change of size is a change of ABI");

/*
 * gw_filter: array of words, mmap'ed. A bit for each address that may be in gw_vips: most connects of
 * a node are none of ours, and one look at a bit tells so of nearly all. Set before the entry is
 * made, cleared after it is gone.
 */
#define GW_FILTER_BITS_LOG2 16
#define GW_FILTER_WORDS ((1u << GW_FILTER_BITS_LOG2) / 64)

static inline __u32 gw_filter_bit(const struct gw_addr *address, __be16 port)
{
	__u64 value = (__u64)address->word[3] << 32 | address->word[2];

	value ^= (__u64)address->word[0] << 32 | address->word[1];
	value ^= (__u64)port << 8;
	return (__u32)(value * 0x9e3779b97f4a7c15ull >> (64 - GW_FILTER_BITS_LOG2));
}

enum gw_use {
	GW_USE_FREE,
	GW_USE_TAKEN,
};

/* gw_services: array, mmap'ed. One Service port at one address, and its settings. */
struct gw_service {
	struct gw_addr vip;
	__be16 port;
	__u8 protocol;
	__u8 use; /* enum gw_use; written last when an entry is made */
	__u32 flags;
	__u32 connect_timeout_ms;   /* 0: the kernel's */
	__u32 dead_peer_timeout_ms; /* 0: the socket is left alone */
	__u32 eject_base_ms;        /* 0: nothing is ejected */
	__u32 eject_max_ms;
	__u32 affinity_timeout_s; /* 0: no session affinity */
	__u32 suspended;    /* left to kube-proxy; only `gwbpf suspend` and `resume` write it */
	__u32 rebalance_ms; /* quiet for so long, a connection may be moved; 0: none is */
	__u32 drain_deadline_ms; /* so long after a drain began, what is left moves; 0: never */
	__u64 hints_until_ns;    /* until then some client's next backend stands in gw_hints */
};
_Static_assert(sizeof(struct gw_service) == 64, "a change of size is a change of ABI");

#define GW_REBALANCE_AUTO 0xffffffffu /* in rebalance_ms: as long as the Service's calls teach */

#define GW_SERVICE_INVALID 1u   /* its settings are refused: the last good ones are in force */
#define GW_SERVICE_WITHDRAWN 2u /* no longer in gw_vips: kept while its connections live */
#define GW_SERVICE_NO_ROOM 4u /* left to kube-proxy: there is no room for its set as it is wanted */
#define GW_SERVICE_EXCEPTS 8u /* some clients stand in gw_excepted: the hook looks there */
#define GW_SERVICE_MOVE_DOWN 16u /* connections to a backend that is down are moved */
#define GW_SERVICE_LOOK 32u /* some backend is down, or was: searches look at each one's state */

/*
 * gw_excepted: hash. A pod whose connects to a service are left to kube-proxy, by its cgroup: that
 * holds those of its containers. The value says nothing.
 */
struct gw_excepted_key {
	__u64 cgroup_id;
	__u32 service;
	__u32 zero;
};
_Static_assert(sizeof(struct gw_excepted_key) == 16, "a change of size is a change of ABI");

/* How far below the root of the hierarchy such a cgroup can be. */
#define GW_EXCEPTED_LEVEL_MAX 12

/*
 * gw_sets: array of one word per service: the range of gw_slots that is its set now. A reader
 * takes the word once; a writer fills a free range, then stores the word.
 */
#define GW_SET_BASE(word) ((__u32)((word) >> 32))
#define GW_SET_GENERATION(word) ((__u16)((word) >> 16))
#define GW_SET_COUNT(word) ((__u16)(word))
#define GW_SET_WORD(base, generation, count)                                                       \
	((__u64)(base) << 32 | (__u64)(__u16)(generation) << 16 | (__u16)(count))

/* gw_slots: array, mmap'ed. A range is one header, then its members, then the policy's table:
 * positions of members, GW_TABLE_PER_SLOT to a slot. */
struct gw_slot {
	__u32 backend; /* index in gw_backends */
	__u32 backend_generation;
	__u16 generation; /* of the set; another one: the reader was overtaken */
	__u16 weight;
	__u32 pad;
};
_Static_assert(sizeof(struct gw_slot) == 16, "a change of size is a change of ABI");

#define GW_TABLE_PER_SLOT 8
#define GW_TABLE_MAX 4096

struct gw_set_header {
	__u32 policy;       /* enum gw_policy */
	__u32 keep_percent; /* as many as that are never ejected */
	__u16 generation;   /* at the same place as in a member */
	__u16 table_length;
	__u32 most_weight; /* of a member */
};
_Static_assert(sizeof(struct gw_set_header) == sizeof(struct gw_slot), "a header is one slot");

/* gw_backends: array, mmap'ed. One endpoint of one service, under one id for its whole life. */
struct gw_backend {
	struct gw_addr address;
	__be16 port;
	__u8 use;         /* enum gw_use; written last when an entry is made */
	__u8 is_named;    /* by gwbpf.io/drain */
	__u32 generation; /* rises each time that the id is given out */
	__u32 service;
	__u32 weight;   /* in the set of its service; 0: takes no new connections */
	__u64 drain_ns; /* since when it takes none; 0: it takes some */
	/* What a command asks for on this node. It wins over what the Service asks for, until it is
	 * taken back or the id is another's; no program reads it. */
	__u64 steered_ns;          /* when `gwbpf drain` came; 0: it did not */
	__u32 steered_deadline_ms; /* of that drain; 0: the Service's */
	__u16 steered_weight;      /* 0: none is asked for */
	__u16 wanted_weight;       /* what the Service asks for */
	/* Checks of the agent failed: until then it is down (gwbpf.io/check), and for a while after that
	 * its share grows. Each check renews it: without an agent it ends by itself. 0: never was. */
	__u64 down_until_ns;
};
_Static_assert(sizeof(struct gw_backend) == 64, "a change of size is a change of ABI");

/*
 * gw_loads: array of one word per backend: its active connections, and how many of them were opened
 * since the epoch became odd (recount.c).
 */
#define GW_LOAD_ACTIVE(word) ((__u32)(word))
#define GW_LOAD_SINCE(word) ((__u32)((word) >> 32))
#define GW_LOAD_ONE(is_since) (1ull | (__u64)(is_since) << 32)

/*
 * gw_health: array. What every client of this node has to do with a backend.
 *
 * A client accuses a backend when its attempt fails and it is a witness: its network namespace
 * belongs to the node, and it has itself reached this backend before. The accusation is in force
 * until failed_until_ns, unless somebody reaches the backend by an attempt that began later.
 */
struct gw_health {
	struct bpf_spin_lock lock;
	__u32 is_ejected;
	__u64 suspect_until_ns; /* the latest until of gw_suspects: later, nobody need look there */
	__u64 reached_ns;       /* when the last attempt that was established began, to 100 ms */
	__u64 changed_ns; /* when it was last ejected or came back: older attempts do not count */
	__u64 changed_client;   /* who did that: as all clients, a netns cookie */
	__u64 ejected_until_ns; /* from then on one connection may try */
	__u64 lease_until_ns;   /* and until then no other one */
	__u64 failed_until_ns;  /* a client accuses it; if another one does before: ejection */
	__u64 failed_ns;        /* when the attempt that it speaks of began */
	__u64 failed_client;    /* who; while ejected: whose trial failed last, or 0 */
	__u64 contradicted_by;  /* the client that reached it in spite of the last accusation */
	__u64 error_ns;         /* when an attempt failed last; 0: never */
	__u64 error_client;
	__u32 error;       /* its errno; ETIMEDOUT also if the application gave up waiting */
	__u32 failures;    /* attempts that failed since one was established, by anybody */
	__u32 is_silence;  /* the accusation is of a timeout, which is weaker than an answer */
	__u32 doublings;   /* of the time of the next ejection */
	__u32 accusations; /* these four only rise */
	__u32 contradictions;
	__u32 ejections; /* with those by a trial that failed */
	__u32 returns;
};
_Static_assert(sizeof(struct gw_health) == 136, "a change of size is a change of ABI");

/* For how long one connection may try an ejected backend. */
#define GW_LEASE_NS 5000000000ull

/* reached_ns is written at most once in this time, unless somebody accuses the backend. */
#define GW_REACHED_STEP_NS 100000000ull

/*
 * What the agent sees when it looks at backends itself (gwbpf.io/check). No program reads the two
 * maps of it: what the hook must know is gw_backend.down_until_ns.
 */
#define GW_CHECK_KINDS(X)                                                                          \
	X(OFF, "off")                                                                              \
	X(TCP, "tcp")                                                                              \
	X(TLS, "tls")                                                                              \
	X(HTTP, "http")

enum gw_check_kind {
#define GW_CHECK_KIND_ENUM(id, name) GW_CHECK_##id,
	GW_CHECK_KINDS(GW_CHECK_KIND_ENUM)
#undef GW_CHECK_KIND_ENUM
		GW_CHECK_KIND_MAX_
};

/*
 * What came of a look at a backend: name in JSON and metrics, what it says of the backend, and what
 * it means. NOTHING: that is as if nobody had looked.
 */
#define GW_SEEN(X)                                                                                 \
	X(NONE, "none", NOTHING, "it has not been looked at")                                      \
	X(OK, "ok", GOOD, "it answers")                                                            \
	X(CLIENT_CERTIFICATE, "client-certificate", GOOD,                                          \
	  "it answers, and asks for a client certificate, which checks do not have")               \
	X(REFUSED, "refused", BAD, "it refuses connections")                                       \
	X(TIMEOUT, "timeout", BAD, "it did not answer in time")                                    \
	X(UNREACHABLE, "unreachable", BAD, "no packet gets there")                                 \
	X(CLOSED, "closed", BAD, "it ended the connection before it had answered")                 \
	X(TLS, "tls", BAD, "the TLS handshake failed")                                             \
	X(TOO_MUCH, "too-much", BAD, "it sent more than a check takes")                            \
	X(STATUS, "status", BAD, "its HTTP status is not from 200 to 399")                         \
	X(NOT_HTTP, "not-http", BAD, "its answer is not HTTP")                                     \
	X(FORBIDDEN, "forbidden", NOTHING, "its address is one that checks never dial")            \
	X(NOT_DONE, "not-done", NOTHING, "this node could not look")

enum gw_seen {
#define GW_SEEN_ENUM(id, name, means, text) GW_SEEN_##id,
	GW_SEEN(GW_SEEN_ENUM)
#undef GW_SEEN_ENUM
		GW_SEEN_MAX_
};

#define GW_CHECK_PATH_MAX 128

/* gw_checks: array, mmap'ed, one per service: how its backends are to be looked at. */
struct gw_check {
	__u8 kind;  /* enum gw_check_kind */
	__u8 fall;  /* so many that fail in a row make a backend down, */
	__u8 rise;  /* and so many good ones bring it back */
	__u8 pad1;  /* must be zero: settings are compared byte by byte */
	__u16 port; /* of http, in the host's byte order */
	__u16 pad2;
	__u32 inter_ms;
	__u32 timeout_ms;
	char path[GW_CHECK_PATH_MAX]; /* of http; zeros up to its end */
};
_Static_assert(sizeof(struct gw_check) == 144, "a change of size is a change of ABI");

#define GW_SEEN_ROOM 16
#define GW_SEEN_TEXT_MAX 128
_Static_assert(GW_SEEN_MAX_ <= GW_SEEN_ROOM, "a change of size is a change of ABI");

/* gw_checked: array, mmap'ed, one per backend: what was seen of it. */
struct gw_checked {
	__u32 generation; /* of the backend that it speaks of */
	__u32 seen;       /* enum gw_seen: what came of the last look */
	__u64 time_ns;    /* of that; 0: never */
	__u64 duration_ns;
	__u64 changed_ns; /* since when it is down, or back; 0: it never was down */
	__u32 in_a_row;   /* looks that speak against the state it is in */
	__u32 is_down; /* whether those that came last say so: it is as long as they are renewed */
	__u64 count[GW_SEEN_ROOM];   /* by enum gw_seen */
	char text[GW_SEEN_TEXT_MAX]; /* what was seen, more exactly; of a stranger's words none */
};
_Static_assert(sizeof(struct gw_checked) == 296, "a change of size is a change of ABI");

/*
 * What the agent reads of the certificates that backends show (gwbpf.io/tls-names). No program
 * reads the two maps of it either.
 */
#define GW_TLS_NAMES_MAX 252

/* gw_tls: array, mmap'ed, one per service: what its backends' certificates must carry. */
struct gw_tls {
	/* "default,a.example.com"; zeros up to its end. "": nothing */
	char names[GW_TLS_NAMES_MAX];
	__u8 excludes; /* whoever lacks a name, or has expired, gets no new connections */
	__u8 pad[3];   /* must be zero: settings are compared byte by byte */
};
_Static_assert(sizeof(struct gw_tls) == 256, "a change of size is a change of ABI");

/* What came of reading a certificate: name in JSON and metrics, and what it means. */
#define GW_CERTIFICATES(X)                                                                         \
	X(NONE, "none", "no certificate has been seen")                                            \
	X(READ, "read", "it was read")                                                             \
	X(MALFORMED, "malformed", "clients written in Go refuse it as a whole")                    \
	X(TOO_LARGE, "too-large", "it has more names or extensions than are looked at")

enum gw_certificate_read {
#define GW_CERTIFICATE_ENUM(id, name, text) GW_CERTIFICATE_##id,
	GW_CERTIFICATES(GW_CERTIFICATE_ENUM)
#undef GW_CERTIFICATE_ENUM
		GW_CERTIFICATE_MAX_
};

#define GW_ISSUER_MAX 64

#define GW_CERTIFICATE_ASKS                                                                        \
	1u /* its owner asks for one of the client: it is looked at once a day */

/* gw_certificates: array, mmap'ed, one per backend: the certificate that it showed last. */
struct gw_certificate {
	__u32 generation; /* of the backend that it speaks of */
	__u32 wanted;     /* a fingerprint of the names that it was compared with */
	__u16 read;       /* enum gw_certificate_read */
	__u16 flags;
	__u32 missing;    /* a bit for each of these names, in their order, if it was read */
	__u64 time_ns;    /* when it was seen; 0: never */
	__s64 not_before; /* seconds since 1970 */
	__s64 not_after;
	__u64 alike_ns; /* since when what was seen was the same each time */
	/* Until then the backend gets no new connections for it; each look renews that. 0: it does. */
	__u64 excluded_until_ns;
	char issuer[GW_ISSUER_MAX]; /* printable ASCII, cut to its place */
};
_Static_assert(sizeof(struct gw_certificate) == 120, "a change of size is a change of ABI");

/*
 * gw_suspects: LRU hash. A backend that one client could not reach. gw_user_suspects: the same of
 * clients in namespaces of users (GW_CONN_USER_NETNS): whoever can make any number of them makes only
 * these forget.
 */
struct gw_suspect_key {
	__u64 netns_cookie;
	__u32 backend;
	__u32 backend_generation;
};

enum gw_suspicion {
	GW_SUSPICION_SILENT = 1, /* a SYN had to be repeated: withdrawn if it answers after all */
	GW_SUSPICION_FAILED,     /* it could not be reached */
	GW_SUSPICION_GAVE_UP,    /* it was to be tried after an ejection, and was not */
};

struct gw_suspect {
	__u64 until_ns;
	__u64 changed_ns; /* an attempt that began earlier says nothing new */
	__u32 failures;   /* in a row: each doubles the time */
	__u32 kind;       /* enum gw_suspicion */
};

/*
 * gw_clients: LRU hash. What one client knows of the backends of one Service, apart from failures.
 * A backend has the bit GW_CLIENT_BIT(its generation). Generations are given out one after the
 * other, so up to 64 backends of a Service mostly have a bit each. Those that share one are passed
 * over together; that the client has ever reached one of them, and so may accuse it, is remembered
 * of the last one only, by its mark. No part is locked: a change that is lost comes again with the
 * next connection.
 */
#define GW_CLIENT_BITS 64
#define GW_CLIENT_BIT(generation) ((generation) % GW_CLIENT_BITS)
#define GW_CLIENT_MARK(generation) ((__u16)((generation) / GW_CLIENT_BITS | 0x8000)) /* not 0 */
#define GW_CLIENT_MEMORY_NS 300000000000ull /* how long the masks are kept */

struct gw_client_key {
	__u64 netns_cookie;
	__u32 service;
	__u32 zero;
};

struct gw_client {
	__u64 since_ns; /* when the masks were last empty */
	__u64 until_ns; /* until then this client passes over those in `again` */
	__u64 unsent;   /* to whom no packet left, since the last connection that came about */
	__u64 once;     /* whose connections have all been short since the last one that was not */
	__u64 again;    /* likewise, and more than one of them */
	__u64 reached;  /* those that it has reached */
	__u64 changed_ns; /* a connection that began earlier says nothing new about `again` */
	__u32 shorts;     /* in a row: each doubles the time */
	__u32 is_next;    /* the next connect, and no other, passes over `unsent` and `once` */
	__u16 mark[GW_CLIENT_BITS]; /* of the one that it has reached last, by bit; 0: of none */
};
_Static_assert(sizeof(struct gw_client) == 192, "a change of size is a change of ABI");

/*
 * gw_cursors: array, one per service. Where the next search begins, and whether it must look at
 * the health of backends at all.
 */
struct gw_cursor {
	struct bpf_spin_lock lock;
	__u32 next;
	__u64 trouble_until_ns; /* some backend is suspect, or has just come back, until then */
	__u32 ejected; /* not 0: perhaps some backend is ejected; another number each time */
	__u32 calm_generation; /* of a set in which nobody was ejected; in another one look again */
	__u64 choosy_until_ns; /* some client may pass backends over by gw_clients, until then */
	__u64 choosy;          /* which ones: bits, by GW_CLIENT_BIT(netns_cookie) */
};

/* gw_affinity: LRU hash. Which backend a client had last, for session affinity. gw_user_affinity: the
 * same of clients in namespaces of users. */
struct gw_affinity_key {
	__u64 netns_cookie;
	__u32 service;
	__u32 pad;
};

struct gw_affinity {
	__u64 used_ns;
	__u32 backend;
	__u32 backend_generation;
};

/*
 * gw_hints: LRU hash. Where the next connect of a process to a service goes, whose connection was
 * just moved: the first connect takes it out.
 */
struct gw_hint_key {
	__u64 netns_cookie;
	__u32 tgid;
	__u32 service;
};

struct gw_hint {
	__u64 until_ns;
	__u32 backend;
	__u32 backend_generation;
};

/*
 * gw_counters: array, mmap'ed, one per backend. Connections of namespaces that belong to a user
 * (GW_CONN_USER_NETNS) are not in it, nor in gw_loads. Once nothing is in flight:
 * attempts = established + refused + timed_out + unreachable + other_failed + canceled, and
 * active = established - closed. reset and lost are parts of closed.
 */
struct gw_counters {
	__u64 attempts; /* from the SYN on */
	__u64 established;
	__u64 refused;
	__u64 timed_out;
	__u64 unreachable;
	__u64 other_failed;
	__u64 canceled; /* by the application, before the answer */
	__u64 closed;
	__u64 reset;
	__u64 lost;
	__u64 rebalanced; /* connections that were told to connect anew; they close by themselves */
	__u64 drained;    /* the same, because the backend takes no new ones */
	__u64 connect_ns; /* sum of the connect times */
	__u64 connect_buckets[GW_HISTOGRAM_MAX]; /* not cumulative */
	__u64 pad[2];
};
_Static_assert(sizeof(struct gw_counters) == 256, "a change of size is a change of ABI");

/* gw_retired: array, mmap'ed, one per service: what is counted on the service itself. */
struct gw_retired {
	struct gw_counters gone; /* of its backends that exist no more */
	__u64 no_backends;       /* connects refused for want of a usable backend */
	__u64 dated;             /* so many were there at refused_ns; the agent writes both */
	__u64 refused_ns;        /* when it last saw more of them than before; 0: never */
	__u32 learnt_quiet_ms;   /* for rebalance: auto, by the agent; 0: not known yet */
	__u32 longest_wait_ms;   /* likewise, what that comes from; 0: none was seen that matters */
};
_Static_assert(sizeof(struct gw_retired) == 288, "a change of size is a change of ABI");

/*
 * gw_conns: socket storage, one record per socket that was balanced. Its size stays, so that a later
 * version can go on with the records of this one: what that adds takes the place of `room`, which is
 * zero until then.
 *
 * picked: the connect hook chose; counted: a SYN was sent, active + 1; closed: active - 1.
 * Only a counted record is ever subtracted, once.
 */
enum gw_conn_state {
	GW_CONN_IDLE,
	GW_CONN_PICKED,
	GW_CONN_COUNTED,
	GW_CONN_CLOSED,
};

/* State and epoch: whoever walks over the records reads both at once, as they are written. */
union gw_life {
	struct {
		__u32 state; /* enum gw_conn_state */
		__u32 epoch; /* gw_meta.epoch when it was counted */
	};
	__u64 word;
};

#define GW_CONN_PROBE 1u            /* holds the lease of an ejected backend */
#define GW_CONN_USER_NETNS 4u       /* its network namespace is a user's: it is counted nowhere */
#define GW_CONN_OUR_KEEPALIVE 0x80u /* SO_KEEPALIVE is on because we set it */

struct gw_conn {
	union {
		union gw_life life;
		struct {
			__u32 state;
			__u32 epoch;
		};
	};
	__u64 start_ns;       /* of the connect */
	__u64 established_ns; /* 0: not yet */
	__u64 netns_cookie;
	__u64 cgroup_id;
	struct gw_addr vip;
	__u32 service;
	__u32 backend;
	__u32 backend_generation;
	__u32 how; /* policy, and what the search was to look at (score.h) */
	__u32 tgid;
	__u32 our_timeout_ms; /* the TCP_USER_TIMEOUT that we set last; 0: none */
	__u16 our_idle_s;     /* TCP_KEEPIDLE likewise */
	__u16 our_interval_s; /* TCP_KEEPINTVL */
	__be16 port;          /* the Service's: what getpeername() shows */
	__u8 our_syn_count;   /* TCP_SYNCNT */
	__u8 flags;           /* GW_CONN_PROBE and so on */
	union {
		struct { /* scratch of the search, which clears it when it is over */
			__u64 best_score;
			__u64 enough_score; /* below it none can be better */
			__u32 best_backend;
			__u32 best_generation;
			__u32 best_position;
			__u32 ejected; /* how many it has met */
		};
		__u64 room[4];
	};
};
_Static_assert(sizeof(struct gw_conn) == 120, "with the kernel's header it fills a slab of 192");

/* gw_service_names and gw_backend_names: hashes by index, for people to read. */
struct gw_service_names {
	char namespace[GW_NAME_MAX];
	char name[GW_NAME_MAX];
	char port_name[GW_NAME_MAX];
	/* why it is invalid, or for what there is no room; or empty */
	char message[GW_MESSAGE_MAX];
};

struct gw_backend_names {
	char pod[GW_LONG_NAME_MAX];
	char node[GW_LONG_NAME_MAX];
	char zone[GW_NAME_MAX];
	char pad[4];
};
_Static_assert(sizeof(struct gw_backend_names) == 576, "a change of size is a change of ABI");

/* In the order of attaching: a connection must not be rewritten before its end can be seen. */
enum gw_hook {
	GW_HOOK_SOCKOPS,
	GW_HOOK_SOCK_RELEASE,
	GW_HOOK_GETPEERNAME4,
	GW_HOOK_GETPEERNAME6,
	GW_HOOK_CONNECT4,
	GW_HOOK_CONNECT6,
	GW_HOOK_MAX_
};

/*
 * The canary: a connection of the agent's own to a reserved address (TEST-NET-1, RFC 5737), at the
 * port where it listens on loopback, by which its hooks know it for theirs: they send it there. It
 * shows that they run.
 */
#define GW_CANARY_IPV4 0xc0000243u    /* 192.0.2.67; over IPv6 hooks too, mapped */
#define GW_CANARY_BACKEND 0xffffffffu /* in the record of such a socket */

/*
 * The agent's connections to the API server are not balanced: what it knows of that Service may be
 * what keeps it from knowing better. Before such a socket connects, the agent gives it a record
 * with this backend; nobody else can, as it takes the map.
 */
#define GW_OWN_BACKEND 0xfffffffeu

/*
 * So the agent asks whether connects to a Service's address come to the hook: before its socket
 * connects there, it gives it a record with this backend. The hook makes a canary of it.
 */
#define GW_PROOF_BACKEND 0xfffffffdu

/* Whether the cgroup of the hooks holds the node's pods. */
enum gw_cover {
	GW_COVER_UNKNOWN,
	GW_COVER_NO,
	GW_COVER_YES,
};

enum gw_source {
	GW_SOURCE_NONE,
	GW_SOURCE_FILE,
	GW_SOURCE_KUBERNETES,
};

/*
 * gw_meta: array of one, mmap'ed. magic and abi stay at their places in every version.
 * The journal makes the end of a backend atomic: its counts are added to gw_retired once,
 * even if the agent is killed half-way (tables.c).
 */
struct gw_meta {
	__u32 magic;
	__u32 abi;
	__u32 max_services;
	__u32 max_backends;
	__u32 agent_pid;      /* 0: it ended in good order */
	__u32 source;         /* enum gw_source */
	__u64 heartbeat_ns;   /* when what stands here was last known to be good enough */
	__u64 alive_ns;       /* the agent's last sign of life: it may not be allowed to read */
	__u64 stale_after_ns; /* older a heartbeat: connects are left to kube-proxy; 0: never */
	__u64 change_ns;      /* when the tables last changed; 0: never */
	__u32 suspended;      /* everything is left to kube-proxy */
	__u32 epoch;          /* odd while a recount runs */
	__u64 live_ns[GW_HOOK_MAX_]; /* when the canary last passed each hook; 0: never */
	__u32 source_synced;
	__u32 next_generation; /* of a backend id; begins at random in new maps */
	__be16 canary_port;    /* where the agent listens for it, on loopback; 0: nowhere */
	__u8 covers_pods;      /* enum gw_cover */
	__u8 slots_half;       /* of gw_slots, where sets are now (compact.c); 0 or 1 */
	__u8 walk_is_partial; /* the last walk over the sockets was not allowed to see all of them */
	__u8 awaits_canary;   /* the agent has just come, and its first one is not back yet */
	__u8 pad1[2];
	char version[32]; /* of the agent that wrote this */
	char node[GW_LONG_NAME_MAX];
	char pad[2];
	char zone[GW_NAME_MAX];
	struct {
		__u32 valid;
		__u32 service;
		__u32 backend;
		__u32 pad;
		struct gw_counters sum; /* what gw_retired holds afterwards */
	} journal;
};

/*
 * gw_notes: array, mmap'ed. What the agent cannot read or take in now, with the remedy, for people.
 * Those in use stand first; kind is written last. They are the agent's that runs: without one they
 * say how it was when it ended.
 */
enum gw_note_kind {
	GW_NOTE_NONE,        /* the end */
	GW_NOTE_WARNING,     /* all else is in force: a refused object or file */
	GW_NOTE_PROBLEM,     /* clients may get what is wrong */
	GW_NOTE_UNREACHABLE, /* the source does not answer: harmless if it is short */
	GW_NOTE_FORBIDDEN,   /* it answers, and does not let the agent read */
};

#define GW_NOTES_MAX 64
#define GW_NOTE_TEXT_MAX 480

struct gw_note {
	__u32 kind; /* enum gw_note_kind */
	__u32 more; /* so many more are there, for which no room is left; in the last one alone */
	__u64 since_ns;
	char text[GW_NOTE_TEXT_MAX];
};
_Static_assert(sizeof(struct gw_note) == 496, "a change of size is a change of ABI");

/*
 * Every way out of the hooks: name in the order of the enum, JSON and metrics, and what it means.
 */
#define GW_REASONS(X)                                                                              \
	X(BALANCED, "balanced", "sent to a backend")                                               \
	X(NO_RECORD, "no-record", "sent to a random backend: no memory to keep a record of it")    \
	X(CANARY, "canary", "the agent's own test of the hooks")                                   \
	X(NOT_TCP, "not-tcp", "left alone: not TCP")                                               \
	X(NOT_A_SERVICE, "not-a-service", "left alone: no balanced Service has this address")      \
	X(STALE_VIP, "stale-vip", "left alone: the entry led to another Service")                  \
	X(NO_BACKENDS, "no-backends", "refused: the Service has no usable backend")                \
	X(DENIED, "denied", "left alone: another program has refused the connect already")         \
	X(SUSPENDED, "suspended", "left alone: by `gwbpf suspend`")                                \
	X(STEPPED_ASIDE, "stepped-aside", "left alone: no agent for longer than --stale-after")    \
	X(NO_AGENT, "no-agent", "left alone: no agent for 15 s, and no backend known to be well")  \
	X(OVERTAKEN, "overtaken", "refused: the set changed three times during one search")        \
	X(NO_SYN, "no-syn", "a connect that failed before its first packet, such as for no route") \
	X(MISSED_CLOSE, "missed-close", "a connection ended unseen: the next recount corrects it") \
	X(BACKEND_GONE, "backend-gone", "an event of a connection whose backend id is not in use") \
	X(OWN, "own", "left alone: the agent's own, to the API server")                            \
	X(EXCEPTED, "excepted", "left alone: a pod that gwbpf.io/clients-except names")

enum gw_reason {
#define GW_REASON_ENUM(id, name, text) GW_REASON_##id,
	GW_REASONS(GW_REASON_ENUM)
#undef GW_REASON_ENUM
		GW_REASON_MAX_
};

/* gw_reasons: array, mmap'ed, one per possible CPU, which has its cache lines to itself. Every
 * connect of the node adds here: in a per-CPU map the add cost more than all else that it pays. */
#define GW_REASON_ROOM 32
struct gw_reason_counts {
	__u64 count[GW_REASON_ROOM]; /* by reason */
};
_Static_assert(sizeof(struct gw_reason_counts) == 256, "whole cache lines");
_Static_assert(GW_REASON_MAX_ <= GW_REASON_ROOM, "a change of size is a change of ABI");

/*
 * Policies: name in annotations and output, and what it does. One table for the kernel, the
 * parser, the help text and the documentation.
 */
#define GW_POLICIES(X)                                                                             \
	X(LC, "lc", "the fewest active connections; round robin while they are equal")             \
	X(RR, "rr", "one after the other")                                                         \
	X(WRR, "wrr", "one after the other, each as often as its weight")                          \
	X(RANDOM, "random", "at random, each as often as its weight")                              \
	X(WLC, "wlc", "the fewest active connections for its weight")                              \
	X(SED, "sed", "the fewest active connections and this one for its weight")                 \
	X(NQ, "nq", "an idle one, else as sed")                                                    \
	X(SH, "sh", "the same one for the same client")                                            \
	X(MH, "mh", "the same one for the same client; few clients move when a backend goes")      \
	X(FO, "fo", "the highest weight that is usable")                                           \
	X(OVF, "ovf", "the highest weight that has no more active connections than its weight")    \
	X(P2C, "p2c", "the less loaded for its weight of two drawn at random")

enum gw_policy {
#define GW_POLICY_ENUM(id, name, text) GW_POLICY_##id,
	GW_POLICIES(GW_POLICY_ENUM)
#undef GW_POLICY_ENUM
		GW_POLICY_MAX_
};

/* Upper bounds of the connect time buckets, in microseconds; the last bucket is open. */
#define GW_HISTOGRAM_US                                                                            \
	{                                                                                          \
		100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000,      \
			1000000, 2500000, 5000000, 10000000                                        \
	}

#endif
