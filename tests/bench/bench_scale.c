// SPDX-License-Identifier: Apache-2.0
/*
 * The agent with many Services, read from manifests: how long and with how much until they are
 * programmed and the hooks attached, and how soon one change is in force. Asserts nothing of time.
 */
#include "kernel/lab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/bed.h"
#include "bench/figures.h"
#include "bench/many.h"
#include "kernel/maps.h"

#define SERVICES 10000

/* As a careful tool writes it: beside, then in its place; returns when. `of` files hold all. */
static double write_file(int number, int of, int endpoints_of_first)
{
	char path[64], beside[80];
	int count = SERVICES / of;
	double now;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%d.yaml", many_directory(), number);
	snprintf(beside, sizeof(beside), "%s.tmp", path);
	file = fopen(beside, "w");
	assert_non_null(file);
	for (int i = 0; i < count; i++)
		many_write_service(file, number * count + i,
				   i ? MANY_ENDPOINTS : endpoints_of_first);
	assert_int_equal(fclose(file), 0);
	now = now_us();
	assert_return_code(rename(beside, path), errno);
	return now;
}

static pid_t start_agent(void)
{
	const char *const options[] = {"--listen=off", NULL};

	return many_start_agent(SERVICES, options);
}

static double status_megabytes(pid_t pid, const char *key)
{
	char path[64], line[128];
	double kilobytes = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)))
			kilobytes = atof(line + strlen(key));
	fclose(file);
	return kilobytes / 1024;
}

/* What the agent holds that is no map's, and the most that it has held. */
static double own_megabytes(pid_t pid)
{
	return status_megabytes(pid, "RssAnon:");
}

static double most_megabytes(pid_t pid)
{
	return status_megabytes(pid, "VmHWM:") - status_megabytes(pid, "RssFile:") -
	       status_megabytes(pid, "RssShmem:");
}

/* Returns the ms from the moment that the file is there to the moment that it is in force. */
static double change_ms(pid_t pid, const volatile struct gw_meta *meta, int of, int turn)
{
	const struct timespec pause = {.tv_nsec = 20000};
	double start = write_file(turn % of, of, MANY_ENDPOINTS - 1 - turn % 2);

	while ((double)meta->change_ns / 1e3 < start) {
		many_check_alive(pid, start);
		nanosleep(&pause, NULL);
	}
	return (double)meta->change_ns / 1e6 - start / 1e3;
}

static json_t *measure_changes(pid_t pid, int of)
{
	double times[100];
	size_t count = of > 1 ? 100 : 5;
	struct spread spread;
	struct maps maps;
	double cpu;

	assert_return_code(maps_open(LAB_PINS, false, &maps), 0);
	cpu = many_cpu_seconds(pid);
	for (size_t i = 0; i < count; i++) {
		times[i] = change_ms(pid, maps.meta, of, (int)i);
	}
	cpu = (many_cpu_seconds(pid) - cpu) / (double)count;
	maps_close(&maps);
	spread = spread_of(times, count);
	printf("  one change in force after %.2f ms [%.2f .. %.2f], %.2f ms of CPU time\n",
	       spread.median, spread.min, spread.max, cpu * 1e3);
	return json_pack("{s:o, s:f}", "change_ms", spread_json(&spread), "change_cpu_ms",
			 cpu * 1e3);
}

static void measure(const char *name, int files)
{
	double start, seconds, cpu, own, most;
	json_t *all;
	pid_t pid;

	for (int i = 0; i < files; i++)
		write_file(i, files, MANY_ENDPOINTS);
	start = now_us();
	pid = start_agent();
	many_await_ready(pid);
	seconds = (now_us() - start) / 1e6;
	cpu = many_cpu_seconds(pid);
	own = own_megabytes(pid);
	most = most_megabytes(pid);
	printf("%d Services of %d endpoints each, %d file%s\n"
	       "  programmed and attached after %.2f s, %.2f s of CPU time\n"
	       "  memory of the agent beside the maps: %.0f MB, at most %.0f MB\n",
	       SERVICES, MANY_ENDPOINTS, files, files > 1 ? "s" : "", seconds, cpu, own, most);
	all = json_pack("{s:f, s:f, s:f, s:f}", "ready_s", seconds, "ready_cpu_s", cpu, "memory_mb",
			own, "memory_peak_mb", most);
	json_object_update_new(all, measure_changes(pid, files));
	many_stop_agent(pid);
	lab_run("rm -r %s/*", many_directory());
	figures_save(name, all);
}

static void bench_one_file_for_each_service(void **state)
{
	(void)state;
	measure("scale_many_files", SERVICES);
}

static void bench_one_file_for_all(void **state)
{
	(void)state;
	measure("scale_one_file", 1);
}

static int start(void **state)
{
	(void)state;
	bed_on_one_cpu();
	many_open();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	return many_close();
}

int main(void)
{
	const struct CMUnitTest benches[] = {
		cmocka_unit_test(bench_one_file_for_each_service),
		cmocka_unit_test(bench_one_file_for_all),
	};

	return lab_main(benches, 2, start, stop);
}
