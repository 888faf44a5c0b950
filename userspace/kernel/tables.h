/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only writer of the maps. What it does in which order is what makes a kill at any instant
 * harmless: an entry becomes visible by its last write, a set changes by one word, and nothing is
 * used again before every program that might see its old content has ended.
 */
#ifndef GWBPF_KERNEL_TABLES_H
#define GWBPF_KERNEL_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/plan.h"

struct tables;

/*
 * Adopt what the maps below pin_dir hold; what an agent left half done is completed or undone.
 * -ENOENT, -EPROTO, -EPERM, -ENOMEM as maps_open().
 */
int tables_open(const char *pin_dir, struct tables **ret);
void tables_close(struct tables *tables); /* takes NULL */

/* What stands there for one Service; valid until the next call with these tables. -ENOMEM */
int tables_present(struct tables *tables, const char *namespace, const char *name,
		   const struct present **ret, size_t *count);

/* A message of something that could not be taken in, for want of room. */
typedef void (*tables_refuse)(const char *message, void *arg);

/*
 * Write a plan for the Service namespace/name. An address and port for which there is no room, by
 * the limits or by the share of its namespace (shares.h), is left to kube-proxy, also if it was
 * balanced before: a set is as wanted, or it is not in force. A policy without room for its table
 * is replaced by the one that comes nearest (policy_table.h). Both are told to refuse, the rest is
 * in force. -ENOSPC: something was refused; -ENOMEM and what bpf(2) says: what was written before
 * stands, and the same call may be repeated.
 */
struct tables_job {
	const char *namespace;
	const char *name;
	const struct plan *plan;
	bool more; /* others follow: what people read may wait for tables_flush() */
	tables_refuse refuse;
	void *arg;
};

int tables_apply(struct tables *tables, const struct tables_job *job);
int tables_flush(struct tables *tables);

/*
 * Set free what is no longer used: ranges, backends that left, Services that went. A backend stays
 * for linger_ms after it was last used, unless some were refused for want of ids. To be called
 * about once a second, off the path of updates: it may wait some 10 ms for running programs to end.
 */
int tables_collect(struct tables *tables, uint64_t linger_ms);

/* The same, but it does not wait for a walk that a child does (conns_walk_start()): what that finds
 * to be free is set free by a later call. */
int tables_collect_some(struct tables *tables, uint64_t linger_ms);

/* Rises when something was set free: then it is worth trying again what was refused for room. */
uint64_t tables_releases(const struct tables *tables);

struct recount {
	size_t backends;  /* that were looked at */
	size_t corrected; /* whose count was wrong */
	size_t unsettled; /* that changed too fast to be sure: left as they are */
	uint64_t removed; /* connections that were counted and are no more */
	uint64_t added;   /* that exist and were not counted */
	uint64_t doubted; /* that were not found, and stay counted until they are not found again */
	size_t unseen;    /* conns_unseen(): then nothing is taken off */
};

/*
 * Count the connections that exist, and correct the active counts by them; what is open and nobody
 * saw end is closed. Exact while connections come and go. For an audit, and after a time in which
 * hooks were detached. Takes some 50 ms, or some ms for each network namespace. Where the walk does
 * not see all there is (conns.h), what is missing has to be so twice: a socket that outlives its
 * network namespace does not do so for minutes.
 */
int tables_recount(struct tables *tables, struct recount *ret);

/*
 * The same in parts, for whoever must not be held up while a child walks. _begin: -EBUSY: another
 * walk goes on. _step: -EAGAIN: call it again later; 0: ret says what was found. tables_recount()
 * ends an audit that goes on without a result: then _step says -ECANCELED.
 */
int tables_audit_begin(struct tables *tables);
int tables_audit_step(struct tables *tables, struct recount *ret);

/* Names of all Services that are in force, so that those that vanished can be withdrawn. */
typedef void (*tables_visit)(const char *namespace, const char *name, void *arg);
void tables_visit_services(struct tables *tables, tables_visit visit, void *arg);

/* The agent's own words about itself. */
struct gw_meta *tables_meta(struct tables *tables);

/* A socket of this process that is not to be balanced, whatever it connects to. -ENOMEM, or what
 * bpf(2) says. */
int tables_own_socket(struct tables *tables, int fd);

/*
 * Whether connects to an address come to the hooks: ask with a socket of this process before it
 * connects there, and see after connect(2) whether the hook has answered. It sends such a socket to
 * the canary's listener, never to a backend. -ENOMEM, or what bpf(2) says.
 */
int tables_ask_socket(struct tables *tables, int fd);
bool tables_is_answered(struct tables *tables, int fd);

/* Whether connects to this entry are balanced now; then key is its address. */
bool tables_is_balanced(struct tables *tables, uint32_t index, struct gw_vip_key *key);

/* An entry for people: "fabric/gateway". */
#define TABLES_SERVICE_TEXT_MAX (2 * GW_NAME_MAX)
const char *tables_service_text(const struct tables *tables, uint32_t index,
				char buf[TABLES_SERVICE_TEXT_MAX]);

/* The map of services, by index; valid as long as the tables. Returns how many places it has. */
size_t tables_services(const struct tables *tables, struct gw_service **ret);

/* A backend for people: "fabric/org1-peer-gateway-svc 10.244.0.11:7051 (org1-peer1-0)"; or that it is
 * gone. */
#define TABLES_BACKEND_TEXT_MAX 512
const char *tables_backend_text(const struct tables *tables, uint32_t id, uint32_t generation,
				char buf[TABLES_BACKEND_TEXT_MAX]);

/* The same in parts. false: it is gone. */
struct tables_names {
	struct gw_backend_names backend;
	struct gw_service_names service;
	struct gw_addr address;
	struct gw_addr vip;
	uint16_t port;
	uint16_t vip_port;
};

bool tables_name_backend(const struct tables *tables, uint32_t id, uint32_t generation,
			 struct tables_names *ret);

/* Those of a Service alone, by its index. false: there is none. */
bool tables_name_service(const struct tables *tables, uint32_t index, struct tables_names *ret);

/* A connection of this backend was told to connect anew, for balance or by a drain. */
void tables_count_moved(struct tables *tables, uint32_t id, uint32_t generation, bool is_drain);

/*
 * What a command asks of a backend on this node. It is in force at once, wins over what the Service
 * asks for, and stands in the maps until it is taken back or the backend's id is free.
 */
struct steering {
	uint16_t weight;      /* 0: the Service's */
	bool is_drained;      /* takes no new connections, whatever its weight */
	uint32_t deadline_ms; /* of that, from now on; 0: the Service's */
};

/* The backend of this Service address that has this address. false: there is none. */
struct backend_id {
	uint32_t id;
	uint32_t generation;
};

struct tables_endpoint {
	struct gw_addr vip;
	struct gw_addr address;
	uint16_t vip_port;
	uint16_t port;
};

bool tables_find_service(const struct tables *tables, const struct gw_addr *vip, uint16_t port,
			 uint32_t *ret);
bool tables_find_backend(const struct tables *tables, const struct tables_endpoint *endpoint,
			 struct backend_id *ret);

/* What is asked of it now. -ESTALE: the id is another's. */
int tables_steering(const struct tables *tables, struct backend_id backend, struct steering *ret);

/* Ask for something else. -ESTALE; -ENOSPC: there is no room for another set of the Service, and
 * nothing has changed; -ENOMEM, and what the grace says. */
int tables_steer(struct tables *tables, struct backend_id backend, const struct steering *want);

/* Whether some backend is to be empty by the deadline of a command. */
bool tables_has_timed_drain(const struct tables *tables);

/* How many members of a backend's Service take new connections. */
size_t tables_takers(const struct tables *tables, struct backend_id backend);

/* What the calls of a Service taught: so long its connections must be quiet, 0: that is not known yet;
 * and the longest wait, 0: none. */
void tables_tell_learnt(struct tables *tables, uint32_t service, uint32_t quiet_ms,
			uint32_t longest_wait_ms);

/* How many entries and backends are in use, those that are leaving among them. */
size_t tables_service_count(const struct tables *tables);
size_t tables_backend_count(const struct tables *tables);

#endif
