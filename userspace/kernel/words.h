/* SPDX-License-Identifier: Apache-2.0 */
/* Many short texts that are freed together: each takes its length and no more. */
#ifndef GWBPF_KERNEL_WORDS_H
#define GWBPF_KERNEL_WORDS_H

struct words {
	struct words_page *page;
};

/* A zeroed one is empty. A copy of text, until words_done(); NULL: no memory. */
const char *words_add(struct words *words, const char *text);
void words_done(struct words *words);

#endif
