// SPDX-License-Identifier: Apache-2.0
#include "model/certificate_judge.h"

enum certificate_fault certificate_judge(const struct gw_certificate *certificate, int64_t now)
{
	if (certificate->read == GW_CERTIFICATE_MALFORMED)
		return CERTIFICATE_FAULT_MALFORMED;
	if (certificate->read != GW_CERTIFICATE_READ)
		return CERTIFICATE_FAULT_UNKNOWN;
	if (now > certificate->not_after)
		return CERTIFICATE_FAULT_EXPIRED;
	if (now < certificate->not_before)
		return CERTIFICATE_FAULT_NOT_YET;
	return certificate->missing ? CERTIFICATE_FAULT_MISSING : CERTIFICATE_FAULT_NONE;
}

static bool is_alike(const struct gw_certificate *a, const struct gw_certificate *b, int64_t now)
{
	return a->generation == b->generation && a->wanted == b->wanted &&
	       a->missing == b->missing && certificate_judge(a, now) == certificate_judge(b, now);
}

bool certificate_judge_excludes(const struct gw_certificate *before, struct gw_certificate *seen,
				bool was_excluded, int64_t now)
{
	enum certificate_fault fault = certificate_judge(seen, now);

	seen->alike_ns = is_alike(before, seen, now) ? before->alike_ns : seen->time_ns;
	switch (fault) {
	case CERTIFICATE_FAULT_UNKNOWN:
		return was_excluded;
	case CERTIFICATE_FAULT_NONE:
	case CERTIFICATE_FAULT_NOT_YET:
		return false;
	default:
		return was_excluded || seen->time_ns - seen->alike_ns >= CERTIFICATE_JUDGE_APART_NS;
	}
}
