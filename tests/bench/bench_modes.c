// SPDX-License-Identifier: Apache-2.0
/*
 * Ways from clients to peers beside each other: directly, through gwbpf, through the rules that
 * kube-proxy writes, through a proxy; round by round in one run on one CPU, so that each round's
 * ratio to the direct way sees the same machine. Beside them hooks that do nothing, or only what
 * balancing cannot do without (floor.h). Asserts nothing of time.
 */
#include "kernel/lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/figures.h"
#include "bench/floor.h"
#include "bench/load.h"
#include "bench/spaces.h"
#include "bench/bed.h"

#define ROUNDS_MAX 100
#define MANY 5000

enum node { PLAIN, NFT_ONE, NFT_MANY, IPTABLES_ONE, IPTABLES_MANY, HAPROXY, NODE_MAX };

static const struct {
	const char *rules; /* for rules.sh; NULL: it only forwards */
	int services;
} nodes[NODE_MAX] = {
	[NFT_ONE] = {"nft", 1},           [NFT_MANY] = {"nft", MANY},
	[IPTABLES_ONE] = {"iptables", 1}, [IPTABLES_MANY] = {"iptables", MANY},
	[HAPROXY] = {"haproxy", 1},
};

/* What the client's cgroup has: each beside NONE is one of its own. */
enum hooks { NONE, OURS, EMPTY, RECORD, OPTIONS, HOOKS_MAX };

/* Which way: over which node, to the Service or to the peers themselves, with which hooks. */
static const struct mode {
	const char *key;
	const char *name;
	enum node node;
	bool to_service;
	enum hooks hooks;
} modes[] = {
	{"direct", "direct", PLAIN, false, NONE},
	{"gwbpf", "gwbpf", PLAIN, true, OURS},
	{"not_ours", "direct, with gwbpf's hooks (not ours)", PLAIN, false, OURS},
	{"nft_1", "nft DNAT, 1 Service", NFT_ONE, true, NONE},
	{"nft_5000", "nft DNAT, 5,000 Services", NFT_MANY, true, NONE},
	{"iptables_1", "iptables DNAT, 1 Service", IPTABLES_ONE, true, NONE},
	{"iptables_5000", "iptables DNAT, 5,000 Services", IPTABLES_MANY, true, NONE},
	{"haproxy", "HAProxy, TCP mode", HAPROXY, true, NONE},
	{"nft_5000_direct", "direct, where 5,000 stay in nft", NFT_MANY, false, NONE},
	{"nft_5000_gwbpf", "gwbpf, where 5,000 stay in nft", NFT_MANY, true, OURS},
	{"iptables_5000_direct", "direct, where 5,000 stay in iptables", IPTABLES_MANY, false,
	 NONE},
	{"iptables_5000_gwbpf", "gwbpf, where 5,000 stay in iptables", IPTABLES_MANY, true, OURS},
	{"empty_hooks", "direct, with hooks that do nothing", PLAIN, false, EMPTY},
	{"record", "a record and the address, no more", PLAIN, true, RECORD},
	{"options", "the same, its options and its end", PLAIN, true, OPTIONS},
};
#define MODES (sizeof(modes) / sizeof(*modes))
#define DIRECT 0
#define GWBPF 1
#define NFT_DNAT 3
#define FLOOR (MODES - 1)

static const struct {
	const char *key;
	const char *name;
	const char *unit;
} measures[MEASURE_MAX] = {
	[CONNECTIONS] = {"connections_per_second", "connections", "/s"},
	[CONNECT_P50] = {"connect_p50_us", "connect p50", "us"},
	[CONNECT_P99] = {"connect_p99_us", "connect p99", "us"},
	[EXCHANGES] = {"exchanges_per_second", "with a request", "/s"},
	[REQUEST_P50] = {"request_p50_us", "request p50", "us"},
	[BULK] = {"bulk_gbit_per_second", "bulk", "Gb/s"},
};

static double values[MODES][MEASURE_MAX][ROUNDS_MAX];
static int rounds = 25;

static const char *cgroups[HOOKS_MAX];

static void service_address(enum node node, char ret[LAB_TEXT])
{
	snprintf(ret, LAB_TEXT, "10.96.%d.10:%d", (int)node, LOAD_PORT);
}

static void peer_address(enum node node, size_t peer, char ret[LAB_TEXT])
{
	snprintf(ret, LAB_TEXT, "10.129.%d.%zu:%d", (int)node, peer + 1, LOAD_PORT);
}

static void start_rules(enum node node)
{
	char command[300];

	snprintf(command, sizeof(command),
		 "exec tests/bench/rules.sh %s %d 10.96.%d.10 10.129.%d.1 10.129.%d.2 10.129.%d.3 "
		 "10.129.%d.4",
		 nodes[node].rules, nodes[node].services, node, node, node, node, node);
	if (node != HAPROXY) {
		spaces_run_at_node((int)node, command);
		return;
	}
	/* In this very process, which ends with the bench, whatever ends that. */
	if (!spaces_fork_node((int)node)) {
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(1);
	}
}

static bool is_answered(void *arg)
{
	int fd = lab_connect(arg);

	if (fd >= 0)
		lab_abort(fd);
	return fd >= 0;
}

static void await_answer(enum node node)
{
	char address[LAB_TEXT];

	if (nodes[node].rules)
		service_address(node, address);
	else
		peer_address(node, 0, address);
	lab_wait(is_answered, address, address);
}

static void serve_by_gwbpf(enum node node)
{
	char vip[LAB_TEXT], texts[SPACES_PEERS][LAB_TEXT];
	const char *peers[SPACES_PEERS + 1] = {NULL};

	service_address(node, vip);
	for (size_t i = 0; i < SPACES_PEERS; i++) {
		peer_address(node, i, texts[i]);
		peers[i] = texts[i];
	}
	lab_service(vip, vip, GW_POLICY_LC, peers);
}

static void attach_hooks(void)
{
	static const char *const names[HOOKS_MAX] = {NULL, "hooked", "empty", "record", "options"};
	char peer[LAB_TEXT];

	for (enum hooks hooks = OURS; hooks < HOOKS_MAX; hooks++)
		cgroups[hooks] = bed_make_cgroup(names[hooks]);
	bed_open(cgroups[OURS]);
	peer_address(PLAIN, 0, peer);
	floor_open(peer);
	floor_attach(FLOOR_CONNECT_NOTHING, cgroups[EMPTY]);
	floor_attach(FLOOR_SOCKOPS_NOTHING, cgroups[EMPTY]);
	floor_attach(FLOOR_RELEASE_NOTHING, cgroups[EMPTY]);
	floor_attach(FLOOR_RECORD, cgroups[RECORD]);
	floor_attach(FLOOR_RECORD, cgroups[OPTIONS]);
	floor_attach(FLOOR_OPTIONS, cgroups[OPTIONS]);
}

static int start(void **state)
{
	(void)state;
	spaces_open();
	for (enum node node = 0; node < NODE_MAX; node++)
		spaces_add_node((int)node);
	bed_on_one_cpu();
	if (!spaces_fork_peers())
		load_serve();
	await_answer(PLAIN);
	for (enum node node = PLAIN + 1; node < NODE_MAX; node++) {
		start_rules(node);
		await_answer(node);
	}
	attach_hooks();
	for (size_t i = 0; i < MODES; i++)
		if (modes[i].hooks == OURS && modes[i].to_service)
			serve_by_gwbpf(modes[i].node);
	return 0;
}

static int stop(void **state)
{
	floor_close();
	lab_stop(state);
	bed_remove_cgroups();
	return 0;
}

static void measure(size_t number, int round)
{
	const struct mode *mode = &modes[number];
	char texts[SPACES_PEERS][LAB_TEXT];
	const char *addresses[SPACES_PEERS];
	size_t count = mode->to_service ? 1 : SPACES_PEERS;
	double result[MEASURE_MAX];

	for (size_t i = 0; i < SPACES_PEERS; i++) {
		peer_address(mode->node, i, texts[i]);
		addresses[i] = texts[i];
	}
	if (mode->to_service)
		service_address(mode->node, texts[0]);
	bed_enter_cgroup(cgroups[mode->hooks]);
	load_measure(addresses, count, result);
	bed_enter_cgroup(NULL);
	for (int i = 0; i < MEASURE_MAX; i++)
		values[number][i][round] = result[i];
}

static void print_measure(enum measure measure)
{
	double *direct = values[DIRECT][measure];

	printf("%-40s %12s %10s\n", measures[measure].name, measures[measure].unit, "to direct");
	for (size_t i = 0; i < MODES; i++) {
		struct spread own = spread_of(values[i][measure], (size_t)rounds);
		struct spread ratio = spread_of_ratios(values[i][measure], direct, (size_t)rounds);

		printf("  %-38s %12.*f %10.3f  [%.2f .. %.2f]\n", modes[i].name, own.median < 1000,
		       own.median, ratio.median, ratio.min, ratio.max);
	}
}

static json_t *mode_json(size_t mode)
{
	json_t *all = json_pack("{s:s}", "name", modes[mode].name);

	for (int i = 0; i < MEASURE_MAX; i++) {
		struct spread own = spread_of(values[mode][i], (size_t)rounds);
		struct spread ratio =
			spread_of_ratios(values[mode][i], values[DIRECT][i], (size_t)rounds);

		json_object_set_new(all, measures[i].key,
				    json_pack("{s:o, s:o}", "value", spread_json(&own), "to_direct",
					      spread_json(&ratio)));
	}
	return all;
}

static double median_ratio(size_t mode, size_t of, enum measure measure)
{
	return spread_of_ratios(values[mode][measure], values[of][measure], (size_t)rounds).median;
}

static json_t *print_aims(void)
{
	const struct aim connect = {"connect p50, gwbpf to direct", 1.12, 0, "",
				    median_ratio(FLOOR, DIRECT, CONNECT_P50)};
	static const struct aim request = {"request p50, gwbpf to direct", 1.01, 0, "", 0};
	static const struct aim rate = {"connections a second, gwbpf to nft DNAT, 1 Service", 0,
					1.11, "", 0};
	json_t *list = json_array();

	printf("aims\n");
	aim_print(&connect, median_ratio(GWBPF, DIRECT, CONNECT_P50), list);
	aim_print(&request, median_ratio(GWBPF, DIRECT, REQUEST_P50), list);
	aim_print(&rate, median_ratio(GWBPF, NFT_DNAT, CONNECTIONS), list);
	return list;
}

static void print_all(void)
{
	json_t *all = json_pack("{s:i}", "rounds", rounds), *by_mode = json_object();

	printf("client, node and %d peers in namespaces of their own, joined by veth, all on one "
	       "CPU;\n%d rounds of each in turn: the median, and the range of its ratio to the "
	       "round's direct way.\n"
	       "HAProxy answers a connect itself, before there is a peer: see the line with a "
	       "request.\n",
	       SPACES_PEERS, rounds);
	bed_print();
	for (int i = 0; i < MEASURE_MAX; i++)
		print_measure((enum measure)i);
	for (size_t i = 0; i < MODES; i++)
		json_object_set_new(by_mode, modes[i].key, mode_json(i));
	json_object_set_new(all, "modes", by_mode);
	json_object_set_new(all, "aims", print_aims());
	printf("Where kube-proxy's rules stay, the first packet to a peer still passes them: compare the "
	       "\"stay\" lines\nwith each other, and do not expect a gain over DNAT there.\n");
	figures_save("modes", all);
}

/* Each round begins with another one, so that none is always the one after a certain other. */
static void bench_all_ways_in_turns(void **state)
{
	(void)state;
	for (size_t i = 0; i < MODES; i++)
		measure(i, 0);
	for (int round = 0; round < rounds; round++)
		for (size_t i = 0; i < MODES; i++)
			measure((i + (size_t)round) % MODES, round);
	print_all();
}

int main(void)
{
	const struct CMUnitTest benches[] = {cmocka_unit_test(bench_all_ways_in_turns)};
	const char *wanted = getenv("BENCH_ROUNDS");

	if (wanted)
		rounds = atoi(wanted);
	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "BENCH_ROUNDS must be 1 to %d\n", ROUNDS_MAX);
		return 1;
	}
	return lab_main(benches, 1, start, stop);
}
