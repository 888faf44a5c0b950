/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in force now, read from the pinned maps: for the commands that show it. Needs no agent
 * and changes nothing.
 */
#ifndef GWBPF_KERNEL_VIEW_H
#define GWBPF_KERNEL_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gwbpf/abi.h>

struct view;

/*
 * Take a picture of the maps pinned below pin_dir. -ENOENT: nothing is pinned there; -EPROTO: pins
 * of another ABI version (view_abi() of pin_dir tells which); -EPERM, -EACCES: not root; -ENOMEM.
 */
int view_open(const char *pin_dir, struct view **ret);
void view_close(struct view *view); /* takes NULL */

/* A hook that the canary has not passed for so long is not live. */
#define VIEW_LIVE_SECONDS 30

struct view_meta {
	uint32_t abi;
	uint32_t max_services;
	uint32_t max_backends;
	uint32_t agent_pid;           /* 0: none runs */
	double heartbeat_age_seconds; /* the agent's last sign of life; below 0: never */
	double followed_age_seconds;  /* since it could last go by its source; likewise */
	double change_age_seconds;    /* likewise */
	enum gw_source source;
	bool source_synced;
	bool walk_is_partial; /* lost connections cannot be told from those that may not be seen */
	bool suspended;       /* every Service is left to kube-proxy, by `gwbpf suspend` */
	bool stepped_aside;   /* likewise, for want of a heartbeat */
	double live_age_seconds[GW_HOOK_MAX_]; /* since the canary passed; below 0: it never did */
	bool awaits_canary; /* the agent has just come: what passes the hooks is not known yet */
	enum gw_cover covers_pods;
	const char *node; /* "" if no agent ever said */
	const char *zone;
	const char *version; /* of the agent that wrote the pins last */
};

const struct view_meta *view_meta(const struct view *view);

#define VIEW_SERVICE_STATES(X)                                                                     \
	X(READY, "ready")                                                                          \
	X(NO_BACKENDS, "no-backends")                                                              \
	X(STEPPED_ASIDE, "stepped-aside")                                                          \
	X(SUSPENDED, "suspended")                                                                  \
	X(INVALID, "invalid")                                                                      \
	X(NO_ROOM, "no-room")

enum view_service_state {
#define VIEW_SERVICE_STATE_ENUM(id, name) VIEW_SERVICE_##id,
	VIEW_SERVICE_STATES(VIEW_SERVICE_STATE_ENUM)
#undef VIEW_SERVICE_STATE_ENUM
		VIEW_SERVICE_STATE_MAX_
};

/* One Service port at one address that is wanted now. Totals include backends that are gone. */
struct view_service {
	uint32_t index;
	const char *namespace;
	const char *name;
	const char *port_name;
	struct gw_addr address;
	uint16_t port;
	enum gw_policy policy;
	uint32_t affinity_timeout_s;   /* 0: no session affinity */
	uint32_t connect_timeout_ms;   /* 0: the kernel's */
	uint32_t dead_peer_timeout_ms; /* 0: the sockets are left alone */
	uint32_t eject_base_ms;        /* 0: nothing is ejected */
	uint32_t eject_max_ms;
	uint32_t keep_percent; /* as many as that are never ejected; of a set without members 0 */
	uint32_t rebalance_ms; /* 0: off; GW_REBALANCE_AUTO */
	uint32_t drain_deadline_ms; /* 0: none */
	bool moves_down;            /* connections of a backend that is down are moved */
	const struct gw_check *check;
	uint32_t learnt_quiet_ms; /* with GW_REBALANCE_AUTO; 0: not known yet */
	uint32_t longest_wait_ms; /* likewise; 0: none was seen */
	enum view_service_state state;
	const char *message;
	uint32_t backends; /* with those that are leaving */
	uint32_t usable;
	uint32_t active;
	struct gw_counters counters;
	uint64_t no_backends;
	double refused_age_seconds; /* since the last of these; below 0: not known, or none */
	bool is_refusing; /* there were some that no agent has seen yet, so they are new */
	bool is_in_force; /* connects find it; one whose settings never were good is kube-proxy's */
};

#define VIEW_BACKEND_STATES(X)                                                                     \
	X(USABLE, "usable")                                                                        \
	X(SUSPECT, "suspect")                                                                      \
	X(EJECTED, "ejected")                                                                      \
	X(RETURNING, "returning")                                                                  \
	X(PROBING, "probing")                                                                      \
	X(DOWN, "down")                                                                            \
	X(DRAINING, "draining")                                                                    \
	X(LEAVING, "leaving")

enum view_backend_state {
#define VIEW_BACKEND_STATE_ENUM(id, name) VIEW_BACKEND_##id,
	VIEW_BACKEND_STATES(VIEW_BACKEND_STATE_ENUM)
#undef VIEW_BACKEND_STATE_ENUM
		VIEW_BACKEND_STATE_MAX_
};

/* Who asked that a backend take no new connections. */
#define VIEW_DRAINS(X)                                                                             \
	X(NOBODY, "")                                                                              \
	X(COMMAND, "command")                                                                      \
	X(ANNOTATION, "annotation")                                                                \
	X(WEIGHT, "weight")                                                                        \
	X(REMOVED, "removed")

enum view_drain {
#define VIEW_DRAIN_ENUM(id, name) VIEW_DRAIN_##id,
	VIEW_DRAINS(VIEW_DRAIN_ENUM)
#undef VIEW_DRAIN_ENUM
};

struct view_backend {
	uint32_t id;
	uint32_t generation;
	uint32_t service_index;
	const char *namespace; /* of the Service, which may be gone itself */
	const char *service;
	const char *service_port_name;
	struct gw_addr service_address;
	uint16_t service_port;
	struct gw_addr address;
	uint16_t port;
	const char *pod;
	const char *node;
	const char *zone;
	uint32_t weight;            /* 0: draining or leaving */
	double drain_seconds;       /* since it takes no new connections; 0: it takes some */
	uint32_t drain_deadline_ms; /* of that, which ends so long after its begin; 0: none */
	enum view_drain drained_by;
	uint32_t wanted_weight;  /* what the Service asks for */
	uint32_t steered_weight; /* what `gwbpf weight` asks for; 0: nothing */
	enum view_backend_state state;
	double state_seconds;     /* it has been in its state, at least; below 0: not known */
	uint32_t error;           /* the errno of the last attempt that failed; 0: none did */
	double error_age_seconds; /* since then; below 0: none did */
	uint32_t active;
	uint32_t consecutive_failures; /* since anybody reached it */
	uint32_t ejections;
	double ejected_remaining_seconds;  /* 0: it is not ejected, or one connection may try it */
	const struct gw_tls *tls;          /* what its certificate must carry */
	struct gw_certificate certificate; /* as it was seen last; all zero if it was not, or was
					    * compared with other names than now */
	double certificate_age_seconds;    /* below 0: it was not seen */
	bool is_excluded;                  /* its certificate keeps new connections away */
	const struct gw_check *check;      /* how its Service wants it to be looked at */
	struct gw_checked checked;         /* what was seen; all zero if nothing was */
	double checked_age_seconds;        /* since the last look; below 0: there was none */
	struct gw_counters counters;
};

/* What the agent cannot read or take in, as it says itself; of an earlier one if none runs. */
struct view_note {
	enum gw_note_kind kind;
	double age_seconds; /* below 0: not told */
	uint32_t more;      /* not in the list, for want of room */
	const char *text;
};

size_t view_notes(const struct view *view, const struct view_note **ret);

/* Ordered by namespace, name, port (number), address. Valid until view_close(). */
size_t view_services(const struct view *view, const struct view_service **ret);

/* Ordered as the services are, then by address and port. Valid until view_close(). */
size_t view_backends(const struct view *view, const struct view_backend **ret);

/* The backend with this id and generation, or NULL. */
const struct view_backend *view_find_backend(const struct view *view, uint32_t id,
					     uint32_t generation);

/* Sums over the CPUs, by enum gw_reason. */
const uint64_t *view_reasons(const struct view *view);

const char *view_service_state_name(enum view_service_state state);
const char *view_drain_name(enum view_drain drain);
const char *view_backend_state_name(enum view_backend_state state);

/* Whether it takes new connections by its weight: nothing keeps this node's clients away from it. */
bool view_backend_takes(const struct view_backend *backend);
const char *view_certificate_name(uint32_t read); /* "malformed" for GW_CERTIFICATE_MALFORMED */
const char *view_certificate_text(uint32_t read); /* what it means */
const char *view_check_kind_name(uint32_t kind);
const char *view_seen_name(uint32_t seen);   /* "timeout" for GW_SEEN_TIMEOUT */
const char *view_seen_text(uint32_t seen);   /* what it means */
bool view_seen_is_good(uint32_t seen);       /* the backend answers */
bool view_seen_speaks(uint32_t seen);        /* it says something of the backend, good or bad */
const char *view_error_name(uint32_t error); /* "refused" for ECONNREFUSED; NULL for 0 */
const char *view_reason_name(enum gw_reason reason);
const char *view_reason_text(enum gw_reason reason);

#endif
