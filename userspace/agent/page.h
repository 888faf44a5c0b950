/* SPDX-License-Identifier: Apache-2.0 */
/* The status page: one HTML document that needs no script. */
#ifndef GWBPF_AGENT_PAGE_H
#define GWBPF_AGENT_PAGE_H

struct evbuffer;
struct status;

/* -ENOMEM */
int page_write(struct evbuffer *to, const struct status *status);

#endif
