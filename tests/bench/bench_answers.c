// SPDX-License-Identifier: Apache-2.0
/*
 * What an agent and the commands say of 10,000 backends with a connection each: how long an answer
 * takes, and for how long the agent's loop is held up meanwhile. Asserts nothing of time.
 */
#include "kernel/lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/bed.h"
#include "bench/figures.h"
#include "bench/many.h"
#include "kernel/crew.h"

#define SERVICES 1000
#define BACKENDS (SERVICES * MANY_ENDPOINTS)
#define PORT 9451
#define ROUNDS 15
#define PEER_PORT 7051
#define CONNECTS_A_PAUSE 25 /* 5 ms: 5,000 a second and less, as a busy node has */

static int sockets[BACKENDS];
static size_t socket_count;
static char control[80]; /* the option */

/* --- the agent's pages --------------------------------------------------------------------- */

/* Returns the bytes of the answer, the head included. */
static size_t get(const char *path)
{
	const struct sockaddr_in agent = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	static char buffer[1 << 16];
	size_t length = 0;
	ssize_t got;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&agent, sizeof(agent)))
		return 0;
	dprintf(fd, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", path);
	while ((got = read(fd, buffer, sizeof(buffer))) > 0) {
		if (!length && strncmp(buffer, "HTTP/1.1 200", 12))
			break;
		length += (size_t)got;
	}
	close(fd);
	return length;
}

struct probe {
	long pause_ns;     /* between two questions, which take the loop's time too */
	double longest_us; /* that /livez took to answer, which the loop does itself */
	double total_us;
	uint64_t count;
};

/* In a process of its own, so that it asks while others are answered. */
static void probe_loop(struct crew_member *me, void *arg)
{
	struct probe *probe = arg;
	const struct timespec pause = {.tv_nsec = probe->pause_ns};

	while (!me->stop) {
		double start = now_us(), took;

		if (!get("/livez"))
			crew_problem(me, "/livez does not answer");
		took = now_us() - start;
		if (took > probe->longest_us)
			probe->longest_us = took;
		probe->total_us += took;
		probe->count++;
		nanosleep(&pause, NULL);
	}
}

static struct crew *start_probe(long pause_ns, struct probe **ret)
{
	struct probe *probe = crew_memory(sizeof(*probe));

	probe->pause_ns = pause_ns;
	*ret = probe;
	return crew_start(1, probe_loop, probe);
}

static void print_probe(const struct probe *probe)
{
	printf("; /livez meanwhile %.1f ms, at most %.1f ms\n",
	       probe->total_us / (double)probe->count / 1e3, probe->longest_us / 1e3);
}

static struct spread measure_page(const char *path, size_t *bytes)
{
	double times[ROUNDS];

	for (size_t i = 0; i < ROUNDS; i++) {
		double start = now_us();

		*bytes = get(path);
		times[i] = (now_us() - start) / 1e3;
		if (!*bytes)
			fail_msg("%s does not answer", path);
	}
	return spread_of(times, ROUNDS);
}

static void bench_page(const char *path, json_t *all)
{
	struct probe *probe;
	struct crew *crew = start_probe(300000, &probe);
	struct spread spread;
	size_t bytes;

	spread = measure_page(path, &bytes);
	crew_stop(crew);
	printf("  %-18s %6.1f ms [%.1f .. %.1f], %.1f MB", path, spread.median, spread.min,
	       spread.max, (double)bytes / 1e6);
	print_probe(probe);
	json_object_set_new(all, path,
			    json_pack("{s:o, s:f}", "ms", spread_json(&spread), "loop_held_ms",
				      probe->longest_us / 1e3));
}

static void bench_pages(void **state)
{
	static const char *const paths[] = {"/metrics", "/api/v1/backends", "/api/v1/services",
					    "/api/v1/status", "/"};
	json_t *all = json_object();

	(void)state;
	printf("The agent's answers about %d backends of %d Services, all in /metrics\n", BACKENDS,
	       SERVICES);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		bench_page(paths[i], all);
	figures_save("answers_pages", all);
}

/* The next agent takes over what the one before it has left. */
static void bench_default_metrics(void **state)
{
	pid_t *agent = *(pid_t **)state;
	const char *const options[] = {"--listen=127.0.0.1:9451", control, NULL};
	const struct timespec pause = {.tv_nsec = 2000000};
	json_t *all = json_object();
	double start = now_us();

	kill(*agent, SIGTERM);
	waitpid(*agent, NULL, 0);
	*agent = many_start_agent(SERVICES, options);
	while (!get("/readyz")) {
		many_check_alive(*agent, start);
		nanosleep(&pause, NULL);
	}
	printf("The same without the series of each backend: more than --metrics-backends\n");
	bench_page("/metrics", all);
	figures_save("answers_default", all);
}

/* --- the commands -------------------------------------------------------------------------- */

static double command_ms(const char *command)
{
	double start = now_us();

	lab_run("build/gwbpf %s --pin-dir " LAB_PINS " %s >/dev/null", command, control);
	return (now_us() - start) / 1e3;
}

static void bench_commands(void **state)
{
	static const char *const commands[] = {"backends",    "backends -o json",
					       "services",    "backends bench/service-7",
					       "connections", "connections -o json"};
	json_t *all = json_object();

	(void)state;
	printf("The commands, with %zu connections to %d backends\n", socket_count, BACKENDS);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		double times[ROUNDS];
		struct spread spread;

		for (size_t n = 0; n < ROUNDS; n++)
			times[n] = command_ms(commands[i]);
		spread = spread_of(times, ROUNDS);
		printf("  %-26s %6.1f ms [%.1f .. %.1f]\n", commands[i], spread.median, spread.min,
		       spread.max);
		json_object_set_new(all, commands[i], spread_json(&spread));
	}
	figures_save("answers_commands", all);
}

/* --- monitor ------------------------------------------------------------------------------- */

static void connect_all(void)
{
	const struct timespec pause = {.tv_nsec = 5000000};
	char address[LAB_TEXT];

	for (socket_count = 0; socket_count < BACKENDS; socket_count++) {
		int number = (int)socket_count % SERVICES;

		snprintf(address, sizeof(address), "10.96.%d.%d:%d", number / 250, 1 + number % 250,
			 PEER_PORT);
		sockets[socket_count] = lab_connect(address);
		if (sockets[socket_count] < 0)
			fail_msg("connect: %s", strerror(-sockets[socket_count]));
		if (socket_count % CONNECTS_A_PAUSE == 0)
			nanosleep(&pause, NULL);
	}
}

static pid_t start_monitor(char *path)
{
	pid_t pid = lab_fork();

	if (pid)
		return pid;
	if (!freopen(path, "w", stdout))
		_exit(1);
	execl("build/gwbpf", "gwbpf", "monitor", "--for=6s", "-o", "json", "--pin-dir=" LAB_PINS,
	      control, NULL);
	_exit(1);
}

/* The lines of this event; or, of "lost", how many lines are missing. */
static uint64_t count_lines(const char *path, const char *event)
{
	FILE *file = fopen(path, "r");
	uint64_t count = 0;
	char line[4096];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		json_t *sight = json_loads(line, 0, NULL);
		const char *is = json_string_value(json_object_get(sight, "event"));

		if (is && !strcmp(is, event))
			count += !strcmp(event, "lost")
					 ? json_integer_value(json_object_get(sight, "lost"))
					 : 1;
		json_decref(sight);
	}
	fclose(file);
	return count;
}

static bool has_begun(void *arg)
{
	FILE *file = fopen(arg, "r");
	bool has = file && fgetc(file) != EOF;

	if (file)
		fclose(file);
	return has;
}

/* Makes the connections that the others stand on. */
static void bench_monitor(void **state)
{
	pid_t agent = *(pid_t *)*state;
	struct probe *probe;
	char path[64];
	struct crew *crew;
	uint64_t lines, lost;
	double seconds, cpu;
	pid_t monitor;

	snprintf(path, sizeof(path), "%s/monitor.txt", many_directory());
	monitor = start_monitor(path);
	lab_wait(has_begun, path, "the monitor has begun");
	crew = start_probe(10000000, &probe);
	cpu = many_cpu_seconds(agent);
	seconds = now_us();
	connect_all();
	seconds = (now_us() - seconds) / 1e6;
	waitpid(monitor, NULL, 0);
	cpu = many_cpu_seconds(agent) - cpu;
	crew_stop(crew);
	lines = count_lines(path, "connect") + count_lines(path, "established");
	lost = count_lines(path, "lost");
	printf("`monitor` of %d connects to %d backends within %.1f s\n"
	       "  %" PRIu64 " lines told, %" PRIu64 " lost, %.0f us of the agent's CPU time each",
	       BACKENDS, BACKENDS, seconds, lines, lost, cpu * 1e6 / (double)lines);
	print_probe(probe);
	figures_save("answers_monitor",
		     json_pack("{s:I, s:I, s:f, s:f}", "lines", (json_int_t)lines, "lost",
			       (json_int_t)lost, "cpu_us", cpu * 1e6 / (double)lines,
			       "loop_held_ms", probe->longest_us / 1e3));
	assert_return_code(unlink(path), errno);
}

/* --- the whole ----------------------------------------------------------------------------- */

/* All backends are this host. */
static void listen_for_all(void)
{
	lab_run("ip route add local 10.128.0.0/9 dev lo");
	lab_run("sysctl -qw net.core.somaxconn=%d", BACKENDS + 1);
	assert_return_code(listen(lab_listen("0.0.0.0:7051"), BACKENDS), errno);
}

static int start(void **state)
{
	const char *const options[] = {"--listen=127.0.0.1:9451", "--metrics-backends=10000",
				       control, NULL};
	static pid_t agent;
	char path[64];
	FILE *file;

	bed_before_others();
	many_open();
	snprintf(control, sizeof(control), "--control=%s/control.sock", many_directory());
	snprintf(path, sizeof(path), "%s/all.yaml", many_directory());
	file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < SERVICES; i++)
		many_write_service(file, i, MANY_ENDPOINTS);
	assert_int_equal(fclose(file), 0);
	listen_for_all();
	agent = many_start_agent(SERVICES, options);
	many_await_ready(agent);
	*state = &agent;
	return 0;
}

static int stop(void **state)
{
	char path[64];

	many_stop_agent(*(pid_t *)*state);
	snprintf(path, sizeof(path), "%s/all.yaml", many_directory());
	unlink(path);
	return many_close();
}

int main(void)
{
	const struct CMUnitTest benches[] = {
		cmocka_unit_test(bench_monitor),
		cmocka_unit_test(bench_pages),
		cmocka_unit_test(bench_commands),
		cmocka_unit_test(bench_default_metrics),
	};

	return lab_main(benches, sizeof(benches) / sizeof(*benches), start, stop);
}
