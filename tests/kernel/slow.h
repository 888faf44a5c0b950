/* SPDX-License-Identifier: Apache-2.0 */
/* A backend at the end of a slow road: packets take 150 ms there, and as long back. */
#ifndef GWBPF_TESTS_SLOW_H
#define GWBPF_TESTS_SLOW_H

#include <sys/types.h>

#define SLOW_BACKEND "10.6.0.2:7051"

/* From the network namespace that we are in. The listening socket is over there. */
void slow_open(pid_t *road, int *listener);
void slow_close(pid_t road);

#endif
