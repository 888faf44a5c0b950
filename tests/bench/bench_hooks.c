// SPDX-License-Identifier: Apache-2.0
/*
 * The hooks alone, by the kernel's own clock (bpf_stats). Every figure is given raw and as what is
 * left of it without the time of an empty program, measured in the same run with the same connects:
 * reading the clock costs more than many a hook. Beside them programs that do only what no hook can
 * do without (floor.h). Asserts nothing of time.
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
#include "bench/floor.h"
#include "bench/runs.h"
#include "bench/bed.h"
#include "kernel/clients.h"
#include "kernel/monitor.h"

#define VIP "10.96.0.10:7051"
#define PEER "10.2.0.1:7051"
#define NOWHERE "203.0.113.1:7051"
#define ROUNDS 5
#define CALL_ROUNDS 25
#define STRETCHES 5
#define CONNECTS 160 /* in a stretch; each on a new socket */
#define REPEATS 4000 /* on one socket */
#define SHORTS 500   /* connections of another client, each closed at once */

static const size_t sizes[] = {3, 16, 64, 256, 1000};
#define SIZES (sizeof(sizes) / sizeof(*sizes))
#define SIZE_OF_AIM 2

/* What a connect meets. */
enum way { BARE, EMPTY, LOOK, RECORD, LOADS, OURS, WAY_MAX };

static const struct {
	const char *cgroup; /* NULL: the lab's own */
	enum floor floor;   /* what is at connect4 there */
} ways[WAY_MAX] = {
	[EMPTY] = {"empty", FLOOR_CONNECT_NOTHING},
	[LOOK] = {"look", FLOOR_LOOK},
	[RECORD] = {"record", FLOOR_RECORD},
	[LOADS] = {"loads", FLOOR_LOADS},
	[OURS] = {"hooked", FLOOR_MAX},
};

static const char *cgroups[WAY_MAX];
static struct monitor *monitor;
static int listener = -1;
static int restless = -1, restless_listener = -1; /* another client */

/* Both ends. They stay open for more than a second: clients that hang up sooner make a policy that
 * follows the load look at the health of all backends. */
static int held[2 * (SIZES + 2) * STRETCHES * CONNECTS];
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

static struct runs connect_runs(enum way way)
{
	return way == OURS ? runs_of(GW_HOOK_CONNECT4) : floor_runs(ways[way].floor);
}

/* Of several stretches the median: an interrupt in one of them counts as much as all the rest. */
static double connect_ns(enum way way, const char *address)
{
	double ns[STRETCHES];

	bed_enter_cgroup(cgroups[way]);
	for (int i = 0; i < STRETCHES; i++) {
		struct runs before = connect_runs(way);

		connect_new(address, CONNECTS);
		ns[i] = ns_between(before, connect_runs(way));
		accept_all();
	}
	bed_enter_cgroup(NULL);
	return quantile(ns, STRETCHES, 0.5);
}

static void dial_nowhere(int fd, int times)
{
	for (int i = 0; i < times; i++)
		assert_int_equal(lab_dial(fd, NOWHERE), -ENETUNREACH);
}

/* The same socket again and again, without a packet in between: everything is in the caches. */
static double repeated_ns(enum way way)
{
	double ns[STRETCHES];
	int fd;

	bed_enter_cgroup(cgroups[way]);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	for (int i = 0; i < STRETCHES; i++) {
		struct runs before = connect_runs(way);

		dial_nowhere(fd, REPEATS);
		ns[i] = ns_between(before, connect_runs(way));
	}
	close(fd);
	bed_enter_cgroup(NULL);
	return quantile(ns, STRETCHES, 0.5);
}

/* The call of connect(2), by this process's own clock: with what it takes to enter a hook. */
static double call_ns(enum way way, int sockets, int times)
{
	double ns[STRETCHES];

	bed_enter_cgroup(cgroups[way]);
	for (int i = 0; i < STRETCHES; i++) {
		double before;

		for (int j = 0; j < sockets; j++)
			hold(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
		before = now_us();
		for (int j = 0; j < sockets; j++)
			dial_nowhere(held[j], times);
		ns[i] = (now_us() - before) * 1e3 / sockets / times;
		while (held_count)
			close(held[--held_count]);
	}
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
	ns = connect_ns(OURS, VIP);
	free_backends(backends);
	return ns;
}

static void be_restless(void)
{
	int home = clients_here();

	clients_be(restless);
	bed_enter_cgroup(cgroups[OURS]);
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

/* Beside what no hook can do without. */
static struct cell look, look_repeated, in_turn, record;
static struct {
	size_t backends; /* none of them idle */
	struct cell ours;
	struct cell loads;
} choices[] = {{.backends = 64}, {.backends = 256}};

static const struct {
	const char *name;
	const struct cell *ours;
	const char *floor_name;
	const struct cell *floor;
} floors[] = {
	{"not ours", &not_ours, "one look into a map", &look},
	{"not ours, repeated", &repeated, "the same", &look_repeated},
	{"rr, 3 backends", &in_turn, "the socket's record and the other address", &record},
	{"lc, 64 backends", &choices[0].ours, "the same, and each backend's load is read",
	 &choices[0].loads},
	{"lc, 256 backends", &choices[1].ours, "the same", &choices[1].loads},
};
#define FLOORS (sizeof(floors) / sizeof(*floors))

static double calls[WAY_MAX][CALL_ROUNDS], calls_repeated[WAY_MAX][CALL_ROUNDS];

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

static struct runs hook_runs(enum way way, enum gw_hook hook)
{
	if (way == OURS)
		return runs_of(hook);
	return floor_runs(hook == GW_HOOK_SOCKOPS ? FLOOR_SOCKOPS_NOTHING : FLOOR_RELEASE_NOTHING);
}

/* What a phase of many connections has taken in a hook. */
static struct runs phase_of(enum way way, const char *address, enum gw_hook hook, enum phase phase)
{
	struct runs before, after;

	bed_enter_cgroup(cgroups[way]);
	before = hook_runs(way, hook);
	connect_new(address, CONNECTS);
	if (phase == CLOSING)
		before = hook_runs(way, hook);
	else
		after = hook_runs(way, hook);
	accept_all();
	hang_up();
	if (phase == CLOSING)
		after = hook_runs(way, hook);
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
		struct runs clock = phase_of(EMPTY, PEER, hook, phase);
		struct runs ours;

		be_watched(others[i].is_watched);
		ours = phase_of(OURS, others[i].address, hook, others[i].phase);
		be_watched(false);
		set(&others[i].cell, round, ns_of(ours), ns_of(clock));
		others[i].runs = (double)ours.count / CONNECTS;
	}
}

/* What the short connections of another client cost this one. */
static void measure_beside(int round)
{
	double of_empty = connect_ns(EMPTY, PEER);

	hang_up();
	set(&beside_quiet, round, balanced_ns(GW_POLICY_LC, sizes[SIZE_OF_AIM]), of_empty);
	hang_up();
	be_restless();
	set(&beside_restless, round, connect_ns(OURS, VIP), of_empty);
	hang_up();
}

/* The hook and what it cannot do without, one after the other. */
static void measure_floor(int round)
{
	double of_empty = connect_ns(EMPTY, PEER);

	set(&in_turn, round, balanced_ns(GW_POLICY_RR, 3), of_empty);
	set(&record, round, connect_ns(RECORD, VIP), of_empty);
	for (int i = 0; i < 2; i++) {
		set(&choices[i].ours, round, balanced_ns(GW_POLICY_LC, choices[i].backends),
		    of_empty);
		set(&choices[i].loads, round, connect_ns(LOADS, VIP), of_empty);
	}
	hang_up();
}

static void measure_round(int round)
{
	none[round] = connect_ns(EMPTY, PEER);
	none_repeated[round] = repeated_ns(EMPTY);
	set(&not_ours, round, connect_ns(OURS, PEER), none[round]);
	set(&look, round, connect_ns(LOOK, PEER), none[round]);
	set(&repeated, round, repeated_ns(OURS), none_repeated[round]);
	set(&look_repeated, round, repeated_ns(LOOK), none_repeated[round]);
	for (int policy = 0; policy < GW_POLICY_MAX_; policy++) {
		hang_up();
		none[round] = connect_ns(EMPTY, PEER);
		for (size_t i = 0; i < SIZES; i++)
			set(&balanced[policy][i], round,
			    balanced_ns((enum gw_policy)policy, sizes[i]), none[round]);
	}
	hang_up();
	measure_floor(round);
	measure_beside(round);
	measure_others(round);
}

/* While the kernel does not measure, which costs more than what is measured here. */
static void measure_calls(void)
{
	static const enum way met[] = {BARE, EMPTY, OURS};

	for (int round = 0; round < CALL_ROUNDS; round++) {
		for (size_t i = 0; i < sizeof(met) / sizeof(*met); i++) {
			calls[met[i]][round] = call_ns(met[i], CONNECTS, 1);
			calls_repeated[met[i]][round] = call_ns(met[i], 1, REPEATS);
		}
	}
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

/* How much longer it takes there, in the same round. */
static double more_ns(double ns[WAY_MAX][CALL_ROUNDS], enum way way)
{
	double more[CALL_ROUNDS];

	for (int i = 0; i < CALL_ROUNDS; i++)
		more[i] = ns[way][i] - ns[BARE][i];
	return spread_of(more, CALL_ROUNDS).median;
}

static json_t *print_call(const char *what, double ns[WAY_MAX][CALL_ROUNDS])
{
	double bare = spread_of(ns[BARE], CALL_ROUNDS).median, of_empty = more_ns(ns, EMPTY),
	       ours = more_ns(ns, OURS);

	printf("  %-22s %7.0f, with an empty program %+.0f, with gwbpf's %+.0f\n", what, bare,
	       of_empty, ours);
	return json_pack("{s:f, s:f, s:f}", "bare_ns", bare, "empty_more_ns", of_empty,
			 "gwbpf_more_ns", ours);
}

static json_t *print_calls(void)
{
	json_t *all = json_object();

	printf("connect(2) to where no route leads, ns by this process's own clock: without a program at\n"
	       "connect4, and how much longer with one\n");
	json_object_set_new(all, "new", print_call("a new socket", calls));
	json_object_set_new(all, "repeated", print_call("repeated on one socket", calls_repeated));
	return all;
}

static json_t *print_floors(void)
{
	json_t *list = json_array();

	printf("connect4, and its floor: a program that does only what no hook can do without\n");
	for (size_t i = 0; i < FLOORS; i++) {
		printf("  %-20s", floors[i].name);
		print_cell(floors[i].ours);
		printf("  floor ");
		print_cell(floors[i].floor);
		printf("  %s\n", floors[i].floor_name);
		json_array_append_new(list,
				      json_pack("{s:s, s:o, s:s, s:o}", "name", floors[i].name,
						"gwbpf", cell_json(floors[i].ours), "floor_name",
						floors[i].floor_name, "floor",
						cell_json(floors[i].floor)));
	}
	return list;
}

static json_t *print_aims(void)
{
	const struct aim of_64 = {"connect4, lc, 64 backends, net", 1000, 0, " ns",
				  median(choices[0].loads.net)};
	const struct aim of_256 = {"connect4, lc, 256 backends, net", 1400, 0, " ns",
				   median(choices[1].loads.net)};
	const struct aim of_others = {"connect4, not ours, net", 40, 0, " ns", median(look.net)};
	const struct aim of_repeated = {"connect4, not ours, repeated on one socket, net", 15, 0,
					" ns", median(look_repeated.net)};
	json_t *aims = json_array();

	printf("aims\n");
	aim_print(&of_64, median(choices[0].ours.net), aims);
	aim_print(&of_256, median(choices[1].ours.net), aims);
	aim_print(&of_others, median(not_ours.net), aims);
	aim_print(&of_repeated, median(repeated.net), aims);
	return aims;
}

static void bench_the_hooks(void **state)
{
	json_t *all = json_object(), *policies = json_object();

	(void)state;
	measure_calls();
	runs_start();
	for (int round = 0; round < ROUNDS; round++)
		measure_round(round);
	runs_stop();
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
	json_object_set_new(all, "calls", print_calls());
	json_object_set_new(all, "floor", print_floors());
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
	for (enum way way = EMPTY; way < WAY_MAX; way++)
		cgroups[way] = bed_make_cgroup(ways[way].cgroup);
	bed_open(cgroups[OURS]);
	assert_int_equal(monitor_new(lab.datapath, &monitor), 0);
	floor_open(PEER);
	for (enum way way = EMPTY; way < OURS; way++)
		floor_attach(ways[way].floor, cgroups[way]);
	floor_attach(FLOOR_SOCKOPS_NOTHING, cgroups[EMPTY]);
	floor_attach(FLOOR_RELEASE_NOTHING, cgroups[EMPTY]);
	return 0;
}

static int stop(void **state)
{
	floor_close();
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
