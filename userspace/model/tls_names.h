/* SPDX-License-Identifier: Apache-2.0 */
/* The names that the certificate of a server must carry: a list that people write. Pure. */
#ifndef GWBPF_MODEL_TLS_NAMES_H
#define GWBPF_MODEL_TLS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/weights.h"

#define TLS_NAMES_MAX 16
#define TLS_NAMES_DEFAULT "default"
#define TLS_NAME_MAX 254 /* of DNS, and a NUL */

struct tls_names {
	char text[TLS_NAMES_MAX][TLS_NAME_MAX];
	size_t count;
};

/*
 * "a,b", without spaces. Each is an IP address or a host name; one of them may be "default", which
 * tls_names_expand() replaces. -EINVAL, and reason says what is wrong.
 */
int tls_names_parse(const char *value, struct tls_names *ret, char reason[WEIGHTS_REASON_MAX]);

/* "default" stands for what the clients of a Service may dial it by: NAME, NAME.NAMESPACE,
 * NAME.NAMESPACE.svc, NAME.NAMESPACE.svc.cluster.local. What is there already is not added. */
void tls_names_expand(const struct tls_names *names, const char *namespace, const char *service,
		      struct tls_names *ret);

/* Of the list as it is written: tells what was compared with it from what was with another. */
uint32_t tls_names_fingerprint(const char *value);

bool tls_names_has(const struct tls_names *names, const char *name);

#endif
