// SPDX-License-Identifier: Apache-2.0
#include "agent/process.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"

static unsigned long count_files(void)
{
	DIR *files = opendir("/proc/self/fd");
	unsigned long count = 0;

	while (files && readdir(files))
		count++;
	if (files)
		closedir(files);
	return count > 3 ? count - 3 : 0; /* ".", ".." and this directory */
}

/* The 22nd field of proc(5), "(%s" being the second: ticks between boot and start. */
static double start_time(void)
{
	unsigned long long ticks = 0;
	char line[1024], *after;
	FILE *stat = fopen("/proc/self/stat", "re");

	if (!stat)
		return 0;
	after = fgets(line, sizeof(line), stat) ? strrchr(line, ')') : NULL;
	fclose(stat);
	if (!after || sscanf(after,
			     ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d "
			     "%*d %*d %*d %*d %llu",
			     &ticks) != 1)
		return 0;
	return clock_read_seconds(CLOCK_REALTIME) - clock_read_seconds(CLOCK_BOOTTIME) +
	       (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

void process_look(struct process *ret)
{
	unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE);
	unsigned long size = 0, resident = 0;
	FILE *statm = fopen("/proc/self/statm", "re");
	struct rlimit limit;

	if (statm) {
		if (fscanf(statm, "%lu %lu", &size, &resident) != 2)
			size = resident = 0;
		fclose(statm);
	}
	*ret = (struct process){
		.cpu_seconds = clock_read_seconds(CLOCK_PROCESS_CPUTIME_ID),
		.start_time = start_time(),
		.virtual_bytes = size * page,
		.resident_bytes = resident * page,
		.open_files = count_files(),
		.max_files = getrlimit(RLIMIT_NOFILE, &limit) ? 0 : limit.rlim_cur,
	};
}
