// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a certificate: what a peer shows to whoever dials it. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "base/certificate.h"

static void check_text(const char *text)
{
	json_t *value = json_string(text);

	must(value && strlen(text) < CERTIFICATE_TEXT_MAX);
	json_decref(value);
}

/* A name that can be asked for is carried, as far as nothing in it is special. */
static void check_name(const struct certificate *certificate, const struct certificate_name *name,
		       const uint8_t *data, size_t size)
{
	char text[CERTIFICATE_TEXT_MAX];
	bool is_whole = name->text.left < sizeof(text) - 1;

	must(!name->text.left ||
	     (name->text.at >= data && name->text.at + name->text.left <= data + size));
	must(!name->is_address || name->text.left == 4 || name->text.left == 16);
	certificate_name_text(name, text);
	check_text(text);
	if (name->is_address)
		must(certificate_carries(certificate, text));
	else if (is_whole && text[0] >= 'a' && text[0] <= 'z' && !strpbrk(text, "?:"))
		must(certificate_carries(certificate, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct certificate certificate;
	int err = certificate_read(data, size, &certificate);

	must(err == 0 || err == -EBADMSG || err == -E2BIG);
	if (err)
		return 0;
	must(certificate.name_count <= CERTIFICATE_NAMES_MAX);
	check_text(certificate.issuer);
	check_text(certificate.subject);
	for (size_t i = 0; i < certificate.name_count; i++)
		check_name(&certificate, &certificate.names[i], data, size);
	must(!certificate_carries(&certificate, "a name that nobody has"));
	return 0;
}
