/* SPDX-License-Identifier: Apache-2.0 */
/* The encodings that YAML 1.2 (chapter 5.2) asks for, as UTF-8. Knows nothing of what is written. */
#ifndef GWBPF_SOURCE_ENCODING_H
#define GWBPF_SOURCE_ENCODING_H

#include <stddef.h>

#define ENCODING_MESSAGE_MAX 256

struct utf8 {
	const char *text; /* without byte order marks; not looked at where it was UTF-8 before */
	size_t size;
	char *copy; /* NULL, or what text points into */
};

/*
 * UTF-16 and UTF-32 in both orders, told by their byte order mark or by the zeros of the first
 * character, which is ASCII. text must outlive ret, which encoding_done() frees. -ENOMEM; -EINVAL
 * for what has no meaning in its encoding, and for what gzip and the like made: message then says
 * what and the remedy.
 */
int encoding_to_utf8(const char *text, size_t size, struct utf8 *ret, char *message);
void encoding_done(struct utf8 *utf8);

#endif
