/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs can use of this kernel, found by trying. */
#ifndef GWBPF_KERNEL_FEATURES_H
#define GWBPF_KERNEL_FEATURES_H

struct gwbpf_bpf;

/* Tell the programs. Between open and load. */
void features_set(struct gwbpf_bpf *object);

#endif
