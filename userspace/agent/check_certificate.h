/* SPDX-License-Identifier: Apache-2.0 */
/* A peer's certificate into what the child tells of it. Runs in the child alone. Pure. */
#ifndef GWBPF_AGENT_CHECK_CERTIFICATE_H
#define GWBPF_AGENT_CHECK_CERTIFICATE_H

#include <stddef.h>

#include "agent/check_message.h"

/* der: the certificate; names: those of the order, which end in a zero. */
void check_certificate_read(const void *der, size_t size, const char names[CHECK_NAMES_MAX],
			    struct check_certificate *ret);

#endif
