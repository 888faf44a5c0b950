/* SPDX-License-Identifier: Apache-2.0 */
/* The status page: one HTML document. A script renews it, and it needs none. */
#ifndef GWBPF_AGENT_PAGE_H
#define GWBPF_AGENT_PAGE_H

struct evbuffer;
struct status;

/* At /page.js. */
extern const char page_script[];

/* -ENOMEM */
int page_write(struct evbuffer *to, const struct status *status);

#endif
