// SPDX-License-Identifier: Apache-2.0
#include "model/tls_names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/certificate.h"
#include "base/fnv.h"
#include "base/text.h"

#define DEFAULT_COUNT 4 /* names that it stands for */

bool tls_names_has(const struct tls_names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (!strcmp(names->text[i], name))
			return true;
	return false;
}

static int refuse(const char *name, const char *why, char reason[WEIGHTS_REASON_MAX])
{
	char quoted[TEXT_EXCERPT_MAX];

	snprintf(reason, WEIGHTS_REASON_MAX, "'%s' %s", text_excerpt(name, quoted), why);
	return -EINVAL;
}

/* How many names there will be once "default" is replaced. */
static size_t expanded_count(const struct tls_names *names)
{
	return names->count + (tls_names_has(names, TLS_NAMES_DEFAULT) ? DEFAULT_COUNT - 1 : 0);
}

static int add(struct tls_names *to, const char *name, char reason[WEIGHTS_REASON_MAX])
{
	if (!certificate_is_name(name))
		return refuse(name,
			      strchr(name, '*')
				      ? "is what a certificate carries: give a name that a "
					"client dials, such as 'a.example.com'"
				      : "is neither a host name nor an IP address: give a "
					"list such as 'default,a.example.com'",
			      reason);
	if (tls_names_has(to, name))
		return refuse(name, "is there twice", reason);
	if (to->count < TLS_NAMES_MAX)
		snprintf(to->text[to->count++], TLS_NAME_MAX, "%s", name);
	if (expanded_count(to) <= TLS_NAMES_MAX && tls_names_has(to, name))
		return 0;
	snprintf(reason, WEIGHTS_REASON_MAX,
		 "there are more than %d names ('" TLS_NAMES_DEFAULT "' counts as %d): give fewer",
		 TLS_NAMES_MAX, DEFAULT_COUNT);
	return -EINVAL;
}

int tls_names_parse(const char *value, struct tls_names *ret, char reason[WEIGHTS_REASON_MAX])
{
	struct tls_names names = {.count = 0};
	char name[TLS_NAME_MAX];
	size_t length;
	int err;

	for (;; value += length + 1) {
		length = strcspn(value, ",");
		if (length >= sizeof(name))
			return refuse(value, "has more than the 253 letters of a host name",
				      reason);
		memcpy(name, value, length);
		name[length] = '\0';
		err = add(&names, name, reason);
		if (err)
			return err;
		if (!value[length])
			break;
	}
	*ret = names;
	return 0;
}

static void add_new(struct tls_names *to, const char *name)
{
	if (to->count < TLS_NAMES_MAX && !tls_names_has(to, name))
		snprintf(to->text[to->count++], TLS_NAME_MAX, "%s", name);
}

void tls_names_expand(const struct tls_names *names, const char *namespace, const char *service,
		      struct tls_names *ret)
{
	static const char *const domains[DEFAULT_COUNT - 1] = {"", ".svc", ".svc.cluster.local"};
	char name[TLS_NAME_MAX];

	ret->count = 0;
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->text[i], TLS_NAMES_DEFAULT) != 0) {
			add_new(ret, names->text[i]);
			continue;
		}
		add_new(ret, service);
		for (size_t j = 0; j < DEFAULT_COUNT - 1; j++) {
			snprintf(name, sizeof(name), "%.63s.%.63s%s", service, namespace,
				 domains[j]);
			add_new(ret, name);
		}
	}
}

uint32_t tls_names_fingerprint(const char *value)
{
	return fnv_text(value);
}
