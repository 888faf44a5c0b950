// SPDX-License-Identifier: Apache-2.0
#include "kernel/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#define BATCH_ROOM 256
#define READ_ROOM 1024 /* a bucket of a hash must fit */

int batch_init(struct batch *batch, int fd, size_t size)
{
	*batch = (struct batch){.fd = fd, .size = size};
	batch->keys = calloc(BATCH_ROOM, sizeof(*batch->keys));
	batch->values = calloc(BATCH_ROOM, size);
	if (batch->keys && batch->values)
		return 0;
	batch_done(batch);
	return -ENOMEM;
}

void batch_done(struct batch *batch)
{
	free(batch->keys);
	free(batch->values);
	*batch = (struct batch){0};
}

int batch_add(struct batch *batch, uint32_t key, const void *value)
{
	batch->keys[batch->count] = key;
	memcpy(batch->values + batch->count * batch->size, value, batch->size);
	batch->count++;
	return batch->count == BATCH_ROOM ? batch_flush(batch) : 0;
}

int batch_flush(struct batch *batch)
{
	uint32_t count = (uint32_t)batch->count;

	batch->count = 0;
	if (!count)
		return 0;
	return bpf_map_update_batch(batch->fd, batch->keys, batch->values, &count, NULL) ? -errno
											 : 0;
}

/* Returns -ENOENT after the last ones. */
static int read_some(struct batch *batch, const void *after, uint32_t *next)
{
	uint32_t count = READ_ROOM;
	int err = bpf_map_lookup_batch(batch->fd, (void *)after, next, batch->keys, batch->values,
				       &count, NULL);

	batch->count = !err || err == -ENOENT ? count : 0;
	return err;
}

int batch_read(int fd, size_t size, batch_visit visit, void *arg)
{
	struct batch batch = {
		.fd = fd,
		.keys = calloc(READ_ROOM, sizeof(*batch.keys)),
		.values = calloc(READ_ROOM, size),
	};
	const void *after = NULL;
	uint32_t place;
	int err = -ENOMEM;

	if (!batch.keys || !batch.values)
		goto out;
	do {
		err = read_some(&batch, after, &place);
		after = &place;
		for (size_t i = 0; i < batch.count; i++)
			visit(batch.keys[i], batch.values + i * size, arg);
	} while (!err);
	if (err == -ENOENT)
		err = 0;
out:
	batch_done(&batch);
	return err;
}
