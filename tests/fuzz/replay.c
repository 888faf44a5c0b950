// SPDX-License-Identifier: Apache-2.0
#include "replay.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz.h"

static void replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat status;
	uint8_t *data;

	must(file && !fstat(fileno(file), &status));
	data = malloc((size_t)status.st_size + !status.st_size);
	must(data && fread(data, 1, (size_t)status.st_size, file) == (size_t)status.st_size);
	fclose(file);
	LLVMFuzzerTestOneInput(data, (size_t)status.st_size);
	free(data);
}

size_t replay(const char *directory)
{
	DIR *entries = opendir(directory);
	struct dirent *entry;
	char path[512];
	size_t count = 0;

	must(entries);
	while ((entry = readdir(entries)) != NULL) {
		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		printf("# %s\n", path);
		fflush(stdout); /* the last line names the one that crashes */
		replay_file(path);
		count++;
	}
	closedir(entries);
	return count;
}
