// SPDX-License-Identifier: Apache-2.0
/*
 * The annotations of a Service, one row of a table each. Messages quote what a stranger wrote, but
 * no more of it than leaves room for the remedy.
 */
#include "model/settings.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define EXCERPT_MAX 64
#define REASON_MAX 192

#define ENABLED_LABEL "gwbpf.io/enabled"

/* Lists for messages begin with ", ", which LIST() steps over. */
#define LIST(text) (&(text)[2])

static const char *const policy_names[] = {
#define POLICY_NAME(id, name, text) [GW_POLICY_##id] = name,
	GW_POLICIES(POLICY_NAME)
#undef POLICY_NAME
};

static const char policy_list[] =
#define POLICY_ITEM(id, name, text) ", '" name "'"
	GW_POLICIES(POLICY_ITEM);
#undef POLICY_ITEM

/* Schedulers of IPVS that choose by the destination, which is the same for every client here, and
 * what comes nearest to what they are taken for. */
static const struct {
	const char *name;
	enum gw_policy instead;
} destination_policies[] = {
	{ "dh", GW_POLICY_SH },
	{ "lblc", GW_POLICY_WLC },
	{ "lblcr", GW_POLICY_WLC },
};

/* As much of text as a message has room for, cut between two characters. Returns buf. */
static const char *excerpt(const char *text, char buf[EXCERPT_MAX])
{
	size_t length = strnlen(text, EXCERPT_MAX);

	if (length < EXCERPT_MAX) {
		memcpy(buf, text, length + 1);
		return buf;
	}
	length = EXCERPT_MAX - sizeof("...");
	while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	memcpy(buf, text, length);
	strcpy(buf + length, "...");
	return buf;
}

static void refuse_policy(const char *value, char reason[REASON_MAX])
{
	char quoted[EXCERPT_MAX];

	for (size_t i = 0; i < COUNT(destination_policies); i++) {
		if (strcmp(value, destination_policies[i].name) != 0)
			continue;
		snprintf(reason, REASON_MAX,
			 "'%s' goes by the destination, which is one address here; use '%s'", value,
			 policy_names[destination_policies[i].instead]);
		return;
	}
	snprintf(reason, REASON_MAX, "'%s' is none of %s", excerpt(value, quoted),
		 LIST(policy_list));
}

static int set_policy(struct settings *settings, const char *value, char reason[REASON_MAX])
{
	for (size_t i = 0; i < COUNT(policy_names); i++) {
		if (strcmp(value, policy_names[i]) == 0) {
			settings->policy = (enum gw_policy)i;
			return 0;
		}
	}
	refuse_policy(value, reason);
	return -EINVAL;
}

/* Every annotation: its key, and what reads its value. */
#define ANNOTATIONS(X) X("gwbpf.io/policy", set_policy)

static const struct {
	const char *key;
	int (*set)(struct settings *settings, const char *value, char reason[REASON_MAX]);
} annotations[] = {
#define ANNOTATION_ROW(key, set) { key, set },
	ANNOTATIONS(ANNOTATION_ROW)
#undef ANNOTATION_ROW
};

static const char annotation_list[] =
#define ANNOTATION_ITEM(key, set) ", '" key "'"
	ANNOTATIONS(ANNOTATION_ITEM);
#undef ANNOTATION_ITEM

void settings_init(struct settings *settings)
{
	*settings = (struct settings){
		.policy = GW_POLICY_LC,
		.connect_timeout_ms = 3000,
		.dead_peer_timeout_ms = 30000,
		.eject_base_ms = 10000,
		.eject_max_ms = 300000,
		.keep_percent = 50,
	};
}

static int set_value(struct settings *settings, const char *key, const char *value,
		     char reason[REASON_MAX])
{
	for (size_t i = 0; i < COUNT(annotations); i++) {
		if (strcmp(key, annotations[i].key) == 0)
			return annotations[i].set(settings, value, reason);
	}
	if (strcmp(key, ENABLED_LABEL) == 0)
		snprintf(reason, REASON_MAX, "it must be a label");
	else
		snprintf(reason, REASON_MAX, "it is none of %s", LIST(annotation_list));
	return -ENOENT;
}

int settings_set(struct settings *settings, const char *key, const char *value, char *message,
		 size_t size)
{
	char reason[REASON_MAX];
	char quoted[EXCERPT_MAX];
	int err;

	err = set_value(settings, key, value, reason);
	if (err)
		snprintf(message, size, "cannot use annotation '%s': %s", excerpt(key, quoted),
			 reason);
	return err;
}

bool settings_equal(const struct settings *a, const struct settings *b)
{
	return a->policy == b->policy && a->connect_timeout_ms == b->connect_timeout_ms &&
	       a->dead_peer_timeout_ms == b->dead_peer_timeout_ms &&
	       a->eject_base_ms == b->eject_base_ms && a->eject_max_ms == b->eject_max_ms &&
	       a->keep_percent == b->keep_percent;
}

const char *policy_name(enum gw_policy policy)
{
	return policy_names[policy];
}
