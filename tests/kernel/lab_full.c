// SPDX-License-Identifier: Apache-2.0
/* A socket that has used up what it may hold of options (net.core.optmem_max, which older kernels
 * have once for all namespaces, so that a test must not change it): storage of other maps fills it. */
#include "kernel/lab.h"

#include <sys/socket.h>

#include <bpf/bpf.h>

#include "kernel/records.h"

#define BIGGEST 32768u
#define SMALLEST 8u

/* A map that is closed would give its memory back: this one stays open. */
static bool take(int fd, unsigned int bytes)
{
	static const char nothing[BIGGEST];

	return !bpf_map_update_elem(records_make("gw_lab_full", bytes), &fd, nothing, BPF_ANY);
}

int lab_full_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	for (unsigned int bytes = BIGGEST; bytes >= SMALLEST; bytes /= 2)
		while (take(fd, bytes))
			;
	return fd;
}
