/* SPDX-License-Identifier: Apache-2.0 */
/* Many elements of one map, keys 32 bits wide, in few system calls. */
#ifndef GWBPF_KERNEL_BATCH_H
#define GWBPF_KERNEL_BATCH_H

#include <stddef.h>
#include <stdint.h>

struct batch {
	int fd;      /* the map's, not ours */
	size_t size; /* of a value */
	size_t count;
	uint32_t *keys;
	char *values;
};

int batch_init(struct batch *batch, int fd, size_t size); /* -ENOMEM */
void batch_done(struct batch *batch);                     /* what is not flushed is lost */

/* Takes a copy of the value; writes all of it once there is enough. What bpf(2) says. */
int batch_add(struct batch *batch, uint32_t key, const void *value);
int batch_flush(struct batch *batch);

/* Read every element of a hash or an array, in no order. value is valid during the call. -ENOMEM,
 * what bpf(2) says. */
typedef void (*batch_visit)(uint32_t key, const void *value, void *arg);
int batch_read(int fd, size_t size, batch_visit visit, void *arg);

#endif
