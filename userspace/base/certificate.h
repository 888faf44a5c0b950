/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a certificate (X.509, RFC 5280) says of the server that shows it: its names, until when it is
 * valid, who issued it. Nobody's signature is verified. The bytes may be anybody's: reading
 * allocates nothing and takes a time that grows with their number alone.
 *
 * Names are read and compared as Go's crypto/x509 does, because what connects to a peer of Fabric
 * is mostly Go, and what Go refuses ends there. What Go refuses beyond names, times and the frame
 * around them (a key, another extension) is not looked at.
 */
#ifndef GWBPF_BASE_CERTIFICATE_H
#define GWBPF_BASE_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/der.h"

#define CERTIFICATE_NAMES_MAX 256
#define CERTIFICATE_EXTENSIONS_MAX 128
#define CERTIFICATE_TEXT_MAX 256

struct certificate_name {
	struct der text; /* of a dNSName: any ASCII, NUL too; of an iPAddress: 4 or 16 bytes */
	bool is_address;
};

/* Names point into the bytes that were read. */
struct certificate {
	struct certificate_name names[CERTIFICATE_NAMES_MAX];
	size_t name_count;
	int64_t not_before; /* seconds since 1970, both still within */
	int64_t not_after;
	/* "CN=ca.org1.example.com,O=org1", as RFC 4514 writes it, cut to its place. UTF-8; a stranger
	 * chose it, so control characters may be in it. */
	char issuer[CERTIFICATE_TEXT_MAX];
	char subject[CERTIFICATE_TEXT_MAX];
};

/*
 * Read one certificate, and nothing behind it. -EBADMSG: it is none, or one that Go refuses for its
 * names; -E2BIG: it has more names or more extensions than are looked at, so nothing is known.
 */
int certificate_read(const void *bytes, size_t size, struct certificate *ret);

/*
 * Whether Go would take the certificate for a server that was dialled by this name. The common name
 * does not count. An IP address, also in brackets, is looked for among addresses alone.
 */
bool certificate_carries(const struct certificate *certificate, const char *name);

/* Whether a client can dial it: an IP address, also in brackets, or a host name. */
bool certificate_is_name(const char *name);

enum certificate_time {
	CERTIFICATE_CURRENT,
	CERTIFICATE_NOT_YET,
	CERTIFICATE_EXPIRED,
};

enum certificate_time certificate_time(const struct certificate *certificate, int64_t now);

/* A name as text: an address as such, and "?" for each byte of a dNSName that is not printable
 * ASCII. Returns buf. */
const char *certificate_name_text(const struct certificate_name *name,
				  char buf[CERTIFICATE_TEXT_MAX]);

#endif
