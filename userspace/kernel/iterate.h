/* SPDX-License-Identifier: Apache-2.0 */
/* Running a BPF iterator whose program writes into maps, and emits no text. */
#ifndef GWBPF_KERNEL_ITERATE_H
#define GWBPF_KERNEL_ITERATE_H

struct bpf_link;

/* Run the program of this link over everything there is, once. 0 or -errno. */
int iterate(const struct bpf_link *link);

#endif
