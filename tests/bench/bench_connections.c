// SPDX-License-Identifier: Apache-2.0
/*
 * What people ask while many connections are there: how long the commands take that read them.
 * Asserts nothing of time.
 */
#include "kernel/lab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bed.h"
#include "bench/figures.h"
#include "kernel/crew.h"

#define VIP "10.96.0.10:7051"
#define BACKENDS 4
#define CLIENTS 10
#define CONNECTIONS 10000
#define ROUNDS 15

static const char *const backends[BACKENDS + 1] = {"10.1.0.1:7051", "10.1.0.2:7051",
						   "10.1.0.3:7051", "10.1.0.4:7051", NULL};

static const char *const commands[] = {"connections", "explain", "backends", "status"};

/* Each in a network namespace of its own, as pods are: every peer is there too. */
static void connect_many(struct crew_member *me, void *arg)
{
	(void)arg;
	lab_enter_namespace();
	for (int i = 0; i < BACKENDS; i++)
		lab_listen(backends[i]);
	for (me->done = 0; me->done < CONNECTIONS / CLIENTS; me->done++) {
		int fd = lab_connect(VIP);

		if (fd < 0)
			crew_problem(me, "connect: %s", strerror(-fd));
	}
	crew_rest(me);
}

static double command_ms(const char *command)
{
	double start = now_us();

	lab_run("build/gwbpf %s --pin-dir " LAB_PINS
		" --control /none -o json %s >/dev/null || true",
		command, !strcmp(command, "explain") ? "lab/peers" : "");
	return (now_us() - start) / 1e3;
}

static void measure(const char *command, json_t *all)
{
	double times[ROUNDS];
	struct spread spread;

	for (size_t i = 0; i < ROUNDS; i++)
		times[i] = command_ms(command);
	spread = spread_of(times, ROUNDS);
	printf("  %-12s %6.1f ms [%.1f .. %.1f]\n", command, spread.median, spread.min, spread.max);
	json_object_set_new(all, command, spread_json(&spread));
}

static void bench_commands(void **state)
{
	json_t *all = json_object();
	struct crew *crew;

	(void)state;
	lab_service("peers", VIP, GW_POLICY_LC, backends);
	crew = crew_start(CLIENTS, connect_many, NULL);
	crew_await_rest(crew);
	printf("%d connections of %d network namespaces to %d backends\n", CONNECTIONS, CLIENTS,
	       BACKENDS);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		measure(commands[i], all);
	assert_int_equal(crew_stop(crew), CONNECTIONS);
	figures_save("connections", all);
}

static int start(void **state)
{
	bed_on_one_cpu();
	return lab_start(state);
}

int main(void)
{
	const struct CMUnitTest benches[] = {
		cmocka_unit_test(bench_commands),
	};

	return lab_main(benches, 1, start, lab_stop);
}
