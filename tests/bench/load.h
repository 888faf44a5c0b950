/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients ask for and how long it takes. Knows nothing of who stands between them and the
 * peers, which answer each request with the same bytes and swallow what is larger.
 */
#ifndef GWBPF_BENCH_LOAD_H
#define GWBPF_BENCH_LOAD_H

#include <stddef.h>

#define LOAD_PORT 7051
#define LOAD_ADDRESSES_MAX 8

enum measure {
	CONNECTIONS, /* a second: opened and closed by reset, one after the other */
	CONNECT_P50, /* us */
	CONNECT_P99,
	EXCHANGES,   /* a second: opened, a request, its answer, closed */
	REQUEST_P50, /* us, on a kept connection */
	BULK,        /* Gbit/s */
	MEASURE_MAX
};

/* Be the peers, at every address of this namespace. Does not return. */
void load_serve(void);

/* Connect to the addresses in turn, and measure everything. Fails the test if anything fails. */
void load_measure(const char *const *addresses, size_t count, double ret[MEASURE_MAX]);

#endif
