/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates in a file: PEM, of which there may be several, or one in DER. */
#ifndef GWBPF_CLI_TLS_FILE_H
#define GWBPF_CLI_TLS_FILE_H

#include <stddef.h>

#include "source/kube/bytes.h"

#define TLS_FILE_CERTIFICATES_MAX 64
#define TLS_FILE_STANDARD "-" /* the path that stands for standard input */

struct tls_file {
	struct kube_bytes certificates[TLS_FILE_CERTIFICATES_MAX]; /* in DER, not read yet */
	size_t count;
};

/* Says what is wrong: there is no such file, it is too long, no certificate is in it. */
int tls_file_read(const char *path, struct tls_file *ret);
void tls_file_done(struct tls_file *file);

#endif
