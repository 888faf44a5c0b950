// SPDX-License-Identifier: Apache-2.0
#include "agent/check_certificate.h"

#include <errno.h>
#include <string.h>

#include "base/certificate.h"
#include "model/tls_names.h"

static uint32_t missing_of(const struct certificate *certificate, const char *names)
{
	uint32_t missing = 0;
	char name[TLS_NAME_MAX];

	for (unsigned int i = 0; *names && i < TLS_NAMES_MAX; i++) {
		size_t length = strcspn(names, ",");

		if (length < sizeof(name)) {
			memcpy(name, names, length);
			name[length] = '\0';
			missing |= certificate_carries(certificate, name) ? 0 : 1u << i;
		}
		names += length + !!names[length];
	}
	return missing;
}

/* What the agent takes: it stands in messages and in JSON. */
static void copy_issuer(const char *issuer, char ret[GW_ISSUER_MAX])
{
	size_t i;

	for (i = 0; i < GW_ISSUER_MAX - 1 && issuer[i]; i++)
		ret[i] = issuer[i] >= ' ' && issuer[i] <= '~' ? issuer[i] : '?';
	ret[i] = '\0';
}

void check_certificate_read(const void *der, size_t size, const char names[CHECK_NAMES_MAX],
			    struct check_certificate *ret)
{
	struct certificate certificate;
	int err = certificate_read(der, size, &certificate);

	memset(ret, 0, sizeof(*ret));
	ret->read = err == -E2BIG ? GW_CERTIFICATE_TOO_LARGE
		    : err         ? GW_CERTIFICATE_MALFORMED
				  : GW_CERTIFICATE_READ;
	if (err)
		return;
	ret->missing = missing_of(&certificate, names);
	ret->not_before = certificate.not_before;
	ret->not_after = certificate.not_after;
	copy_issuer(certificate.issuer, ret->issuer);
}
