// SPDX-License-Identifier: Apache-2.0
#include "report/clients.h"

#include <errno.h>
#include <limits.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/addr.h"
#include "kernel/datapath.h"
#include "report/pod_names.h"
#include "report/pod_uid.h"

#define COMMAND_MAX 16 /* TASK_COMM_LEN */

/* A cgroup and the pod in whose it is. */
struct cgroup {
	uint64_t id; /* must be first: the tree compares ids */
	bool is_there;
	char uid[POD_UID_MAX];       /* "": of no pod */
	const struct pod_name *name; /* NULL: not known */
};

struct process {
	uint64_t pid; /* must be first */
	bool is_there;
	char command[COMMAND_MAX];
	struct cgroup cgroup; /* where it is now */
};

struct clients {
	const struct view *view; /* NULL: none */
	struct pod_names names;
	ino_t node_netns; /* 0: not known */
	void *cgroups;    /* tsearch(3) */
	void *processes;
	size_t looks;
};

static int compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

int clients_new(const struct view *view, struct clients **ret)
{
	struct clients *clients = calloc(1, sizeof(*clients));
	struct stat node;
	int err = clients ? pod_names_read(POD_NAMES_DIRECTORY, &clients->names) : -ENOMEM;

	if (err) {
		free(clients);
		return err;
	}
	clients->view = view;
	if (!stat("/proc/1/ns/net", &node))
		clients->node_netns = node.st_ino;
	*ret = clients;
	return 0;
}

void clients_free(struct clients *clients)
{
	if (!clients)
		return;
	tdestroy(clients->cgroups, free);
	tdestroy(clients->processes, free);
	pod_names_done(&clients->names);
	free(clients);
}

/* The element with this number, as it is in the tree or new and zeroed. NULL: no memory. */
static void *find_or_add(void **tree, uint64_t number, size_t size, bool *is_new)
{
	void *const *found = tfind(&number, tree, compare);
	void *one;

	*is_new = !found;
	if (found)
		return *found;
	one = calloc(1, size);
	if (!one)
		return NULL;
	memcpy(one, &number, sizeof(number));
	if (tsearch(one, tree, compare))
		return one;
	free(one);
	return NULL;
}

static void look_at_path(const struct clients *clients, struct cgroup *cgroup, const char *path)
{
	if (pod_uid_in(path, cgroup->uid))
		cgroup->name = pod_names_find(&clients->names, cgroup->uid);
	else
		*cgroup->uid = '\0';
}

static const struct cgroup *find_cgroup(struct clients *clients, uint64_t id)
{
	char path[PATH_MAX];
	bool is_new;
	struct cgroup *cgroup = find_or_add(&clients->cgroups, id, sizeof(*cgroup), &is_new);

	if (!cgroup || !is_new)
		return cgroup;
	clients->looks++;
	cgroup->is_there = !datapath_cgroup_path(id, path, sizeof(path));
	if (cgroup->is_there)
		look_at_path(clients, cgroup, path);
	return cgroup;
}

static size_t read_file(const char *path, char *buf, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t length = file ? fread(buf, 1, size - 1, file) : 0;

	if (file)
		fclose(file);
	buf[length] = '\0';
	return length;
}

/* Not by its stat: there a process without rights can have us wait for ever, as at its ns/net. */
static void look_at_process(const struct clients *clients, struct process *process)
{
	char path[64], text[2 * PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%u/comm", (uint32_t)process->pid);
	process->is_there = read_file(path, process->command, sizeof(process->command)) > 0;
	process->command[strcspn(process->command, "\n")] = '\0';
	snprintf(path, sizeof(path), "/proc/%u/cgroup", (uint32_t)process->pid);
	read_file(path, text, sizeof(text));
	/* A line for each hierarchy; a kubelet gives a pod a cgroup in all of them. */
	for (char *at = text; (at = strchr(at, '\n'));)
		*at = '/';
	look_at_path(clients, &process->cgroup, text);
}

static struct process *find_process(struct clients *clients, uint32_t pid)
{
	bool is_new;
	struct process *process = find_or_add(&clients->processes, pid, sizeof(*process), &is_new);

	if (process && is_new) {
		clients->looks++;
		look_at_process(clients, process);
	}
	return process;
}

/* NULL: no backend has the address, or two of different names have. */
static const char *find_backend(const struct view *view, const struct gw_addr *address)
{
	const struct view_backend *backends;
	size_t count = view_backends(view, &backends);
	const char *pod = NULL;

	for (size_t i = 0; i < count; i++) {
		if (addr_compare(&backends[i].address, address) || !*backends[i].pod)
			continue;
		if (pod && strcmp(pod, backends[i].pod))
			return NULL;
		pod = backends[i].pod;
	}
	return pod;
}

static void name_pod(const struct cgroup *cgroup, struct client *ret)
{
	ret->namespace = cgroup->name ? cgroup->name->namespace : "";
	ret->pod = cgroup->name ? cgroup->name->name : cgroup->uid;
}

/* A number is given out again: who is not in the same pod did not make it. */
static bool can_have_made(const struct process *process, const struct cgroup *cgroup)
{
	return process->is_there && !strcmp(process->cgroup.uid, cgroup->uid);
}

int clients_find(struct clients *clients, const struct gw_walk_conn *walk, struct client *ret)
{
	const struct cgroup *cgroup = find_cgroup(clients, walk->conn.cgroup_id);
	const struct process *process = walk->conn.tgid ? find_process(clients, walk->conn.tgid)
							: NULL;
	const char *pod = NULL;

	*ret = (struct client){"", "", ""};
	if (!cgroup || (walk->conn.tgid && !process))
		return -ENOMEM;
	name_pod(cgroup, ret);
	/* In the node's own network namespace all have its address. */
	if (clients->view && *cgroup->uid && !cgroup->name &&
	    walk->netns_inode != clients->node_netns)
		pod = find_backend(clients->view, &walk->source);
	if (pod)
		ret->pod = pod;
	if (process && can_have_made(process, cgroup))
		ret->command = process->command;
	return 0;
}

int clients_find_origin(struct clients *clients, uint64_t cgroup_id, uint32_t pid,
			struct client *ret)
{
	const struct cgroup *cgroup = find_cgroup(clients, cgroup_id);
	const struct process *process;

	*ret = (struct client){"", "", ""};
	if (!cgroup)
		return -ENOMEM;
	name_pod(cgroup, ret);
	if (*cgroup->uid || !cgroup->is_there || !pid)
		return 0;
	process = find_process(clients, pid);
	if (!process)
		return -ENOMEM;
	if (can_have_made(process, cgroup))
		ret->command = process->command;
	return 0;
}

size_t clients_looks(const struct clients *clients)
{
	return clients->looks;
}

int clients_find_process(struct clients *clients, uint32_t pid, struct client *ret)
{
	const struct process *process = find_process(clients, pid);

	if (!process)
		return -ENOMEM;
	name_pod(&process->cgroup, ret);
	ret->command = process->command;
	return 0;
}
