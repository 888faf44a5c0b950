// SPDX-License-Identifier: Apache-2.0
#include "report/pod_names.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX                                                                                  \
	16384 /* a node runs hundreds: whatever else stands there must not fill the memory */

static int compare(const void *a, const void *b)
{
	const struct pod_name *left = a, *right = b;

	return strcmp(left->uid, right->uid);
}

/* "NAMESPACE_NAME_UID": none of the three has a '_' in it. Returns whether it is one. */
static int split(const char *text, struct pod_name *ret)
{
	char *name, *uid;

	*ret = (struct pod_name){.text = strdup(text)};
	if (!ret->text)
		return -ENOMEM;
	name = strchr(ret->text, '_');
	uid = name ? strchr(name + 1, '_') : NULL;
	if (!uid || strchr(uid + 1, '_') || !uid[1]) {
		free(ret->text);
		return 0;
	}
	*name++ = '\0';
	*uid++ = '\0';
	ret->namespace = ret->text;
	ret->name = name;
	ret->uid = uid;
	return 1;
}

static int add(struct pod_names *names, size_t *room, const char *text)
{
	struct pod_name name, *all;
	int is_one = split(text, &name);

	if (is_one <= 0)
		return is_one;
	if (names->count == *room) {
		*room = *room ? 2 * *room : 64;
		all = reallocarray(names->all, *room, sizeof(*all));
		if (!all) {
			free(name.text);
			return -ENOMEM;
		}
		names->all = all;
	}
	names->all[names->count++] = name;
	return 0;
}

int pod_names_read(const char *directory, struct pod_names *ret)
{
	DIR *pods = opendir(directory);
	struct dirent *pod;
	size_t room = 0;
	int err = 0;

	*ret = (struct pod_names){0};
	if (!pods)
		return errno == ENOMEM ? -ENOMEM : 0;
	while (!err && ret->count < NAMES_MAX && (pod = readdir(pods)))
		err = add(ret, &room, pod->d_name);
	closedir(pods);
	if (ret->count)
		qsort(ret->all, ret->count, sizeof(*ret->all), compare);
	if (err)
		pod_names_done(ret);
	return err;
}

void pod_names_done(struct pod_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->all[i].text);
	free(names->all);
	*names = (struct pod_names){0};
}

const struct pod_name *pod_names_find(const struct pod_names *names, const char *uid)
{
	const struct pod_name key = {.uid = uid};

	return names->count ? bsearch(&key, names->all, names->count, sizeof(key), compare) : NULL;
}
