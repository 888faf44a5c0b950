// SPDX-License-Identifier: Apache-2.0
/* Two network interfaces of packets that a process reads and writes (TUN), and that process. */
#include "kernel/slow.h"

#include <fcntl.h>
#include <net/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/clients.h"
#include "kernel/lab.h"

#define DELAY_MS 150
#define PACKETS 4096u
#define PACKET_MAX 2048

struct packet {
	uint64_t due_ms;
	int to;
	size_t length;
	char bytes[PACKET_MAX];
};

/* All are delayed alike: the first to come is the first to go. */
static struct packet packets[PACKETS];
static uint64_t first, next;

static void take(int from, int to)
{
	struct packet *packet = &packets[next % PACKETS];
	ssize_t length = read(from, packet->bytes, PACKET_MAX);

	/* No room: as on any road, it is lost. */
	if (length <= 0 || next - first == PACKETS - 1)
		return;
	packet->length = (size_t)length;
	packet->to = to;
	packet->due_ms = clock_now_ms() + DELAY_MS;
	next++;
}

/* Hand over what has been on its way for long enough; in how many ms there will be more, or -1. */
static int deliver(void)
{
	for (; first != next; first++) {
		const struct packet *packet = &packets[first % PACKETS];
		uint64_t now_ms = clock_now_ms();

		if (packet->due_ms > now_ms)
			return (int)(packet->due_ms - now_ms);
		if (write(packet->to, packet->bytes, packet->length) < 0)
			continue;
	}
	return -1;
}

static void carry(int near, int far)
{
	struct pollfd ends[] = {{.fd = near, .events = POLLIN}, {.fd = far, .events = POLLIN}};

	for (;;) {
		poll(ends, 2, deliver());
		if (ends[0].revents & POLLIN)
			take(near, far);
		if (ends[1].revents & POLLIN)
			take(far, near);
	}
}

static int open_end(const char *address)
{
	struct ifreq request = {.ifr_name = "slow", .ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, TUNSETIFF, &request), 0);
	lab_run("ip addr add %s/24 dev slow && ip link set slow up", address);
	return fd;
}

void slow_open(pid_t *road, int *listener)
{
	int home = clients_here(), far = clients_make(), near_end, far_end;

	near_end = open_end("10.6.0.1");
	clients_be(far);
	far_end = open_end("10.6.0.2");
	*listener = lab_listen(SLOW_BACKEND);
	clients_be(home);
	*road = lab_fork();
	if (!*road)
		carry(near_end, far_end);
	close(near_end);
	close(far_end);
	close(far);
	close(home);
}

void slow_close(pid_t road)
{
	kill(road, SIGKILL);
	assert_int_equal(waitpid(road, NULL, 0), road);
}
