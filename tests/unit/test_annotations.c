// SPDX-License-Identifier: Apache-2.0
/* Annotations: what they set, and what is said about those that are wrong. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "model/annotations.h"
#include "unit/objects.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char message[GW_MESSAGE_MAX];

/* Filled with what no annotation would, so that what was written shows. */
static int setup(void **state)
{
	struct service *service = needed(calloc(1, sizeof(*service)));

	memset(&service->settings, 0x55, sizeof(service->settings));
	service->settings.policy = GW_POLICY_RR;
	*state = service;
	return 0;
}

static int teardown(void **state)
{
	service_free(*state);
	return 0;
}

static int set(struct service *service, const char *key, const char *value)
{
	strcpy(message, "untouched");
	return annotations_set(service, key, value, message, sizeof(message));
}

static void accept(struct service *service, const char *key, const char *value)
{
	assert_int_equal(set(service, key, value), 0);
	assert_string_equal(message, "untouched");
}

/* Refused, with this reason, and with nothing changed. */
static void refuse(struct service *service, const char *key, const char *value, const char *reason)
{
	struct service before = *service;
	char wanted[2 * GW_MESSAGE_MAX];

	assert_int_equal(set(service, key, value), -EINVAL);
	assert_memory_equal(&before, service, sizeof(before));
	snprintf(wanted, sizeof(wanted), "cannot use annotation '%s': %s", key, reason);
	assert_string_equal(message, wanted);
}

/* "'lc', 'rr', ..." */
static const char *all_policies(void)
{
	static char list[GW_MESSAGE_MAX];
	char *end = list;

	for (int policy = 0; policy < GW_POLICY_MAX_; policy++)
		end += sprintf(end, "%s'%s'", policy ? ", " : "",
			       policy_name((enum gw_policy)policy));
	return list;
}

static void test_every_policy_can_be_set_by_its_name(void **state)
{
	struct service *service = *state;

	for (int policy = 0; policy < GW_POLICY_MAX_; policy++) {
		accept(service, "gwbpf.io/policy", policy_name((enum gw_policy)policy));
		assert_int_equal(service->settings.policy, policy);
	}
}

static void test_a_policy_that_is_none_changes_nothing_and_lists_all(void **state)
{
	static const char *const refused[] = {"", "LC", "lc ", " lc", "l", "lcc", "rr,lc"};
	char reason[2 * GW_MESSAGE_MAX];

	for (size_t i = 0; i < COUNT(refused); i++) {
		snprintf(reason, sizeof(reason), "'%s' is none of %s", refused[i], all_policies());
		refuse(*state, "gwbpf.io/policy", refused[i], reason);
	}
}

static void test_schedulers_by_destination_are_refused_with_the_reason(void **state)
{
	static const char *const names[][2] = {{"dh", "sh"}, {"lblc", "wlc"}, {"lblcr", "wlc"}};
	char reason[GW_MESSAGE_MAX];

	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(reason, sizeof(reason),
			 "'%s' goes by the destination, which is one address here; use '%s'",
			 names[i][0], names[i][1]);
		refuse(*state, "gwbpf.io/policy", names[i][0], reason);
	}
}

struct duration {
	const char *text;
	uint32_t ms;
};

static void test_the_connect_timeout_goes_from_100_ms_to_10_min_or_is_off(void **state)
{
	static const struct duration good[] = {
		{"0", 0},      {"0s", 0},       {"100ms", 100},   {"3s", 3000},
		{"1m", 60000}, {"10m", 600000}, {"600s", 600000},
	};
	static const char *const bad[] = {"",    "3",  "99ms",     "1ms",  "601s",
					  "11m", "1h", "-1s",      "1.5s", "3 s",
					  "off", "3S", "600001ms", "3s,4s"};
	struct service *service = *state;
	char reason[GW_MESSAGE_MAX];

	for (size_t i = 0; i < COUNT(good); i++) {
		accept(service, "gwbpf.io/connect-timeout", good[i].text);
		assert_int_equal(service->settings.connect_timeout_ms, good[i].ms);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		snprintf(reason, sizeof(reason),
			 "'%s' is not a time from 100ms to 10m, or 0 for the kernel's own", bad[i]);
		refuse(service, "gwbpf.io/connect-timeout", bad[i], reason);
	}
}

static void test_the_dead_peer_timeout_goes_from_2_s_to_24_h_or_is_off(void **state)
{
	static const struct duration good[] = {
		{"0", 0}, {"2s", 2000}, {"2000ms", 2000}, {"30s", 30000}, {"24h", 86400000},
	};
	static const char *const bad[] = {"",           "30",  "1s",
					  "1999ms",     "25h", "86401s",
					  "86400001ms", "1d",  "99999999999999999999s"};
	struct service *service = *state;
	char reason[GW_MESSAGE_MAX];

	for (size_t i = 0; i < COUNT(good); i++) {
		accept(service, "gwbpf.io/dead-peer-timeout", good[i].text);
		assert_int_equal(service->settings.dead_peer_timeout_ms, good[i].ms);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		snprintf(reason, sizeof(reason),
			 "'%s' is not a time from 2s to 24h, or 0 to leave the sockets alone",
			 bad[i]);
		refuse(service, "gwbpf.io/dead-peer-timeout", bad[i], reason);
	}
}

static void test_rebalance_is_a_time_or_auto_or_off(void **state)
{
	static const struct duration good[] = {
		{"off", 0},   {"0", 0},        {"200ms", 200},
		{"3s", 3000}, {"1h", 3600000}, {"auto", GW_REBALANCE_AUTO},
	};
	static const char *const bad[] = {"", "on", "199ms", "61m", "Auto", "3"};
	struct service *service = *state;
	char reason[GW_MESSAGE_MAX];

	for (size_t i = 0; i < COUNT(good); i++) {
		accept(service, "gwbpf.io/rebalance", good[i].text);
		assert_int_equal(service->settings.rebalance_ms, good[i].ms);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		snprintf(reason, sizeof(reason),
			 "'%s' is not a time from 200ms to 1h, nor 'auto' or 'off'", bad[i]);
		refuse(service, "gwbpf.io/rebalance", bad[i], reason);
	}
}

static void test_the_drain_deadline_goes_from_1_s_to_24_h_or_is_none(void **state)
{
	static const struct duration good[] = {
		{"0", 0},
		{"1s", 1000},
		{"25s", 25000},
		{"24h", 86400000},
	};
	static const char *const bad[] = {"", "off", "999ms", "25h"};
	struct service *service = *state;
	char reason[GW_MESSAGE_MAX];

	for (size_t i = 0; i < COUNT(good); i++) {
		accept(service, "gwbpf.io/drain-deadline", good[i].text);
		assert_int_equal(service->settings.drain_deadline_ms, good[i].ms);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		snprintf(reason, sizeof(reason), "'%s' is not a time from 1s to 24h, or 0 for none",
			 bad[i]);
		refuse(service, "gwbpf.io/drain-deadline", bad[i], reason);
	}
}

struct ejection {
	const char *text;
	uint32_t base_ms;
	uint32_t max_ms;
	uint32_t keep_percent;
};

static void test_ejection_takes_any_of_its_parts_in_any_order(void **state)
{
	static const struct ejection cases[] = {
		{"time=10s,max=5m,keep=50%", 10000, 300000, 50},
		{"keep=0%,max=1h,time=100ms", 100, 3600000, 0},
		{"max=24h,time=1h", 3600000, 86400000, 50},
		{"time=5m", 300000, 300000, 50},
		{"time=30s,max=30s", 30000, 30000, 50},
		{"max=10s", 10000, 10000, 50},
		{"keep=100%", 10000, 300000, 100},
		{"off", 0, 300000, 50},
	};
	struct service *service = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		accept(service, "gwbpf.io/ejection", cases[i].text);
		assert_int_equal(service->settings.eject_base_ms, cases[i].base_ms);
		assert_int_equal(service->settings.eject_max_ms, cases[i].max_ms);
		assert_int_equal(service->settings.keep_percent, cases[i].keep_percent);
		assert_int_equal(service->settings.policy, GW_POLICY_RR);
		assert_int_equal(service->settings.connect_timeout_ms, 0x55555555);
	}
}

#define NO_PART(text) "'" text "' is neither 'time=', 'max=' nor 'keep=', nor 'off' alone"
#define NO_BASE(text) "'" text "' is not a time from 100ms to 1h"
#define NO_MAX(text) "'" text "' is not a time from 100ms to 24h"
#define NO_SHARE(text) "'" text "' is not a share from 0% to 100%"
#define TOO_SHORT "'max' (5m if not given) is less than 'time': give a longer one"

static void test_bad_ejection_is_refused_with_the_part(void **state)
{
	static const struct {
		const char *text;
		const char *reason;
	} cases[] = {
		{"", NO_PART("")},
		{"10s", NO_PART("10s")},
		{"OFF", NO_PART("OFF")},
		{"off,keep=50%", NO_PART("off")},
		{"time=10s,off", NO_PART("off")},
		{"time=10s,", NO_PART("")},
		{",time=10s", NO_PART("")},
		{"time=10s, max=5m", NO_PART(" max=5m")},
		{"time", NO_PART("time")},
		{"min=1s", NO_PART("min=1s")},
		{"time=", NO_BASE("")},
		{"time=0", NO_BASE("0")},
		{"time=99ms", NO_BASE("99ms")},
		{"time=61m", NO_BASE("61m")},
		{"max=0", NO_MAX("0")},
		{"max=25h", NO_MAX("25h")},
		{"keep=50", NO_SHARE("50")},
		{"keep=%", NO_SHARE("%")},
		{"keep=", NO_SHARE("")},
		{"keep=101%", NO_SHARE("101%")},
		{"keep=-1%", NO_SHARE("-1%")},
		{"keep=50%%", NO_SHARE("50%%")},
		{"time=1s,time=1s", "'time=1s' is there twice"},
		{"keep=1%,max=1m,keep=1%", "'keep=1%' is there twice"},
		{"time=10m", TOO_SHORT},
		{"max=9s", TOO_SHORT},
		{"time=2s,max=1s", TOO_SHORT},
		{"max=1s,time=2s", TOO_SHORT},
		{"keep=00000000000000000000000050%x",
		 "'keep=00000000000000000000000050%x' is too long for a time or a share"},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		refuse(*state, "gwbpf.io/ejection", cases[i].text, cases[i].reason);
}

static void test_weights_and_drain_become_weights_of_pods(void **state)
{
	struct service *service = *state;

	assert_int_equal(service_weight_of(service, "org1-peer1-0"), 1);
	accept(service, "gwbpf.io/weights", "org1-peer1=3,org1-peer2=2");
	accept(service, "gwbpf.io/drain", "org1-peer2,org1-peer4-0");
	assert_int_equal(service_weight_of(service, "org1-peer1-0"), 3);
	assert_int_equal(service_weight_of(service, "org1-peer2-0"), 0);
	assert_int_equal(service_weight_of(service, "org1-peer3-0"), 1);
	assert_int_equal(service_weight_of(service, "org1-peer4-0"), 0);
	assert_int_equal(service_weight_of(service, "org1-peer4-1"), 1);
	assert_int_equal(service_weight_of(service, ""), 1);
	refuse(service, "gwbpf.io/weights", "org1-peer1",
	       "'org1-peer1' is not POD=WEIGHT, the weight 0 to 65535");
	refuse(service, "gwbpf.io/drain", "org1-peer1=0",
	       "'org1-peer1=0' is neither a pod's name nor what comes before a '-' in one");
	accept(service, "gwbpf.io/drain", "");
	assert_int_equal(service_weight_of(service, "org1-peer2-0"), 2);
	accept(service, "gwbpf.io/weights", "");
	assert_int_equal(service_weight_of(service, "org1-peer2-0"), 1);
}

/* The longer weight does not win over the shorter drain. */
static void test_drain_wins_over_weights(void **state)
{
	struct service *service = *state;

	accept(service, "gwbpf.io/weights", "org1-peer1-0=3");
	accept(service, "gwbpf.io/drain", "org1");
	assert_int_equal(service_weight_of(service, "org1-peer1-0"), 0);
}

static const char *const keys[] =
	{"gwbpf.io/policy",          "gwbpf.io/weights",           "gwbpf.io/drain",
	 "gwbpf.io/connect-timeout", "gwbpf.io/dead-peer-timeout", "gwbpf.io/ejection",
	 "gwbpf.io/rebalance",       "gwbpf.io/drain-deadline",    "gwbpf.io/clients-except"};
static const char *const good_values[] = {"wlc",     "a=2", "b",   "1s",        "9s",
					  "time=1s", "3s",  "25s", "app in (a)"};
#define ORDERS 362880 /* of nine; each 101st is tried */

/* In each of the orders, with one of them refused: the others are as if there were none. */
static void set_in_order(unsigned int order, size_t refused, const struct service *wanted)
{
	struct service *service = needed(calloc(1, sizeof(*service)));
	size_t left[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};

	settings_init(&service->settings);
	for (size_t count = COUNT(left); count > 0; count--) {
		size_t at = order % count, which = left[at];

		order /= (unsigned int)count;
		left[at] = left[count - 1];
		assert_int_equal(set(service, keys[which],
				     which == refused ? "?" : good_values[which]),
				 which == refused ? -EINVAL : 0);
	}
	assert_true(settings_equal(&service->settings, &wanted->settings));
	assert_int_equal(service_weight_of(service, "a"), service_weight_of(wanted, "a"));
	assert_int_equal(service_weight_of(service, "b"), service_weight_of(wanted, "b"));
	assert_string_equal(selector_text(service->except), selector_text(wanted->except));
	service_free(service);
}

static void test_no_annotation_depends_on_another(void **state)
{
	(void)state;
	for (size_t refused = 0; refused <= COUNT(keys); refused++) {
		struct service *wanted = needed(calloc(1, sizeof(*wanted)));

		settings_init(&wanted->settings);
		for (size_t i = 0; i < COUNT(keys); i++) {
			if (i != refused)
				accept(wanted, keys[i], good_values[i]);
		}
		for (unsigned int order = 0; order < ORDERS; order += 101)
			set_in_order(order, refused, wanted);
		service_free(wanted);
	}
}

static void test_tls_names_are_kept_as_they_are_written(void **state)
{
	struct service *service = *state;
	static const char zeros[GW_TLS_NAMES_MAX];
	struct gw_tls *tls = &service->settings.tls;
	char long_list[GW_TLS_NAMES_MAX + 1];

	accept(service, "gwbpf.io/tls-names", "default,a.example.com");
	assert_string_equal(tls->names, "default,a.example.com");
	assert_memory_equal(tls->names + strlen(tls->names), zeros,
			    sizeof(tls->names) - strlen(tls->names));
	refuse(service, "gwbpf.io/tls-names", "a,*.b",
	       "'*.b' is what a certificate carries: give a name that a client dials, such as "
	       "'a.example.com'");
	memset(long_list, 'a', sizeof(long_list));
	for (size_t i = 60; i < sizeof(long_list); i += 60)
		long_list[i] = '.';
	long_list[GW_TLS_NAMES_MAX] = '\0';
	refuse(service, "gwbpf.io/tls-names", long_list,
	       "the list has more than 251 letters: give fewer names");
	long_list[GW_TLS_NAMES_MAX - 1] = '\0';
	accept(service, "gwbpf.io/tls-names", long_list);
	accept(service, "gwbpf.io/tls-names", "off");
	assert_memory_equal(tls->names, zeros, sizeof(tls->names));
}

static void test_tls_exclude_is_on_or_off(void **state)
{
	struct service *service = *state;

	accept(service, "gwbpf.io/tls-exclude", "off");
	assert_int_equal(service->settings.tls.excludes, 0);
	accept(service, "gwbpf.io/tls-exclude", "on");
	assert_int_equal(service->settings.tls.excludes, 1);
	refuse(service, "gwbpf.io/tls-exclude", "true", "'true' is neither 'on' nor 'off'");
}

static void test_an_unknown_key_is_told_with_those_that_are_known(void **state)
{
	static const char *const unknown[] = {"gwbpf.io/",        "gwbpf.io/Policy",
					      "gwbpf.io/policy ", "gwbpf.io/polic",
					      "gwbpf.io/policyx", "gwbpf.io/rebalanced"};
	struct service *service = *state;
	char wanted[GW_MESSAGE_MAX];

	for (size_t i = 0; i < COUNT(unknown); i++) {
		struct service before = *service;

		assert_int_equal(set(service, unknown[i], "lc"), -ENOENT);
		assert_memory_equal(&before, service, sizeof(before));
		snprintf(wanted, sizeof(wanted),
			 "cannot use annotation '%s': after 'gwbpf.io/' comes one of: ",
			 unknown[i]);
		assert_memory_equal(message, wanted, strlen(wanted));
		for (size_t k = 0; k < COUNT(keys); k++)
			assert_non_null(
				strstr(message + strlen(wanted), keys[k] + strlen("gwbpf.io/")));
	}
}

static void test_enabled_as_an_annotation_must_be_a_label(void **state)
{
	assert_int_equal(set(*state, "gwbpf.io/enabled", "true"), -ENOENT);
	assert_string_equal(message,
			    "cannot use annotation 'gwbpf.io/enabled': it must be a label");
}

/* Values may have 256 KiB; the remedy must still be in the message. */
static void test_the_remedy_survives_keys_and_values_of_any_length(void **state)
{
	static const char *const remedies[] = {"...' is none of ",
					       "...' is not POD=WEIGHT, the weight 0 to 65535",
					       "...' is neither a pod's name nor what comes before",
					       "...' is not a time from 100ms to 10m, or 0",
					       "...' is not a time from 2s to 24h, or 0",
					       "...' is too long for a time or a share",
					       "...' is not a time from 200ms to 1h",
					       "...' is not a time from 1s to 24h",
					       "it has 299999 bytes, and 1024 at most are read"};
	static char text[300000];

	memset(text, 'x', sizeof(text) - 1);
	for (size_t i = 0; i < COUNT(keys); i++) {
		assert_int_equal(set(*state, keys[i], text), -EINVAL);
		assert_non_null(strstr(message, remedies[i]));
	}
	assert_int_equal(set(*state, text, "lc"), -ENOENT);
	assert_non_null(strstr(message, "xxx...': after 'gwbpf.io/' comes one of: policy, "));
	assert_non_null(strstr(message, ", ejection"));
	assert_true(strlen(message) < GW_MESSAGE_MAX - 1);
}

static void test_a_long_value_is_cut_between_two_characters(void **state)
{
	char text[256] = "";

	for (size_t shift = 0; shift < 4; shift++) {
		json_t *whole;

		memset(text, 'x', shift);
		text[shift] = '\0';
		for (size_t i = 0; i < 40; i++)
			strcat(text, "\xf0\x9f\x90\x9d");
		assert_int_equal(set(*state, "gwbpf.io/policy", text), -EINVAL);
		whole = json_string(message); /* NULL unless it is UTF-8 */
		assert_non_null(whole);
		json_decref(whole);
		assert_non_null(strstr(message, "\x9d...' is none of"));
	}
}

static void test_a_small_message_buffer_is_not_overrun(void **state)
{
	char small[8] = "1234567";

	assert_int_equal(annotations_set(*state, "gwbpf.io/policy", "x", small, 5), -EINVAL);
	assert_string_equal(small, "cann");
	assert_int_equal(small[5], '6');
}

#define ANNOTATION_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ANNOTATION_TEST(test_every_policy_can_be_set_by_its_name),
		ANNOTATION_TEST(test_a_policy_that_is_none_changes_nothing_and_lists_all),
		ANNOTATION_TEST(test_schedulers_by_destination_are_refused_with_the_reason),
		ANNOTATION_TEST(test_the_connect_timeout_goes_from_100_ms_to_10_min_or_is_off),
		ANNOTATION_TEST(test_the_dead_peer_timeout_goes_from_2_s_to_24_h_or_is_off),
		ANNOTATION_TEST(test_rebalance_is_a_time_or_auto_or_off),
		ANNOTATION_TEST(test_the_drain_deadline_goes_from_1_s_to_24_h_or_is_none),
		ANNOTATION_TEST(test_ejection_takes_any_of_its_parts_in_any_order),
		ANNOTATION_TEST(test_bad_ejection_is_refused_with_the_part),
		ANNOTATION_TEST(test_weights_and_drain_become_weights_of_pods),
		ANNOTATION_TEST(test_drain_wins_over_weights),
		ANNOTATION_TEST(test_no_annotation_depends_on_another),
		ANNOTATION_TEST(test_tls_names_are_kept_as_they_are_written),
		ANNOTATION_TEST(test_tls_exclude_is_on_or_off),
		ANNOTATION_TEST(test_an_unknown_key_is_told_with_those_that_are_known),
		ANNOTATION_TEST(test_enabled_as_an_annotation_must_be_a_label),
		ANNOTATION_TEST(test_the_remedy_survives_keys_and_values_of_any_length),
		ANNOTATION_TEST(test_a_long_value_is_cut_between_two_characters),
		ANNOTATION_TEST(test_a_small_message_buffer_is_not_overrun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
