/* SPDX-License-Identifier: Apache-2.0 */
/* What this node lacks, found by trying, not by asking for a version. */
#ifndef GWBPF_KERNEL_PROBE_H
#define GWBPF_KERNEL_PROBE_H

#include <stdbool.h>
#include <stddef.h>

enum probe_outcome {
	PROBE_FOUND,
	PROBE_DEGRADED, /* missing, and done without: detail says how */
	PROBE_UNKNOWN,  /* could not be seen */
	PROBE_MISSING,  /* gwbpf cannot run */
};

struct probe_result {
	const char *name; /* "root", "cgroup-v2", "bpffs", "btf", "hooks", … */
	enum probe_outcome outcome;
	char detail[512]; /* what was tried and seen */
	char remedy[256]; /* "" if nothing is wrong */
};

#define PROBE_MAX 16

struct probe_options {
	const char *pin_dir;
	const char *cgroup; /* NULL: the root of the cgroup v2 mount */
};

/* Try everything; leaves nothing behind. Returns how many results were written, in fixed order;
 * without root there is one, which says so. */
size_t probe_run(const struct probe_options *options, struct probe_result ret[PROBE_MAX]);

const char *probe_outcome_name(enum probe_outcome outcome); /* "found" */

#endif
