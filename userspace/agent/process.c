// SPDX-License-Identifier: Apache-2.0
#include "agent/process.h"

#include <dirent.h>
#include <event2/buffer.h>
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
	if (!after || sscanf(after, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d "
				    "%*d %*d %*d %*d %llu", &ticks) != 1)
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

void process_write(struct evbuffer *to, const struct process *process)
{
	evbuffer_add_printf(to,
			    "# HELP process_cpu_seconds_total Time on the CPU.\n"
			    "# TYPE process_cpu_seconds_total counter\n"
			    "process_cpu_seconds_total %.6f\n"
			    "# HELP process_start_time_seconds When it began.\n"
			    "# TYPE process_start_time_seconds gauge\n"
			    "process_start_time_seconds %.2f\n",
			    process->cpu_seconds, process->start_time);
	evbuffer_add_printf(to,
			    "# HELP process_virtual_memory_bytes Address space.\n"
			    "# TYPE process_virtual_memory_bytes gauge\n"
			    "process_virtual_memory_bytes %lu\n"
			    "# HELP process_resident_memory_bytes Memory, mapped tables included.\n"
			    "# TYPE process_resident_memory_bytes gauge\n"
			    "process_resident_memory_bytes %lu\n",
			    process->virtual_bytes, process->resident_bytes);
	evbuffer_add_printf(to,
			    "# HELP process_open_fds Open descriptors.\n"
			    "# TYPE process_open_fds gauge\n"
			    "process_open_fds %lu\n"
			    "# HELP process_max_fds Most descriptors that may be open.\n"
			    "# TYPE process_max_fds gauge\n"
			    "process_max_fds %lu\n",
			    process->open_files, process->max_files);
}
