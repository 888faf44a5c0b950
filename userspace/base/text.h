/* SPDX-License-Identifier: Apache-2.0 */
/* Text of a stranger on its way into a message. */
#ifndef GWBPF_BASE_TEXT_H
#define GWBPF_BASE_TEXT_H

#define TEXT_EXCERPT_MAX 64

/* As much of text as a message has room for, cut between two characters of UTF-8. Returns buf. */
const char *text_excerpt(const char *text, char buf[TEXT_EXCERPT_MAX]);

#endif
