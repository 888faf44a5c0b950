/* SPDX-License-Identifier: Apache-2.0 */
/* The name of an issuer or a subject as text. */
#ifndef GWBPF_BASE_DISTINGUISHED_H
#define GWBPF_BASE_DISTINGUISHED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/der.h"

/*
 * The content of a Name as RFC 4514 writes it, the last part first: "CN=ca,O=org1". What does not
 * fit is cut between two characters. Text that is no UTF-8, or of a kind that is rare, is written
 * as "#" and its bytes. false if it is no Name.
 */
bool distinguished_text(struct der name, char *buf, size_t size);

#endif
