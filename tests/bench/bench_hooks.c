// SPDX-License-Identifier: Apache-2.0
/*
 * The hooks alone, by the kernel's own clock (bpf_stats). Every figure is given raw and as what is
 * left of it without the time of an empty program, measured in the same run with the same connects:
 * reading the clock costs more than many a hook. Asserts nothing of time.
 */
#include "kernel/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/figures.h"
#include "bench/runs.h"
#include "bench/bed.h"
#include "kernel/clients.h"
#include "kernel/monitor.h"

#define VIP "10.96.0.10:7051"
#define PEER "10.2.0.1:7051"
#define NOWHERE "203.0.113.1:7051"
#define ROUNDS 5
#define STRETCHES 5
#define CONNECTS 160 /* in a stretch; each on a new socket */
#define REPEATS 4000 /* on one socket */
#define SHORTS 500   /* connections of another client, each closed at once */

static const size_t sizes[] = {3, 16, 64, 256, 1000};
#define SIZES (sizeof(sizes) / sizeof(*sizes))
#define SIZE_OF_AIM 2

static const char *hooked, *empty;
static struct monitor *monitor;
static int listener = -1;
static int restless = -1, restless_listener = -1; /* another client */

/* Both ends. They stay open for more than a second: clients that hang up sooner make a policy that
 * follows the load look at the health of all backends. */
static int held[2 * (SIZES + 1) * STRETCHES * CONNECTS];
static size_t held_count;

static void hold(int fd)
{
	assert_true(held_count < sizeof(held) / sizeof(*held));
	held[held_count++] = fd;
}

static void connect_new(const char *address, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int fd = lab_connect(address);

		if (fd < 0)
			fail_msg("cannot connect to '%s': %s", address, strerror(-fd));
		hold(fd);
	}
}

static void accept_all(void)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		hold(fd);
}

static void hang_up(void)
{
	sleep(1);
	for (size_t i = 0; i < held_count; i++)
		lab_abort(held[i]);
	held_count = 0;
}

/* ns of a run between two readings. */
static double ns_between(struct runs before, struct runs after)
{
	return (double)(after.ns - before.ns) / (double)(after.count - before.count);
}

/* Of several stretches the median: an interrupt in one of them counts as much as all the rest. */
static double connect_ns(const char *address, bool is_empty)
{
	struct runs (*runs)(enum gw_hook hook) = is_empty ? runs_of_empty : runs_of;
	double ns[STRETCHES];

	bed_enter_cgroup(is_empty ? empty : hooked);
	for (int i = 0; i < STRETCHES; i++) {
		struct runs before = runs(GW_HOOK_CONNECT4);

		connect_new(address, CONNECTS);
		ns[i] = ns_between(before, runs(GW_HOOK_CONNECT4));
		accept_all();
	}
	bed_enter_cgroup(NULL);
	return quantile(ns, STRETCHES, 0.5);
}

/* The same socket again and again, without a packet in between: everything is in the caches. */
static double repeated_ns(bool is_empty)
{
	struct runs (*runs)(enum gw_hook hook) = is_empty ? runs_of_empty : runs_of;
	double ns[STRETCHES];
	int fd;

	bed_enter_cgroup(is_empty ? empty : hooked);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	for (int i = 0; i < STRETCHES; i++) {
		struct runs before = runs(GW_HOOK_CONNECT4);

		for (int j = 0; j < REPEATS; j++)
			assert_int_equal(lab_dial(fd, NOWHERE), -ENETUNREACH);
		ns[i] = ns_between(before, runs(GW_HOOK_CONNECT4));
	}
	close(fd);
	bed_enter_cgroup(NULL);
	return quantile(ns, STRETCHES, 0.5);
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

static double balanced_ns(enum gw_policy policy, size_t size)
{
	const char **backends = make_backends(size);
	double ns;

	lab_service("bench", VIP, policy, backends);
	ns = connect_ns(VIP, false);
	free_backends(backends);
	return ns;
}

static void be_restless(void)
{
	int home = clients_here();

	clients_be(restless);
	bed_enter_cgroup(hooked);
	for (int i = 0; i < SHORTS; i++) {
		assert_int_equal(clients_touch(VIP), 0);
		close(accept4(restless_listener, NULL, NULL, SOCK_CLOEXEC));
	}
	bed_enter_cgroup(NULL);
	clients_be(home);
	close(home);
}

/* One value a round. */
struct cell {
	double raw[ROUNDS];
	double net[ROUNDS];
};

static struct cell beside_quiet, beside_restless;
static struct cell not_ours, repeated, balanced[GW_POLICY_MAX_][SIZES];
static double none[ROUNDS], none_repeated[ROUNDS];

static void set(struct cell *cell, int round, double raw, double of_empty)
{
	cell->raw[round] = raw;
	cell->net[round] = raw - of_empty;
}

static double median(const double values[ROUNDS])
{
	return spread_of(values, ROUNDS).median;
}

static void print_cell(const struct cell *cell)
{
	printf("%7.0f / %-5.0f", median(cell->raw), median(cell->net));
}

static json_t *cell_json(const struct cell *cell)
{
	struct spread raw = spread_of(cell->raw, ROUNDS), net = spread_of(cell->net, ROUNDS);

	return json_pack("{s:o, s:o}", "raw_ns", spread_json(&raw), "net_ns", spread_json(&net));
}

static void print_policies(json_t *all)
{
	char key[16];

	printf("connect4, balanced, each on a new socket; by policy and number of backends:\n%8s",
	       "");
	for (size_t i = 0; i < SIZES; i++)
		printf("%10zu     ", sizes[i]);
	printf("\n");
	for (int policy = 0; policy < GW_POLICY_MAX_; policy++) {
		json_t *by_size = json_object();

		printf("  %-6s", policy_name((enum gw_policy)policy));
		for (size_t i = 0; i < SIZES; i++) {
			print_cell(&balanced[policy][i]);
			snprintf(key, sizeof(key), "%zu", sizes[i]);
			json_object_set_new(by_size, key, cell_json(&balanced[policy][i]));
		}
		printf("\n");
		json_object_set_new(all, policy_name((enum gw_policy)policy), by_size);
	}
	printf("Of 1,000 some stay idle: how far from them a search begins, and so its time, is\n"
	       "another one in each run.\n");
}

/* What the hooks beside connect4 cost a connection, from its begin to its end. */
enum phase { OPENING, CLOSING, PHASE_MAX };

static struct {
	const char *name;
	const char *address;
	enum gw_hook hook;
	enum phase phase;
	bool is_watched;  /* somebody runs `gwbpf monitor` */
	struct cell cell; /* of one run */
	double runs;      /* a connection */
} others[] = {
	{.name = "sockops, balanced, opened", VIP, GW_HOOK_SOCKOPS, OPENING},
	{.name = "sockops, balanced, closed", VIP, GW_HOOK_SOCKOPS, CLOSING},
	{.name = "the same, opened, watched", VIP, GW_HOOK_SOCKOPS, OPENING, true},
	{.name = "the same, closed, watched", VIP, GW_HOOK_SOCKOPS, CLOSING, true},
	{.name = "sockops, not ours, opened", PEER, GW_HOOK_SOCKOPS, OPENING},
	{.name = "sock_release, balanced", VIP, GW_HOOK_SOCK_RELEASE, CLOSING},
	{.name = "sock_release, not ours", PEER, GW_HOOK_SOCK_RELEASE, CLOSING},
};
#define OTHERS (sizeof(others) / sizeof(*others))

/* What a phase of many connections has taken in a hook. */
static struct runs phase_of(const char *address, enum gw_hook hook, enum phase phase, bool is_empty)
{
	struct runs (*runs)(enum gw_hook hook) = is_empty ? runs_of_empty : runs_of;
	struct runs before, after;

	bed_enter_cgroup(is_empty ? empty : hooked);
	before = runs(hook);
	connect_new(is_empty ? PEER : address, CONNECTS);
	if (phase == CLOSING)
		before = runs(hook);
	else
		after = runs(hook);
	accept_all();
	hang_up();
	if (phase == CLOSING)
		after = runs(hook);
	bed_enter_cgroup(NULL);
	return (struct runs){.ns = after.ns - before.ns, .count = after.count - before.count};
}

static double ns_of(struct runs runs)
{
	return runs.count ? (double)runs.ns / (double)runs.count : 0;
}

static void forget_sight(const struct gw_sight *sight, void *arg)
{
	(void)sight;
	(void)arg;
}

/* Let the hooks tell, or not, with all the room that there is. */
static void be_watched(bool is_watched)
{
	while (monitor_take(monitor, CONNECTS, forget_sight, NULL))
		;
	monitor_watch(monitor, is_watched ? UINT64_MAX : 0);
}

static void measure_others(int round)
{
	for (size_t i = 0; i < OTHERS; i++) {
		enum gw_hook hook = others[i].hook;
		/* An empty sockops program asks for no event of the end. */
		enum phase phase = hook == GW_HOOK_SOCKOPS ? OPENING : others[i].phase;
		struct runs clock = phase_of(PEER, hook, phase, true);
		struct runs ours;

		be_watched(others[i].is_watched);
		ours = phase_of(others[i].address, hook, others[i].phase, false);
		be_watched(false);
		set(&others[i].cell, round, ns_of(ours), ns_of(clock));
		others[i].runs = (double)ours.count / CONNECTS;
	}
}

/* What the short connections of another client cost this one. */
static void measure_beside(int round)
{
	double of_empty = connect_ns(PEER, true);

	hang_up();
	set(&beside_quiet, round, balanced_ns(GW_POLICY_LC, sizes[SIZE_OF_AIM]), of_empty);
	hang_up();
	be_restless();
	set(&beside_restless, round, connect_ns(VIP, false), of_empty);
	hang_up();
}

static void measure_round(int round)
{
	none[round] = connect_ns(PEER, true);
	none_repeated[round] = repeated_ns(true);
	set(&not_ours, round, connect_ns(PEER, false), none[round]);
	set(&repeated, round, repeated_ns(false), none_repeated[round]);
	for (int policy = 0; policy < GW_POLICY_MAX_; policy++) {
		hang_up();
		none[round] = connect_ns(PEER, true);
		for (size_t i = 0; i < SIZES; i++)
			set(&balanced[policy][i], round,
			    balanced_ns((enum gw_policy)policy, sizes[i]), none[round]);
	}
	hang_up();
	measure_beside(round);
	measure_others(round);
}

static json_t *print_beside(void)
{
	printf("connect4, lc, %zu backends, while another client is quiet; after it made %d short "
	       "connections:\n  ",
	       sizes[SIZE_OF_AIM], SHORTS);
	print_cell(&beside_quiet);
	printf("; ");
	print_cell(&beside_restless);
	printf("\n");
	return json_pack("{s:o, s:o}", "quiet", cell_json(&beside_quiet), "short",
			 cell_json(&beside_restless));
}

static json_t *print_others(void)
{
	json_t *list = json_array();

	printf("the other hooks:\n");
	for (size_t i = 0; i < OTHERS; i++) {
		json_t *one = cell_json(&others[i].cell);

		printf("  %-26s", others[i].name);
		print_cell(&others[i].cell);
		printf("  %.0f times a connection: %.0f net\n", others[i].runs,
		       others[i].runs * median(others[i].cell.net));
		json_object_set_new(one, "name", json_string(others[i].name));
		json_object_set_new(one, "runs", json_real(others[i].runs));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *print_aims(void)
{
	static const struct aim of_balanced = {"connect4, lc, 64 backends, net", 1000, 0, " ns"};
	static const struct aim of_others = {"connect4, not ours, net", 40, 0, " ns"};
	static const struct aim of_repeated = {"connect4, not ours, repeated on one socket, net",
					       15, 0, " ns"};
	json_t *aims = json_array();

	printf("aims\n");
	aim_print(&of_balanced, median(balanced[GW_POLICY_LC][SIZE_OF_AIM].net), aims);
	aim_print(&of_others, median(not_ours.net), aims);
	aim_print(&of_repeated, median(repeated.net), aims);
	return aims;
}

static void bench_the_hooks(void **state)
{
	json_t *all = json_object(), *policies = json_object();

	(void)state;
	for (int round = 0; round < ROUNDS; round++)
		measure_round(round);
	bed_print();
	printf("ns of a run by bpf_stats, raw / net of an empty program that ran beside it in the same "
	       "way;\nmedian of %d rounds\nconnect4:\n  empty    %7.0f, repeated on one socket %.0f\n"
	       "  not ours ",
	       ROUNDS, median(none), median(none_repeated));
	print_cell(&not_ours);
	printf(", repeated on one socket ");
	print_cell(&repeated);
	printf("\n");
	print_policies(policies);
	json_object_set_new(all, "not_ours", cell_json(&not_ours));
	json_object_set_new(all, "not_ours_repeated", cell_json(&repeated));
	json_object_set_new(all, "policies", policies);
	json_object_set_new(all, "beside_another_client", print_beside());
	json_object_set_new(all, "others", print_others());
	json_object_set_new(all, "aims", print_aims());
	figures_save("hooks", all);
}

static int start(void **state)
{
	int home = clients_here();

	(void)state;
	restless = clients_make();
	clients_be(restless);
	lab_run("ip route add local 10.2.0.0/16 dev lo");
	restless_listener = lab_listen("0.0.0.0:7051");
	clients_be(home);
	close(home);
	lab_run("ip route add local 10.2.0.0/16 dev lo");
	listener = lab_listen("0.0.0.0:7051");
	assert_return_code(fcntl(listener, F_SETFL, O_NONBLOCK), errno);
	bed_on_one_cpu();
	hooked = bed_make_cgroup("hooked");
	empty = bed_make_cgroup("empty");
	bed_open(hooked);
	assert_int_equal(monitor_new(lab.datapath, &monitor), 0);
	runs_start();
	runs_attach_empty(empty);
	return 0;
}

static int stop(void **state)
{
	runs_stop();
	monitor_free(monitor);
	lab_stop(state);
	bed_remove_cgroups();
	return 0;
}

int main(void)
{
	const struct CMUnitTest benches[] = {cmocka_unit_test(bench_the_hooks)};

	return lab_main(benches, 1, start, stop);
}
