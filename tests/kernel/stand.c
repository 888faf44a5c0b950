// SPDX-License-Identifier: Apache-2.0
#include "kernel/stand.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/lab.h"

const char *const stand_addresses[STAND_BACKENDS] = {"10.1.0.1:7051", "10.1.0.2:7051",
						     "10.1.0.3:7051", "10.1.0.4:7051",
						     "10.1.0.5:7051"};

void stand_open(struct stand *stand)
{
	for (int i = 0; i < STAND_BACKENDS; i++)
		stand->listeners[i] = lab_listen(stand_addresses[i]);
}

void stand_close(struct stand *stand)
{
	for (int i = 0; i < STAND_BACKENDS; i++)
		close(stand->listeners[i]);
}

void stand_change(const char *vip, enum gw_policy policy, const uint16_t weights[STAND_BACKENDS])
{
	char texts[STAND_BACKENDS][LAB_TEXT];
	const char *backends[STAND_BACKENDS + 1] = {0};

	for (int i = 0; i < STAND_BACKENDS; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%s*%u", stand_addresses[i], weights[i]);
		backends[i] = texts[i];
	}
	lab_service("peers", vip, policy, backends);
}

const char *stand_serve(enum gw_policy policy, const uint16_t weights[STAND_BACKENDS])
{
	static char vip[LAB_TEXT];
	static int number;

	assert_int_equal(lab_begin(NULL), 0);
	number++;
	snprintf(vip, sizeof(vip), "10.96.%d.%d:7051", number / 250, number % 250 + 1);
	stand_change(vip, policy, weights);
	return vip;
}

/* It is closed on this side at once: the client's stays as it is. */
static int find_reached(struct stand *stand)
{
	struct pollfd ready[STAND_BACKENDS];

	for (int i = 0; i < STAND_BACKENDS; i++)
		ready[i] = (struct pollfd){.fd = stand->listeners[i], .events = POLLIN};
	assert_int_equal(poll(ready, STAND_BACKENDS, LAB_PATIENCE_MS), 1);
	for (int i = 0; i < STAND_BACKENDS; i++) {
		if (!ready[i].revents)
			continue;
		close(accept(ready[i].fd, NULL, NULL));
		return i;
	}
	return -1;
}

int stand_connect(struct stand *stand, const char *vip, int *fd)
{
	*fd = lab_connect(vip);
	return *fd < 0 ? -1 : find_reached(stand);
}

int stand_touch(struct stand *stand, const char *vip)
{
	int fd, who = stand_connect(stand, vip, &fd);

	assert_true(who >= 0);
	lab_abort(fd);
	return who;
}
