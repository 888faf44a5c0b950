/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, keys and tokens in memory: read with a limit, wiped when freed. */
#ifndef GWBPF_SOURCE_KUBE_BYTES_H
#define GWBPF_SOURCE_KUBE_BYTES_H

#include <stddef.h>

#define KUBE_FILE_BYTES_MAX (1u << 20)

struct kube_bytes {
	char *data; /* ends in a NUL that size does not count; NULL: there is none */
	size_t size;
};

/* A regular file, whole. -EFBIG, -EINVAL (no regular file), -ENODATA (it is empty), -ENOMEM, or
 * what open(2) and read(2) say. ret is replaced only on success. */
int kube_bytes_read(const char *path, struct kube_bytes *ret);

/* Base64 with its padding; white space between is skipped. -EINVAL, -ENODATA, -ENOMEM */
int kube_bytes_decode(const char *base64, struct kube_bytes *ret);

/* Without the white space around it; returns what is left of its size. */
size_t kube_bytes_trim(struct kube_bytes *bytes);

int kube_bytes_copy(const char *text, struct kube_bytes *ret); /* -ENOMEM */
void kube_bytes_done(struct kube_bytes *bytes);

#endif
