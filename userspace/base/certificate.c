// SPDX-License-Identifier: Apache-2.0
/* The frame of a certificate, its times, and where its names are. */
#include "base/certificate.h"

#include <errno.h>
#include <string.h>

#include "base/distinguished.h"

#define VERSION_3 2 /* as it is encoded */

/* GeneralName: the tags of those that Go reads, and of these the two that name a server. */
#define NAME_EMAIL (DER_CONTEXT | 1)
#define NAME_DNS (DER_CONTEXT | 2)
#define NAME_URI (DER_CONTEXT | 6)
#define NAME_ADDRESS (DER_CONTEXT | 7)

static const uint8_t oid_subject_alt_name[] = {0x55, 0x1d, 0x11};

static bool is_ascii(const struct der *text)
{
	for (size_t i = 0; i < text->left; i++)
		if (text->at[i] > 0x7f)
			return false;
	return true;
}

static int add_name(struct certificate *to, uint8_t tag, const struct der *text)
{
	if (tag == NAME_EMAIL || tag == NAME_URI)
		return is_ascii(text) ? 0 : -EBADMSG;
	if (tag != NAME_DNS && tag != NAME_ADDRESS)
		return 0;
	if (tag == NAME_DNS ? !is_ascii(text) : text->left != 4 && text->left != 16)
		return -EBADMSG;
	if (to->name_count == CERTIFICATE_NAMES_MAX)
		return -E2BIG;
	to->names[to->name_count++] =
		(struct certificate_name){.text = *text, .is_address = tag == NAME_ADDRESS};
	return 0;
}

static int read_names(struct certificate *to, struct der value)
{
	struct der names, text;
	uint8_t tag;
	int err = 0;

	if (!der_take(&value, DER_SEQUENCE, &names))
		return -EBADMSG;
	while (names.left && !err)
		err = der_next(&names, &tag, &text) ? add_name(to, tag, &text) : -EBADMSG;
	return err;
}

static bool read_extension(struct der *from, struct der *oid, struct der *value)
{
	struct der extension;

	return der_take(from, DER_SEQUENCE, &extension) && der_take(&extension, DER_OID, oid) &&
	       der_skip(&extension, DER_BOOLEAN) && der_take(&extension, DER_OCTET_STRING, value);
}

/* An extension that is there twice makes the whole certificate invalid. */
static int read_extensions(struct certificate *to, struct der list)
{
	struct der seen[CERTIFICATE_EXTENSIONS_MAX], value;
	size_t count = 0;
	int err = 0;

	while (list.left && !err) {
		if (count == CERTIFICATE_EXTENSIONS_MAX)
			return -E2BIG;
		if (!read_extension(&list, &seen[count], &value))
			return -EBADMSG;
		for (size_t i = 0; i < count; i++)
			if (der_equal(&seen[i], &seen[count]))
				return -EBADMSG;
		if (der_is(&seen[count], oid_subject_alt_name, sizeof(oid_subject_alt_name)))
			err = read_names(to, value);
		count++;
	}
	return err;
}

/* Absent it is the first; there are three. */
static bool read_version(struct der *tbs, uint8_t *ret)
{
	struct der wrapped, version;

	*ret = 0;
	if (!der_has(tbs, DER_CONTEXT | DER_CONSTRUCTED | 0))
		return true;
	if (!der_take(tbs, DER_CONTEXT | DER_CONSTRUCTED | 0, &wrapped) ||
	    !der_take(&wrapped, DER_INTEGER, &version) || version.left != 1)
		return false;
	*ret = version.at[0];
	return *ret <= VERSION_3;
}

static bool read_validity(struct certificate *to, struct der *tbs)
{
	struct der validity;

	return der_take(tbs, DER_SEQUENCE, &validity) &&
	       der_take_time(&validity, &to->not_before) &&
	       der_take_time(&validity, &to->not_after);
}

/* Up to where extensions may begin. */
static bool read_head(struct certificate *to, struct der *tbs, uint8_t *version,
		      struct der *algorithm)
{
	struct der serial, issuer, subject, key;

	if (!read_version(tbs, version) || !der_take(tbs, DER_INTEGER, &serial) ||
	    !der_is_natural(&serial) || !der_take(tbs, DER_SEQUENCE, algorithm) ||
	    !der_take(tbs, DER_SEQUENCE, &issuer) || !read_validity(to, tbs) ||
	    !der_take(tbs, DER_SEQUENCE, &subject) || !der_take(tbs, DER_SEQUENCE, &key))
		return false;
	return distinguished_text(issuer, to->issuer, sizeof(to->issuer)) &&
	       distinguished_text(subject, to->subject, sizeof(to->subject));
}

static int read_tail(struct certificate *to, struct der *tbs, uint8_t version)
{
	struct der wrapped, extensions;

	if (version && (!der_skip(tbs, DER_CONTEXT | 1) || !der_skip(tbs, DER_CONTEXT | 2)))
		return -EBADMSG;
	if (version != VERSION_3 || !der_has(tbs, DER_CONTEXT | DER_CONSTRUCTED | 3))
		return 0;
	if (!der_take(tbs, DER_CONTEXT | DER_CONSTRUCTED | 3, &wrapped) ||
	    !der_take(&wrapped, DER_SEQUENCE, &extensions))
		return -EBADMSG;
	return read_extensions(to, extensions);
}

int certificate_read(const void *bytes, size_t size, struct certificate *ret)
{
	struct der whole = {bytes, size}, certificate, tbs, algorithm, outer, signature;
	uint8_t version;
	int err;

	ret->name_count = 0;
	if (!der_take(&whole, DER_SEQUENCE, &certificate) || whole.left ||
	    !der_take(&certificate, DER_SEQUENCE, &tbs) ||
	    !read_head(ret, &tbs, &version, &algorithm))
		return -EBADMSG;
	if (!der_take(&certificate, DER_SEQUENCE, &outer) || !der_equal(&outer, &algorithm))
		return -EBADMSG;
	err = read_tail(ret, &tbs, version);
	if (err)
		return err;
	return der_take(&certificate, DER_BIT_STRING, &signature) ? 0 : -EBADMSG;
}

enum certificate_time certificate_time(const struct certificate *certificate, int64_t now)
{
	if (now < certificate->not_before)
		return CERTIFICATE_NOT_YET;
	return now > certificate->not_after ? CERTIFICATE_EXPIRED : CERTIFICATE_CURRENT;
}
