// SPDX-License-Identifier: Apache-2.0
/*
 * Manifests as files: which ones a path stands for, and reading one into memory. Whatever the path
 * leads to, it must neither block nor take more memory than a manifest may.
 */
#include "source/manifests.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/regular.h"

#define BUFFER_MIN 4096

static int read_all(int fd, size_t expected, char **ret, size_t *size)
{
	size_t room = expected + BUFFER_MIN, used = 0;
	char *buffer, *larger;
	ssize_t count;
	int err;

	buffer = malloc(room);
	if (!buffer)
		return -ENOMEM;
	while ((count = read(fd, buffer + used, room - used)) > 0 ||
	       (count < 0 && errno == EINTR)) {
		used += count > 0 ? (size_t)count : 0;
		err = -EFBIG;
		if (used > MANIFEST_BYTES_MAX)
			goto fail;
		if (used < room)
			continue;
		err = -ENOMEM;
		larger = realloc(buffer, room * 2);
		if (!larger)
			goto fail;
		buffer = larger;
		room *= 2;
	}
	err = -errno;
	if (count < 0)
		goto fail;
	*ret = buffer;
	*size = used;
	return 0;
fail:
	free(buffer);
	return err;
}

static int open_manifest(const char *path, size_t *size)
{
	struct stat status;
	int fd = regular_open(path, &status);

	if (fd >= 0 && status.st_size > MANIFEST_BYTES_MAX) {
		close(fd);
		return -EFBIG;
	}
	*size = fd < 0 ? 0 : (size_t)status.st_size;
	return fd;
}

static void tell(int err, decode_refuse refuse, void *arg)
{
	char message[DECODE_MESSAGE_MAX];

	if (err == -EFBIG)
		snprintf(message, sizeof(message),
			 "cannot read the file: it is larger than %u MiB: split it",
			 MANIFEST_BYTES_MAX >> 20);
	else if (err == -ENODEV)
		snprintf(message, sizeof(message), "cannot read the file: it is no regular file");
	else
		snprintf(message, sizeof(message), "cannot read the file: %s", strerror(-err));
	refuse("", message, arg);
}

static int read_fd(int fd, size_t expected, decode_refuse refuse, void *arg, struct manifest *ret)
{
	char *text = NULL;
	size_t size = 0;
	int err = fd < 0 ? fd : read_all(fd, expected, &text, &size);

	if (!err)
		err = manifest_parse(text, size, refuse, arg, ret);
	else if (err != -ENOMEM)
		tell(err, refuse, arg);
	free(text);
	return err;
}

int manifest_read(const char *path, decode_refuse refuse, void *arg, struct manifest *ret)
{
	size_t size = 0;
	int fd = open_manifest(path, &size);
	int err = read_fd(fd, size, refuse, arg, ret);

	if (fd >= 0)
		close(fd);
	return err;
}

int manifest_read_input(decode_refuse refuse, void *arg, struct manifest *ret)
{
	return read_fd(STDIN_FILENO, 0, refuse, arg, ret);
}

bool manifest_is_named(const char *name)
{
	static const char *const ends[] = {".yaml", ".yml", ".json"};
	size_t i, length = strlen(name);

	if (*name == '.')
		return false;
	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		if (length > strlen(ends[i]) && !strcmp(name + length - strlen(ends[i]), ends[i]))
			return true;
	}
	return false;
}

char *manifest_path_in(const char *directory, const char *name)
{
	size_t length = strlen(directory);
	char *path;

	while (length && directory[length - 1] == '/')
		length--;
	return asprintf(&path, "%.*s/%s", (int)length, directory, name) < 0 ? NULL : path;
}

static int is_manifest(const struct dirent *entry)
{
	return entry->d_type != DT_DIR && manifest_is_named(entry->d_name);
}

/* Not alphasort(): the order must not depend on the locale. */
static int compare_entries(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int list_directory(const char *path, char ***ret, size_t *count)
{
	struct dirent **entries = NULL;
	char **paths = NULL;
	int i, found, err = 0;

	found = scandir(path, &entries, is_manifest, compare_entries);
	if (found < 0)
		return -errno;
	paths = calloc((size_t)found + 1, sizeof(*paths));
	if (!paths)
		err = -ENOMEM;
	for (i = 0; i < found; i++) {
		if (!err)
			paths[i] = manifest_path_in(path, entries[i]->d_name);
		if (!err && !paths[i])
			err = -ENOMEM;
		free(entries[i]);
	}
	free(entries);
	if (err) {
		manifest_paths_free(paths, (size_t)found);
		return err;
	}
	*ret = paths;
	*count = (size_t)found;
	return 0;
}

static int list_one(const char *path, char ***ret, size_t *count)
{
	char **paths;

	paths = calloc(1, sizeof(*paths));
	if (!paths)
		return -ENOMEM;
	paths[0] = strdup(path);
	if (!paths[0]) {
		free(paths);
		return -ENOMEM;
	}
	*ret = paths;
	*count = 1;
	return 0;
}

int manifest_paths(const char *path, char ***ret, size_t *count)
{
	int err = list_directory(path, ret, count);

	return err == -ENOTDIR ? list_one(path, ret, count) : err;
}

void manifest_paths_free(char **paths, size_t count)
{
	size_t i;

	for (i = 0; paths && i < count; i++)
		free(paths[i]);
	free(paths);
}
