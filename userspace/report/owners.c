// SPDX-License-Identifier: Apache-2.0
#include "report/owners.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/parse.h"
#include "kernel/netns_cookies.h"

/* At /proc/PID/ns/net a process without rights can have us wait for ever (kernel/netns.c). */
static uint64_t dev_inode_of(const char *pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%.20s/net/dev", pid);
	return stat(path, &st) ? 0 : st.st_ino;
}

static int compare(const void *a, const void *b)
{
	const struct owner *left = a, *right = b;

	return (left->dev_inode > right->dev_inode) - (left->dev_inode < right->dev_inode);
}

static struct owner *find_by_process(const struct owners *owners, const char *pid)
{
	const struct owner key = {.dev_inode = dev_inode_of(pid)};

	return owners->count ? bsearch(&key, owners->all, owners->count, sizeof(key), compare)
			     : NULL;
}

/* The first process, or else the first one of a pod. */
static int note_process(struct clients *clients, struct owner *owner, uint32_t pid)
{
	struct client client;
	int err;

	if (owner->is_node || *owner->client.pod)
		return 0;
	err = clients_find_process(clients, pid, &client);
	if (err || (owner->pid && !*client.pod))
		return err;
	owner->pid = pid;
	owner->client = client;
	return 0;
}

static int look_at_processes(struct clients *clients, const struct owners *owners)
{
	DIR *proc = opendir("/proc");
	struct dirent *process;
	struct owner *owner;
	uint32_t pid;
	int err = 0;

	if (!proc)
		return -errno;
	while (!err && (process = readdir(proc))) {
		if (parse_u32(process->d_name, 1, INT32_MAX, &pid))
			continue;
		owner = find_by_process(owners, process->d_name);
		if (owner)
			err = note_process(clients, owner, pid);
	}
	closedir(proc);
	return err;
}

int owners_read(struct clients *clients, struct owners *ret)
{
	struct netns_cookie *cookies;
	uint64_t node = dev_inode_of("1");
	int err;

	*ret = (struct owners){0};
	err = netns_cookies(&cookies, &ret->count);
	if (err)
		return err == -ENOPROTOOPT ? 0 : err;
	ret->all = calloc(ret->count + 1, sizeof(*ret->all));
	for (size_t i = 0; ret->all && i < ret->count; i++)
		ret->all[i] = (struct owner){
			.inode = cookies[i].inode,
			.dev_inode = cookies[i].dev_inode,
			.cookie = cookies[i].cookie,
			.is_node = cookies[i].dev_inode == node,
			.client = {"", "", ""},
		};
	free(cookies);
	if (ret->all)
		qsort(ret->all, ret->count, sizeof(*ret->all), compare);
	err = ret->all ? look_at_processes(clients, ret) : -ENOMEM;
	if (err)
		owners_done(ret);
	return err;
}

void owners_done(struct owners *owners)
{
	free(owners->all);
	*owners = (struct owners){0};
}

const struct owner *owners_find(const struct owners *owners, uint64_t cookie)
{
	for (size_t i = 0; i < owners->count; i++)
		if (owners->all[i].cookie == cookie)
			return &owners->all[i];
	return NULL;
}

static bool is_named(const struct client *client, const char *text)
{
	const char *slash = strchr(text, '/');
	const char *pod = slash ? slash + 1 : text;
	size_t length = slash ? (size_t)(slash - text) : 0;

	if (!*client->pod || strcmp(client->pod, pod))
		return false;
	return !slash ||
	       (strlen(client->namespace) == length && !strncmp(client->namespace, text, length));
}

const struct owner *owners_find_named(const struct owners *owners, const char *text)
{
	uint32_t pid;

	for (size_t i = 0; i < owners->count; i++)
		if (is_named(&owners->all[i].client, text))
			return &owners->all[i];
	return parse_u32(text, 1, INT32_MAX, &pid) ? NULL : find_by_process(owners, text);
}
