/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs and maps in the kernel: load and attach them, or adopt what is pinned and put this
 * version's programs under the pinned links without a gap; and take all of it away.
 */
#ifndef GWBPF_KERNEL_DATAPATH_H
#define GWBPF_KERNEL_DATAPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gwbpf/abi.h>

#define DATAPATH_MESSAGE_MAX 512

struct datapath;

struct datapath_options {
	const char *pin_dir;
	const char
		*cgroup; /* NULL: the root of the cgroup v2 mount, or the pods' (attach_point.h) */
	uint32_t max_services;
	uint32_t max_backends;
};

/*
 * Load the programs and make the maps below pin_dir, or adopt those that are pinned there; attach
 * nothing yet. On failure message says what is missing and the remedy; on
 * success it is "" or something that the operator should know (limits that stay as pinned, pins of
 * another version that were replaced).
 * -EBUSY: another agent runs (message names its pid); -EPERM, -EROFS, -EINVAL, -ENOTSUP, …
 */
int datapath_open(const struct datapath_options *options, struct datapath **ret,
		  char message[DATAPATH_MESSAGE_MAX]);

/* Whether the maps are those that were pinned: what they hold can be put in force at once. */
bool datapath_is_adopted(const struct datapath *datapath);

/*
 * Put the programs at the hooks: under the pinned links without a gap, or attach them. To be called
 * once the maps say what is wanted. On failure message says why, and the remedy.
 */
int datapath_attach(struct datapath *datapath, char message[DATAPATH_MESSAGE_MAX]);

/* The hooks that do not run our programs at our cgroup (any more), 1 << enum gw_hook. */
int datapath_lost_hooks(const struct datapath *datapath);

/*
 * Choose the cgroup again, unless the options named it. is_taken: a program of somebody else takes a
 * Service's address before our hooks see it. Returns whether it is another one now: then
 * datapath_attach() moves the hooks.
 */
bool datapath_choose_cgroup(struct datapath *datapath, bool is_taken);

/* Why it is not the root, and what that costs, for people; "" if it was not chosen for a reason. */
const char *datapath_cgroup_text(const struct datapath *datapath);

/* The cgroup that the hooks belong to; the datapath's own descriptor. */
int datapath_cgroup_fd(const struct datapath *datapath);

const char *datapath_pin_dir(const struct datapath *datapath);

/* The programs and their maps, for monitor.c. */
struct gwbpf_bpf;
struct gwbpf_bpf *datapath_object(struct datapath *datapath);

/* After a start that failed: detach and remove what this one attached and pinned. Where something was
 * pinned before, it stays as it is. */
void datapath_undo(struct datapath *datapath);

/* Let go of it. Programs, links and maps stay pinned and go on working. */
void datapath_close(struct datapath *datapath); /* takes NULL */

/*
 * Detach every hook and remove the pins; live connections go on. Idempotent: 0 if nothing was
 * there. force ends a running agent, which message tells then; without it -EBUSY and its pid.
 */
int datapath_detach(const char *pin_dir, bool force, char message[DATAPATH_MESSAGE_MAX]);

struct hook_status {
	const char *name; /* "connect4" */
	bool attached;
	uint32_t program_id; /* 0: none */
	uint64_t cgroup_id;  /* 0: none */
};

/* The state of every hook, from the pinned links. -ENOENT: no pins. */
int datapath_hooks(const char *pin_dir, struct hook_status ret[GW_HOOK_MAX_]);

/* The path of a cgroup v2 directory by its id, below the cgroup v2 mount. -ENOENT */
int datapath_cgroup_path(uint64_t id, char *ret, size_t size);

/* The ABI version of the pins. -ENOENT: no pins; -EPROTO: not gwbpf's. */
int datapath_pinned_abi(const char *pin_dir, uint32_t *ret);

#endif
