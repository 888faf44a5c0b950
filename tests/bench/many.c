// SPDX-License-Identifier: Apache-2.0
#include "bench/many.h"

#include "kernel/lab.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/figures.h"

#define OPTIONS_MAX 16

static char directory[] = "/tmp/gwbpf-bench-XXXXXX";

/* In this process's own mounts: it goes away with them. */
void many_open(void)
{
	assert_non_null(mkdtemp(directory));
	assert_return_code(mount("none", directory, "tmpfs", 0, "mode=700"), errno);
}

int many_close(void)
{
	umount2(directory, MNT_DETACH);
	return rmdir(directory);
}

const char *many_directory(void)
{
	return directory;
}

void many_write_service(FILE *file, int number, int endpoints)
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

pid_t many_start_agent(int services, const char *const *options)
{
	char manifests[64], cgroup[300], max_services[40], max_backends[40];
	const char *arguments[OPTIONS_MAX + 8] = {
		"gwbpf",   "agent", "--pin-dir=" LAB_PINS, "--log-level=warn",
		manifests, cgroup,  max_services,          max_backends,
	};
	size_t count = 8;
	pid_t pid;

	snprintf(manifests, sizeof(manifests), "--manifests=%s", directory);
	snprintf(cgroup, sizeof(cgroup), "--cgroup=%s", lab.cgroup);
	/* One namespace may have three quarters of a limit. */
	snprintf(max_services, sizeof(max_services), "--max-services=%d", services / 3 * 4 + 4);
	snprintf(max_backends, sizeof(max_backends), "--max-backends=%d",
		 services * MANY_ENDPOINTS * 2);
	for (; *options; options++) {
		assert_true(count < OPTIONS_MAX + 7);
		arguments[count++] = *options;
	}
	pid = lab_fork();
	if (!pid) {
		execv("build/gwbpf", (char *const *)arguments);
		_exit(1);
	}
	return pid;
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

void many_check_alive(pid_t pid, double since_us)
{
	if (waitpid(pid, NULL, WNOHANG) || now_us() - since_us > MANY_PATIENCE_US)
		fail_msg("the agent does not do it");
}

void many_await_ready(pid_t pid)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	double start = now_us();

	while (!is_ready()) {
		many_check_alive(pid, start);
		nanosleep(&pause, NULL);
	}
}

void many_stop_agent(pid_t pid)
{
	char message[DATAPATH_MESSAGE_MAX];

	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	if (datapath_detach(LAB_PINS, false, message))
		fail_msg("%s", message);
}

double many_cpu_seconds(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	assert_int_equal(clock_getcpuclockid(pid, &clock), 0);
	assert_return_code(clock_gettime(clock, &used), errno);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}
