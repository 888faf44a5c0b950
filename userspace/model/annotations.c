// SPDX-License-Identifier: Apache-2.0
/*
 * The annotations of a Service, one row of a table each. Messages quote what a stranger wrote, but
 * no more of it than leaves room for the remedy.
 */
#include "model/annotations.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/text.h"
#include "model/tls_names.h"
#include "model/check_setting.h"
#include "model/selector.h"
#include "model/weights.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define REASON_MAX WEIGHTS_REASON_MAX
#define PART_MAX 32 /* of the ejection annotation */
#define KEY_MAX 40  /* of one that is quoted: the names of all that are known follow */

_Static_assert(SELECTOR_REASON_MAX == REASON_MAX, "a reason goes through");

#define ENABLED_LABEL "gwbpf.io/enabled"

/* Lists for messages begin with ", ", which LIST() steps over. */
#define LIST(text) (&(text)[2])

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
	{"dh", GW_POLICY_SH},
	{"lblc", GW_POLICY_WLC},
	{"lblcr", GW_POLICY_WLC},
};

static void refuse_policy(const char *value, char reason[REASON_MAX])
{
	char quoted[TEXT_EXCERPT_MAX];

	for (size_t i = 0; i < COUNT(destination_policies); i++) {
		if (strcmp(value, destination_policies[i].name) != 0)
			continue;
		snprintf(reason, REASON_MAX,
			 "'%s' goes by the destination, which is one address here; use '%s'", value,
			 policy_name(destination_policies[i].instead));
		return;
	}
	snprintf(reason, REASON_MAX, "'%s' is none of %s", text_excerpt(value, quoted),
		 LIST(policy_list));
}

static int set_policy(struct service *service, const char *value, char reason[REASON_MAX])
{
	if (policy_parse(value, &service->settings.policy))
		return 0;
	refuse_policy(value, reason);
	return -EINVAL;
}

#define SECOND_MS 1000u
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)

struct time_rule {
	uint32_t min_ms;
	uint32_t max_ms;
	bool can_be_off; /* by 0 */
	const char *text;
};

static const struct time_rule connect_rule = {100, 10 * MINUTE_MS, true,
					      "from 100ms to 10m, or 0 for the kernel's own"};
static const struct time_rule dead_peer_rule = {2 * SECOND_MS, 24 * HOUR_MS, true,
						"from 2s to 24h, or 0 to leave the sockets alone"};
static const struct time_rule rebalance_rule = {200, HOUR_MS, true,
						"from 200ms to 1h, nor 'auto' or 'off'"};
static const struct time_rule drain_deadline_rule = {SECOND_MS, 24 * HOUR_MS, true,
						     "from 1s to 24h, or 0 for none"};
static const struct time_rule eject_base_rule = {100, HOUR_MS, false, "from 100ms to 1h"};
static const struct time_rule eject_max_rule = {100, 24 * HOUR_MS, false, "from 100ms to 24h"};

static int read_time(const char *value, const struct time_rule *rule, uint32_t *ret,
		     char reason[REASON_MAX])
{
	char quoted[TEXT_EXCERPT_MAX];
	uint32_t ms;
	bool is_good = !parse_duration_ms(value, &ms);

	is_good = is_good &&
		  ((ms == 0 && rule->can_be_off) || (ms >= rule->min_ms && ms <= rule->max_ms));
	if (!is_good) {
		snprintf(reason, REASON_MAX, "'%s' is not a time %s", text_excerpt(value, quoted),
			 rule->text);
		return -EINVAL;
	}
	*ret = ms;
	return 0;
}

static int set_connect_timeout(struct service *service, const char *value, char reason[REASON_MAX])
{
	return read_time(value, &connect_rule, &service->settings.connect_timeout_ms, reason);
}

static int set_dead_peer_timeout(struct service *service, const char *value,
				 char reason[REASON_MAX])
{
	return read_time(value, &dead_peer_rule, &service->settings.dead_peer_timeout_ms, reason);
}

static int set_rebalance(struct service *service, const char *value, char reason[REASON_MAX])
{
	if (!strcmp(value, "auto"))
		service->settings.rebalance_ms = GW_REBALANCE_AUTO;
	else if (!strcmp(value, "off"))
		service->settings.rebalance_ms = 0;
	else
		return read_time(value, &rebalance_rule, &service->settings.rebalance_ms, reason);
	return 0;
}

static int set_drain_deadline(struct service *service, const char *value, char reason[REASON_MAX])
{
	return read_time(value, &drain_deadline_rule, &service->settings.drain_deadline_ms, reason);
}

static int read_eject_base(struct settings *settings, const char *value, char reason[REASON_MAX])
{
	return read_time(value, &eject_base_rule, &settings->eject_base_ms, reason);
}

static int read_eject_max(struct settings *settings, const char *value, char reason[REASON_MAX])
{
	return read_time(value, &eject_max_rule, &settings->eject_max_ms, reason);
}

static int read_keep(struct settings *settings, const char *value, char reason[REASON_MAX])
{
	char digits[PART_MAX];
	size_t length = strlen(value);

	snprintf(digits, sizeof(digits), "%s", value);
	if (length == 0 || value[length - 1] != '%')
		goto refuse;
	digits[length - 1] = '\0';
	if (parse_u32(digits, 0, 100, &settings->keep_percent))
		goto refuse;
	return 0;
refuse:
	snprintf(reason, REASON_MAX, "'%s' is not a share from 0%% to 100%%", value);
	return -EINVAL;
}

/* The parts of the ejection annotation, in any order. */
static const struct {
	const char *name;
	int (*read)(struct settings *settings, const char *value, char reason[REASON_MAX]);
} eject_parts[] = {
	{"time=", read_eject_base},
	{"max=", read_eject_max},
	{"keep=", read_keep},
};

static int refuse_part(const char *part, const char *why, char reason[REASON_MAX])
{
	char quoted[TEXT_EXCERPT_MAX];

	snprintf(reason, REASON_MAX, "'%s' %s", text_excerpt(part, quoted), why);
	return -EINVAL;
}

/* seen has a bit for each part that was there before. */
static int read_part(struct settings *settings, const char *part, unsigned int *seen,
		     char reason[REASON_MAX])
{
	for (size_t i = 0; i < COUNT(eject_parts); i++) {
		size_t name_length = strlen(eject_parts[i].name);

		if (strncmp(part, eject_parts[i].name, name_length) != 0)
			continue;
		if (*seen & 1u << i)
			return refuse_part(part, "is there twice", reason);
		*seen |= 1u << i;
		return eject_parts[i].read(settings, part + name_length, reason);
	}
	return refuse_part(part, "is neither 'time=', 'max=' nor 'keep=', nor 'off' alone", reason);
}

static int read_parts(struct settings *settings, const char *value, char reason[REASON_MAX])
{
	char part[PART_MAX];
	unsigned int seen = 0;
	size_t length;
	int err;

	for (;;) {
		length = strcspn(value, ",");
		if (length >= sizeof(part))
			return refuse_part(value, "is too long for a time or a share", reason);
		memcpy(part, value, length);
		part[length] = '\0';
		err = read_part(settings, part, &seen, reason);
		if (err || value[length] == '\0')
			return err;
		value += length + 1;
	}
}

static int set_ejection(struct service *service, const char *value, char reason[REASON_MAX])
{
	struct settings *settings = &service->settings;
	struct settings parsed;
	int err;

	settings_init(&parsed);
	if (strcmp(value, "off") == 0) {
		parsed.eject_base_ms = 0;
	} else {
		err = read_parts(&parsed, value, reason);
		if (err)
			return err;
	}
	if (parsed.eject_max_ms < parsed.eject_base_ms) {
		snprintf(reason, REASON_MAX,
			 "'max' (5m if not given) is less than 'time': give a longer one");
		return -EINVAL;
	}
	settings->eject_base_ms = parsed.eject_base_ms;
	settings->eject_max_ms = parsed.eject_max_ms;
	settings->keep_percent = parsed.keep_percent;
	return 0;
}

static int set_weights(struct service *service, const char *value, char reason[REASON_MAX])
{
	struct weights *weights;
	int err = weights_parse(value, &weights, reason);

	if (err)
		return err;
	free(service->weights);
	service->weights = weights;
	return 0;
}

static int set_drain(struct service *service, const char *value, char reason[REASON_MAX])
{
	struct weights *drain;
	int err = weights_parse_names(value, &drain, reason);

	if (err)
		return err;
	free(service->drain);
	service->drain = drain;
	return 0;
}

static int set_tls_names(struct service *service, const char *value, char reason[REASON_MAX])
{
	struct gw_tls *tls = &service->settings.tls;
	struct tls_names names;

	if (strlen(value) >= sizeof(tls->names)) {
		snprintf(reason, REASON_MAX, "the list has more than %zu letters: give fewer names",
			 sizeof(tls->names) - 1);
		return -EINVAL;
	}
	if (strcmp(value, "off") != 0 && tls_names_parse(value, &names, reason))
		return -EINVAL;
	memset(tls->names, 0, sizeof(tls->names));
	if (strcmp(value, "off") != 0)
		memcpy(tls->names, value, strlen(value));
	return 0;
}

static int set_tls_exclude(struct service *service, const char *value, char reason[REASON_MAX])
{
	char quoted[TEXT_EXCERPT_MAX];

	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0) {
		snprintf(reason, REASON_MAX, "'%s' is neither 'on' nor 'off'",
			 text_excerpt(value, quoted));
		return -EINVAL;
	}
	service->settings.tls.excludes = !strcmp(value, "on");
	return 0;
}

static int set_check(struct service *service, const char *value, char reason[REASON_MAX])
{
	_Static_assert(CHECK_SETTING_REASON_MAX <= REASON_MAX, "it is written there");
	return check_setting_parse(value, &service->settings.check, reason);
}

static int set_on_down(struct service *service, const char *value, char reason[REASON_MAX])
{
	char quoted[TEXT_EXCERPT_MAX];

	if (strcmp(value, "keep") != 0 && strcmp(value, "move") != 0) {
		snprintf(reason, REASON_MAX, "'%s' is neither 'keep' nor 'move'",
			 text_excerpt(value, quoted));
		return -EINVAL;
	}
	service->settings.moves_down = !strcmp(value, "move");
	return 0;
}

static int set_clients_except(struct service *service, const char *value, char reason[REASON_MAX])
{
	struct selector *except;
	int err = selector_parse(value, &except, reason);

	if (err)
		return err;
	free(service->except);
	service->except = except;
	return 0;
}

/* Every annotation: its key, after the prefix, and what reads its value. */
#define PREFIX "gwbpf.io/"
#define ANNOTATIONS(X)                                                                             \
	X("policy", set_policy)                                                                    \
	X("weights", set_weights)                                                                  \
	X("drain", set_drain)                                                                      \
	X("drain-deadline", set_drain_deadline)                                                    \
	X("rebalance", set_rebalance)                                                              \
	X("connect-timeout", set_connect_timeout)                                                  \
	X("dead-peer-timeout", set_dead_peer_timeout)                                              \
	X("ejection", set_ejection)                                                                \
	X("tls-names", set_tls_names)                                                              \
	X("tls-exclude", set_tls_exclude)                                                          \
	X("check", set_check)                                                                      \
	X("on-down", set_on_down)                                                                  \
	X("clients-except", set_clients_except)

static const struct {
	const char *key;
	int (*set)(struct service *service, const char *value, char reason[REASON_MAX]);
} annotations[] = {
#define ANNOTATION_ROW(key, set) {PREFIX key, set},
	ANNOTATIONS(ANNOTATION_ROW)
#undef ANNOTATION_ROW
};

_Static_assert(COUNT(annotations) <= 32, "struct service has a bit for each");

static const char annotation_list[] =
#define ANNOTATION_ITEM(key, set) ", " key
	ANNOTATIONS(ANNOTATION_ITEM);
#undef ANNOTATION_ITEM

static int set_value(struct service *service, const char *key, const char *value,
		     char reason[REASON_MAX])
{
	for (size_t i = 0; i < COUNT(annotations); i++) {
		int err;

		if (strcmp(key, annotations[i].key) != 0)
			continue;
		err = annotations[i].set(service, value, reason);
		if (!err)
			service->annotated |= 1u << i;
		return err;
	}
	if (strcmp(key, ENABLED_LABEL) == 0)
		snprintf(reason, REASON_MAX, "it must be a label");
	else
		snprintf(reason, REASON_MAX, "after '" PREFIX "' comes one of: %s",
			 LIST(annotation_list));
	return -ENOENT;
}

int annotations_set(struct service *service, const char *key, const char *value, char *message,
		    size_t size)
{
	char reason[REASON_MAX];
	char quoted[KEY_MAX];
	int err;

	err = set_value(service, key, value, reason);
	if (err == -ENOENT || err == -EINVAL)
		snprintf(message, size, "cannot use annotation '%s': %s",
			 text_cut(key, quoted, sizeof(quoted)), reason);
	return err;
}

const char *annotations_key(size_t number)
{
	return number < COUNT(annotations) ? annotations[number].key : NULL;
}

bool annotations_has(const struct service *service, size_t number)
{
	return service->annotated >> number & 1;
}
