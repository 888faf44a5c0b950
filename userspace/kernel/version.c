// SPDX-License-Identifier: Apache-2.0
/* The version of libbpf, for people who report a problem. */
#include "kernel/version.h"

#include <bpf/libbpf.h>

const char *version_libbpf(void)
{
	const char *version = libbpf_version_string();

	return *version == 'v' ? version + 1 : version;
}
