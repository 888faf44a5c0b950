// SPDX-License-Identifier: Apache-2.0
/*
 * What balancing costs: connects through the Service against connects to the peer itself, in turns
 * in one run; each hook by the kernel's own clock (bpf_stats, which adds some 60 ns of its own to
 * every figure), per policy and size of the set; and the change of a set. Asserts nothing of time.
 */
#include "kernel/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "model/settings.h"

#define VIP "10.96.0.10:7051"
#define PEER "10.1.0.1:7051"
#define ROUNDS 25
#define CONNECTS 400

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare_doubles);
	return values[count / 2];
}

/* Where connections arrive; they are taken off its queue now and then. */
static int listener = -1;

static void listen_at(const char *address)
{
	listener = lab_listen(address);
	assert_return_code(fcntl(listener, F_SETFL, O_NONBLOCK), errno);
}

static void hang_up(int fd, int turn)
{
	int accepted;

	lab_abort(fd);
	while (turn % 100 == 0 && (accepted = accept(listener, NULL, NULL)) >= 0)
		close(accepted);
}

/* The median time of connect(2), closed by reset so that no port stays in TIME_WAIT. */
static double connect_p50(const char *address)
{
	double times[CONNECTS];

	for (int i = 0; i < CONNECTS; i++) {
		double start = now_us();
		int fd = lab_connect(address);

		times[i] = now_us() - start;
		assert_true(fd >= 0);
		hang_up(fd, i);
	}
	return median(times, CONNECTS);
}

static void bench_connect_against_direct(void **state)
{
	static const char *const one[] = {PEER, NULL};
	double ratios[ROUNDS], direct[ROUNDS];
	(void)state;
	listen_at(PEER);
	lab_service("bench", VIP, GW_POLICY_LC, one);
	for (int i = 0; i < ROUNDS; i++) {
		direct[i] = connect_p50(PEER);
		ratios[i] = connect_p50(VIP) / direct[i];
	}
	printf("connect p50, balanced / direct: %.3f (%.3f to %.3f in %d rounds), direct %.1f us\n",
	       median(ratios, ROUNDS), ratios[0], ratios[ROUNDS - 1], ROUNDS,
	       median(direct, ROUNDS));
	close(listener);
}

struct program_time {
	uint64_t ns;
	uint64_t runs;
};

static struct program_time time_of(const char *hook)
{
	struct hook_status hooks[GW_HOOK_MAX_];
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);
	int fd = -1;

	assert_return_code(datapath_hooks(LAB_PINS, hooks), 0);
	for (int i = 0; i < GW_HOOK_MAX_; i++)
		if (!strcmp(hooks[i].name, hook))
			fd = bpf_prog_get_fd_by_id(hooks[i].program_id);
	assert_true(fd >= 0);
	assert_return_code(bpf_obj_get_info_by_fd(fd, &info, &size), errno);
	close(fd);
	return (struct program_time){info.run_time_ns, info.run_cnt};
}

#define HELD 500

/* Nanoseconds of one run of a hook, over many connects. They last for more than a second: clients
 * that hang up sooner make a policy that follows the load look at the health of all backends. */
static double hook_ns(const char *hook, const char *address)
{
	struct program_time before = time_of(hook), after;
	int fds[HELD];

	for (int i = 0; i < HELD; i++) {
		fds[i] = lab_connect(address);
		assert_true(fds[i] >= 0);
	}
	sleep(1);
	for (int i = 0; i < HELD; i++)
		hang_up(fds[i], i);
	after = time_of(hook);
	return (double)(after.ns - before.ns) / (double)(after.runs - before.runs);
}

static const char **make_backends(size_t count)
{
	const char **backends = calloc(count + 1, sizeof(*backends));
	char text[32];

	assert_non_null(backends);
	for (size_t i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "10.2.%zu.%zu:7051", i / 250, 1 + i % 250);
		backends[i] = strdup(text);
	}
	return backends;
}

static void free_backends(const char **backends)
{
	for (size_t i = 0; backends[i]; i++)
		free((void *)backends[i]);
	free(backends);
}

static const size_t sizes[] = {3, 16, 256, 1000};
#define SIZES (sizeof(sizes) / sizeof(*sizes))

static void bench_hooks_by_policy(void **state)
{
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);

	(void)state;
	assert_true(stats >= 0);
	lab_run("ip route add local 10.2.0.0/16 dev lo");
	listen_at("0.0.0.0:7051");
	printf("hook in ns with        3       16      256     1000 backends\n");
	for (int policy = 0; policy < GW_POLICY_MAX_; policy++) {
		printf("  connect4 %-8s", policy_name((enum gw_policy)policy));
		for (size_t i = 0; i < SIZES; i++) {
			const char **backends = make_backends(sizes[i]);

			lab_service("bench", VIP, (enum gw_policy)policy, backends);
			printf(" %8.0f", hook_ns("connect4", VIP));
			free_backends(backends);
		}
		printf("\n");
	}
	printf("  connect4 not ours %5.0f\n", hook_ns("connect4", "10.2.0.1:7051"));
	printf("  sockops  balanced %5.0f, not ours %.0f\n", hook_ns("sockops", VIP),
	       hook_ns("sockops", "10.2.0.1:7051"));
	printf("  release  balanced %5.0f, not ours %.0f\n", hook_ns("sock_release", VIP),
	       hook_ns("sock_release", "10.2.0.1:7051"));
	close(listener);
	close(stats);
}

static void bench_a_change_of_a_set(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZES; i++) {
		const char **backends = make_backends(sizes[i]);
		const char *last = backends[sizes[i] - 1];
		double times[200];

		lab_service("bench", VIP, GW_POLICY_LC, backends);
		for (int j = 0; j < 200; j++) {
			double start;

			backends[sizes[i] - 1] = j % 2 ? last : NULL;
			start = now_us();
			lab_service("bench", VIP, GW_POLICY_LC, backends);
			times[j] = now_us() - start;
		}
		backends[sizes[i] - 1] = last;
		printf("one backend more or less in a set of %4zu, planned and written: p50 %.1f us\n",
		       sizes[i], median(times, 200));
		free_backends(backends);
	}
}

int main(void)
{
	const struct CMUnitTest benches[] = {
#define BENCH(name) cmocka_unit_test_setup_teardown(name, lab_start, lab_stop)
		BENCH(bench_connect_against_direct),
		BENCH(bench_hooks_by_policy),
		BENCH(bench_a_change_of_a_set),
	};

	return lab_main(benches, sizeof(benches) / sizeof(*benches), NULL, NULL);
}
