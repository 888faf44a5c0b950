// SPDX-License-Identifier: Apache-2.0
/*
 * The agent with many Services, read from manifests: how long and with how much until they are
 * programmed and the hooks attached, and how soon one change is in force. Asserts nothing of time.
 */
#include "kernel/lab.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/bed.h"
#include "bench/figures.h"
#include "kernel/maps.h"

#define SERVICES 10000
#define ENDPOINTS 10
#define PATIENCE_US 120e6

static char directory[] = "/tmp/gwbpf-bench-XXXXXX";

/* A Service and its endpoints, the last of which is there or not. */
static void write_service(FILE *file, int number, int endpoints)
{
	fprintf(file,
		"---\napiVersion: v1\nkind: Service\n"
		"metadata:\n  name: service-%d\n  namespace: bench\n"
		"  labels: {gwbpf.io/enabled: \"true\"}\n"
		"spec:\n  type: ClusterIP\n  clusterIP: 10.96.%d.%d\n  clusterIPs: [10.96.%d.%d]\n"
		"  ports: [{name: grpc, port: 7051, protocol: TCP}]\n"
		"---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
		"metadata:\n  name: service-%d-1\n  namespace: bench\n"
		"  labels: {kubernetes.io/service-name: service-%d}\n"
		"addressType: IPv4\nports: [{name: grpc, port: 7051, protocol: TCP}]\nendpoints:\n",
		number, number / 250, 1 + number % 250, number / 250, 1 + number % 250, number,
		number);
	for (int i = 0; i < endpoints; i++)
		fprintf(file,
			"- addresses: [\"10.%d.%d.%d\"]\n  conditions: {ready: true}\n"
			"  nodeName: node-%d\n  targetRef: {kind: Pod, name: pod-%d-%d}\n",
			128 + i, number / 250, 1 + number % 250, i, number, i);
}

/* As a careful tool writes it: beside, then in its place; returns when. `of` files hold all. */
static double write_file(int number, int of, int endpoints_of_first)
{
	char path[64], beside[80];
	int count = SERVICES / of;
	double now;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%d.yaml", directory, number);
	snprintf(beside, sizeof(beside), "%s.tmp", path);
	file = fopen(beside, "w");
	assert_non_null(file);
	for (int i = 0; i < count; i++)
		write_service(file, number * count + i, i ? ENDPOINTS : endpoints_of_first);
	assert_int_equal(fclose(file), 0);
	now = now_us();
	assert_return_code(rename(beside, path), errno);
	return now;
}

static pid_t start_agent(void)
{
	char manifests[64], cgroup[300], services[40], backends[40];
	pid_t pid;

	snprintf(manifests, sizeof(manifests), "--manifests=%s", directory);
	snprintf(cgroup, sizeof(cgroup), "--cgroup=%s", lab.cgroup);
	/* One namespace may have three quarters of a limit. */
	snprintf(services, sizeof(services), "--max-services=%d", SERVICES / 3 * 4 + 4);
	snprintf(backends, sizeof(backends), "--max-backends=%d", SERVICES * ENDPOINTS * 2);
	pid = lab_fork();
	if (!pid) {
		execl("build/gwbpf", "gwbpf", "agent", "--pin-dir=" LAB_PINS, "--listen=off",
		      "--log-level=warn", manifests, cgroup, services, backends, NULL);
		_exit(1);
	}
	return pid;
}

static double cpu_seconds(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	assert_int_equal(clock_getcpuclockid(pid, &clock), 0);
	assert_return_code(clock_gettime(clock, &used), errno);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
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

static bool is_ready(void)
{
	struct hook_status hooks[GW_HOOK_MAX_];

	if (datapath_hooks(LAB_PINS, hooks))
		return false;
	for (int i = 0; i < GW_HOOK_MAX_; i++)
		if (!hooks[i].attached)
			return false;
	return true;
}

static void check_alive(pid_t pid, double since)
{
	if (waitpid(pid, NULL, WNOHANG) || now_us() - since > PATIENCE_US)
		fail_msg("the agent does not do it");
}

static void await_ready(pid_t pid)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	double start = now_us();

	while (!is_ready()) {
		check_alive(pid, start);
		nanosleep(&pause, NULL);
	}
}

/* Returns the ms from the moment that the file is there to the moment that it is in force. */
static double change_ms(pid_t pid, const volatile struct gw_meta *meta, int of, int turn)
{
	const struct timespec pause = {.tv_nsec = 20000};
	double start = write_file(turn % of, of, ENDPOINTS - 1 - turn % 2);

	while ((double)meta->change_ns / 1e3 < start) {
		check_alive(pid, start);
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
	cpu = cpu_seconds(pid);
	for (size_t i = 0; i < count; i++) {
		times[i] = change_ms(pid, maps.meta, of, (int)i);
	}
	cpu = (cpu_seconds(pid) - cpu) / (double)count;
	maps_close(&maps);
	spread = spread_of(times, count);
	printf("  one change in force after %.2f ms [%.2f .. %.2f], %.2f ms of CPU time\n",
	       spread.median, spread.min, spread.max, cpu * 1e3);
	return json_pack("{s:o, s:f}", "change_ms", spread_json(&spread), "change_cpu_ms",
			 cpu * 1e3);
}

static void stop_agent(pid_t pid)
{
	char message[DATAPATH_MESSAGE_MAX];

	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	if (datapath_detach(LAB_PINS, false, message))
		fail_msg("%s", message);
}

static void measure(const char *name, int files)
{
	double start, seconds, cpu, own, most;
	json_t *all;
	pid_t pid;

	for (int i = 0; i < files; i++)
		write_file(i, files, ENDPOINTS);
	start = now_us();
	pid = start_agent();
	await_ready(pid);
	seconds = (now_us() - start) / 1e6;
	cpu = cpu_seconds(pid);
	own = own_megabytes(pid);
	most = most_megabytes(pid);
	printf("%d Services of %d endpoints each, %d file%s\n"
	       "  programmed and attached after %.2f s, %.2f s of CPU time\n"
	       "  memory of the agent beside the maps: %.0f MB, at most %.0f MB\n",
	       SERVICES, ENDPOINTS, files, files > 1 ? "s" : "", seconds, cpu, own, most);
	all = json_pack("{s:f, s:f, s:f, s:f}", "ready_s", seconds, "ready_cpu_s", cpu, "memory_mb",
			own, "memory_peak_mb", most);
	json_object_update_new(all, measure_changes(pid, files));
	stop_agent(pid);
	lab_run("rm -r %s/*", directory);
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

/* In this process's own mounts: it goes away with them. */
static int start(void **state)
{
	(void)state;
	bed_on_one_cpu();
	assert_non_null(mkdtemp(directory));
	assert_return_code(mount("none", directory, "tmpfs", 0, NULL), errno);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	umount2(directory, MNT_DETACH);
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest benches[] = {
		cmocka_unit_test(bench_one_file_for_each_service),
		cmocka_unit_test(bench_one_file_for_all),
	};

	return lab_main(benches, 2, start, stop);
}
