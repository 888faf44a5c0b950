/* SPDX-License-Identifier: Apache-2.0 */
/* What a backend's certificate means for it: what is wrong, and when that takes it out of use. Pure. */
#ifndef GWBPF_MODEL_CERTIFICATE_JUDGE_H
#define GWBPF_MODEL_CERTIFICATE_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include <gwbpf/abi.h>

#define CERTIFICATE_JUDGE_APART_NS 60000000000ull /* between two looks that say the same */

/* What is wrong. In this order: the first that is so. */
enum certificate_fault {
	CERTIFICATE_FAULT_NONE,
	CERTIFICATE_FAULT_UNKNOWN, /* nothing was seen that says anything */
	CERTIFICATE_FAULT_MALFORMED,
	CERTIFICATE_FAULT_EXPIRED,
	CERTIFICATE_FAULT_NOT_YET,
	CERTIFICATE_FAULT_MISSING,
};

/* now: seconds since 1970. */
enum certificate_fault certificate_judge(const struct gw_certificate *certificate, int64_t now);

/*
 * Whether the backend is to be passed over after it has shown `seen`, whose alike_ns this sets, and
 * `before` that: two looks at least a minute apart must say the same of it, that it lacks the same
 * names, has expired, or is malformed. One good look ends it; what says nothing leaves it as it is
 * (was_excluded). One that is not valid yet is no reason: it may be this node's clock.
 */
bool certificate_judge_excludes(const struct gw_certificate *before, struct gw_certificate *seen,
				bool was_excluded, int64_t now);

#endif
