/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the manifests: parse a text, collect what is refused. */
#ifndef GWBPF_TESTS_UNIT_MANIFEST_FIXTURE_H
#define GWBPF_TESTS_UNIT_MANIFEST_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "refusals.h"
#include "source/manifests.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A Service in two pieces of YAML. */
#define SERVICE "apiVersion: v1\nkind: Service\nmetadata: {name: gw, namespace: fabric}\n"
#define SPEC "spec: {clusterIP: 10.96.0.7, ports: [{name: grpc, port: 7051}]}\n"

static struct refusals refused;

static inline int parse(const char *text, size_t size, struct manifest *ret)
{
	/* A copy without a final zero, so that the sanitizer sees every read beyond the end. */
	char *copy = malloc(size ? size : 1);
	int err;

	memcpy(copy, text, size);
	refused.count = 0;
	err = manifest_parse(copy, size, refusals_take, &refused, ret);
	free(copy);
	return err;
}

static inline int parse_text(const char *text, struct manifest *ret)
{
	return parse(text, strlen(text), ret);
}

static inline char *repeated(const char *begin, const char *part, size_t count, const char *end)
{
	size_t length = strlen(part);
	char *text = malloc(strlen(begin) + length * count + strlen(end) + 1), *at = text;

	at = stpcpy(at, begin);
	while (count--)
		at = (char *)memcpy(at, part, length) + length;
	strcpy(at, end);
	return text;
}

static inline double cpu_seconds(void)
{
	return clock_read_seconds(CLOCK_PROCESS_CPUTIME_ID);
}

#endif
