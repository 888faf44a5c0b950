// SPDX-License-Identifier: Apache-2.0
#include "cli/tls_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/say.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

static int read_input(struct kube_bytes *ret)
{
	struct kube_bytes bytes = {.data = malloc(KUBE_FILE_BYTES_MAX + 1)};
	ssize_t n = bytes.data ? 1 : 0;

	if (!bytes.data)
		return -ENOMEM;
	while (n > 0 && bytes.size < KUBE_FILE_BYTES_MAX) {
		n = read(STDIN_FILENO, bytes.data + bytes.size, KUBE_FILE_BYTES_MAX - bytes.size);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			bytes.size += (size_t)n;
	}
	bytes.data[bytes.size] = '\0';
	*ret = bytes;
	if (n < 0)
		return -errno;
	if (bytes.size == KUBE_FILE_BYTES_MAX)
		return -EFBIG;
	return bytes.size ? 0 : -ENODATA;
}

static const char *describe(int err)
{
	switch (err) {
	case -EFBIG:
		return "it is longer than 1 MiB, which no certificate is";
	case -EINVAL:
		return "it is no regular file: '-' reads standard input";
	case -ENODATA:
		return "it is empty";
	default:
		return strerror(-err);
	}
}

static int add(struct tls_file *file, struct kube_bytes *der)
{
	if (file->count == TLS_FILE_CERTIFICATES_MAX)
		return -E2BIG;
	file->certificates[file->count++] = *der;
	*der = (struct kube_bytes){0};
	return 0;
}

/* What stands between the lines, up to the next one that ends a certificate. */
static int add_pem(struct tls_file *file, const char *begin, const char *end)
{
	char *base64 = strndup(begin, (size_t)(end - begin));
	struct kube_bytes der = {0};
	int err = base64 ? kube_bytes_decode(base64, &der) : -ENOMEM;

	if (!err)
		err = add(file, &der);
	kube_bytes_done(&der);
	free(base64);
	return err;
}

static int split(struct tls_file *file, struct kube_bytes *bytes)
{
	const char *at = strstr(bytes->data, BEGIN), *end;
	int err;

	if (!at && strstr(bytes->data, "-----BEGIN "))
		return -ENOENT;
	if (!at)
		return add(file, bytes);
	for (; at; at = strstr(end, BEGIN)) {
		at += strlen(BEGIN);
		end = strstr(at, END);
		if (!end)
			return -EBADMSG;
		err = add_pem(file, at, end);
		if (err)
			return err == -EINVAL || err == -ENODATA ? -EBADMSG : err;
	}
	return 0;
}

int tls_file_read(const char *path, struct tls_file *ret)
{
	bool is_input = !strcmp(path, TLS_FILE_STANDARD);
	const char *name = is_input ? "standard input" : path;
	struct kube_bytes bytes = {0};
	int err = is_input ? read_input(&bytes) : kube_bytes_read(path, &bytes);

	ret->count = 0;
	if (err) {
		say_error("cannot read '%s': %s", name, describe(err));
		goto out;
	}
	err = split(ret, &bytes);
	if (err == -ENOENT)
		say_error("cannot use '%s': it has PEM, but no certificate: give the file that has "
			  "'" BEGIN "'",
			  name);
	else if (err == -EBADMSG)
		say_error("cannot use '%s': certificate %zu is no PEM: it ends with '" END
			  "' and has "
			  "base64 before that",
			  name, ret->count + 1);
	else if (err == -E2BIG)
		say_error("cannot use '%s': it has more than %d certificates: give the ones of one "
			  "server",
			  name, TLS_FILE_CERTIFICATES_MAX);
	else if (err)
		say_error("cannot use '%s': %s", name, strerror(-err));
	if (err)
		tls_file_done(ret);
out:
	kube_bytes_done(&bytes);
	return err;
}

void tls_file_done(struct tls_file *file)
{
	for (size_t i = 0; i < file->count; i++)
		kube_bytes_done(&file->certificates[i]);
	file->count = 0;
}
