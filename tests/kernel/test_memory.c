// SPDX-License-Identifier: Apache-2.0
/* Who pays for the memory of connections: not the memory cgroup of the agent. */
#include "kernel/lab.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/counts.h"
#include "kernel/memory.h"

#define VIP "10.96.0.10:7051"
#define NEAR "10.1.0.1:7051"
#define CONNECTIONS 8000
#define BYTES_MAX (CONNECTIONS * 96) /* a record alone has more; each CPU takes some in advance */

static bool can_part;

static int start(void **state)
{
	can_part = memory_make();
	memory_be_agent();
	return lab_start(state);
}

static int stop(void **state)
{
	memory_remove();
	return lab_stop(state);
}

/* When it is told so. Both ends stay open until this process is killed. */
static void connect_many(int fd)
{
	int listener = lab_listen(NEAR);
	char byte;

	memory_be_client();
	if (write(fd, "", 1) != 1 || read(fd, &byte, 1) != 1)
		_exit(1);
	for (int i = 0; i < CONNECTIONS; i++)
		if (lab_connect(VIP) < 0 || accept(listener, NULL, NULL) < 0)
			_exit(1);
	if (write(fd, "", 1) == 1)
		pause();
	_exit(1);
}

static void test_eight_thousand_connections_of_others_cost_the_agent_no_memory(void **state)
{
	uint64_t before;
	int ends[2];
	pid_t client;
	char byte;

	(void)state;
	if (!can_part)
		skip();
	lab_serve_by(VIP, NEAR);
	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), errno);
	client = lab_fork();
	if (!client)
		connect_many(ends[1]);
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	before = memory_used();
	assert_int_equal(write(ends[0], "", 1), 1);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	print_message("# %lld bytes a connection\n",
		      (long long)(memory_used() - before) / CONNECTIONS);
	assert_in_range(memory_used(), 0, before + BYTES_MAX);
	counts_expect(NEAR, CONNECTIONS, .attempts = CONNECTIONS, .established = CONNECTIONS);
	kill(client, SIGKILL);
	waitpid(client, NULL, 0);
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			test_eight_thousand_connections_of_others_cost_the_agent_no_memory,
			lab_begin),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, stop);
}
