// SPDX-License-Identifier: Apache-2.0
/* Credentials in memory. Knows nothing of what they mean. */
#include "source/kube/bytes.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/regular.h"

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int allocate(size_t size, struct kube_bytes *ret)
{
	ret->data = calloc(1, size + 1);
	ret->size = 0;
	return ret->data ? 0 : -ENOMEM;
}

static void replace(struct kube_bytes *old, struct kube_bytes fresh)
{
	kube_bytes_done(old);
	*old = fresh;
}

void kube_bytes_done(struct kube_bytes *bytes)
{
	if (bytes->data)
		explicit_bzero(bytes->data, bytes->size);
	free(bytes->data);
	*bytes = (struct kube_bytes){0};
}

static int read_all(int fd, size_t size, struct kube_bytes *bytes)
{
	while (bytes->size < size) {
		ssize_t n = read(fd, bytes->data + bytes->size, size - bytes->size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		bytes->size += (size_t)n;
	}
	bytes->data[bytes->size] = '\0';
	return bytes->size ? 0 : -ENODATA;
}

int kube_bytes_read(const char *path, struct kube_bytes *ret)
{
	struct kube_bytes bytes = {0};
	struct stat st;
	int fd = regular_open(path, &st), err = 0;

	if (fd < 0)
		return fd == -EISDIR || fd == -ENODEV ? -EINVAL : fd;
	if (st.st_size > KUBE_FILE_BYTES_MAX)
		err = -EFBIG;
	if (!err)
		err = allocate((size_t)st.st_size, &bytes);
	if (!err)
		err = read_all(fd, (size_t)st.st_size, &bytes);
	if (err)
		kube_bytes_done(&bytes);
	else
		replace(ret, bytes);
	close(fd);
	return err;
}

size_t kube_bytes_trim(struct kube_bytes *bytes)
{
	size_t begin = 0, end = bytes->size;

	while (end && isspace((unsigned char)bytes->data[end - 1]))
		end--;
	while (begin < end && isspace((unsigned char)bytes->data[begin]))
		begin++;
	memmove(bytes->data, bytes->data + begin, end - begin);
	explicit_bzero(bytes->data + (end - begin), bytes->size - (end - begin));
	bytes->size = end - begin;
	return bytes->size;
}

int kube_bytes_copy(const char *text, struct kube_bytes *ret)
{
	struct kube_bytes bytes;
	size_t size = strlen(text);
	int err = allocate(size, &bytes);

	if (err)
		return err;
	memcpy(bytes.data, text, size);
	bytes.size = size;
	replace(ret, bytes);
	return 0;
}

/* Decode up to the padding; the number of digits goes to ret, what stays is returned. */
static const char *decode_digits(const char *base64, struct kube_bytes *bytes, size_t *ret)
{
	uint32_t word = 0;
	size_t digits = 0;

	for (; *base64 && *base64 != '='; base64++) {
		const char *digit = strchr(base64_digits, *base64);

		if (isspace((unsigned char)*base64))
			continue;
		if (!digit)
			break;
		word = word << 6 | (uint32_t)(digit - base64_digits);
		if (digits++ % 4 != 0)
			bytes->data[bytes->size++] = (char)(word >> (6 - 2 * ((digits - 1) % 4)));
	}
	*ret = digits;
	return base64;
}

int kube_bytes_decode(const char *base64, struct kube_bytes *ret)
{
	struct kube_bytes bytes;
	size_t digits;
	int err = allocate(strlen(base64) / 4 * 3 + 3, &bytes);

	if (err)
		return err;
	base64 = decode_digits(base64, &bytes, &digits);
	for (; *base64 == '=' || isspace((unsigned char)*base64); base64++)
		digits += *base64 == '=';
	if (*base64 || digits % 4 != 0)
		err = -EINVAL;
	else if (bytes.size == 0)
		err = -ENODATA;
	if (err)
		kube_bytes_done(&bytes);
	else
		replace(ret, bytes);
	return err;
}
