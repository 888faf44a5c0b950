// SPDX-License-Identifier: Apache-2.0
/* Credentials: from a kubeconfig, beside it, and from the service account of a pod. */
#include "source/kube/kubeconfig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define CLUSTERS                                                                                   \
	"apiVersion: v1\nkind: Config\ncurrent-context: here\n"                                    \
	"contexts:\n"                                                                              \
	"- {name: here, context: {cluster: c, user: u, namespace: fabric}}\n"                      \
	"- {name: there, context: {cluster: d, user: v}}\n"                                        \
	"- {name: nobody, context: {cluster: c}}\n"                                                \
	"- {name: broken, context: {cluster: absent, user: u}}\n"                                  \
	"- {name: stranger, context: {cluster: c, user: absent}}\n"                                \
	"clusters:\n"                                                                              \
	"- name: c\n  cluster:\n    server: https://10.0.0.1:6443/\n"                              \
	"    certificate-authority-data: Y2EgaW5saW5l\n"                                           \
	"- name: d\n  cluster:\n    server: https://there\n    certificate-authority: ca.pem\n"    \
	"    tls-server-name: kubernetes\n    proxy-url: http://proxy:3128\n"
#define USER(text) CLUSTERS "users:\n- name: u\n  user:\n" text "- name: v\n  user: {}\n"

struct place {
	char directory[64];
	char path[96];
	char message[KUBE_MESSAGE_MAX];
	struct kube_config config;
};

static void write_file(const struct place *place, const char *name, const char *text, size_t size)
{
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", place->directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	fclose(file);
}

static void write_text(const struct place *place, const char *name, const char *text)
{
	write_file(place, name, text, strlen(text));
}

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	strcpy(place->directory, "/tmp/gwbpf-kubeconfig-XXXXXX");
	assert_non_null(mkdtemp(place->directory));
	snprintf(place->path, sizeof(place->path), "%s/config", place->directory);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"config", "ca.pem", "token",      "ca.crt",
					    "cert",   "key",    "sub/config", "sub/token"};
	struct place *place = *state;
	char path[160];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", place->directory, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/sub", place->directory);
	rmdir(path);
	assert_int_equal(rmdir(place->directory), 0);
	kube_config_done(&place->config);
	free(place);
	return 0;
}

static int load(struct place *place, const char *text, const char *context)
{
	write_text(place, "config", text);
	kube_config_done(&place->config);
	return kubeconfig_load(place->path, context, place->message, &place->config);
}

static void assert_refused(struct place *place, const char *text, const char *message)
{
	char expected[KUBE_MESSAGE_MAX];

	assert_int_equal(load(place, text, NULL), -EINVAL);
	snprintf(expected, sizeof(expected), "cannot use '%s': %s", place->path, message);
	assert_string_equal(place->message, expected);
}

static void test_certificates_and_a_key_may_be_inline(void **state)
{
	struct place *place = *state;

	assert_int_equal(load(place,
			      USER("    client-certificate-data: Y2VydA==\n"
				   "    client-key-data: \"a2V5\\n\"\n"),
			      NULL),
			 0);
	assert_string_equal(place->config.server, "https://10.0.0.1:6443");
	assert_string_equal(place->config.ca.data, "ca inline");
	assert_int_equal(place->config.ca.size, 9);
	assert_string_equal(place->config.certificate.data, "cert");
	assert_string_equal(place->config.key.data, "key");
	assert_null(place->config.token.data);
	assert_false(place->config.insecure);
	assert_null(place->config.proxy);
}

static void test_certificates_and_a_key_may_be_files_beside_it(void **state)
{
	struct place *place = *state;
	char text[4096];

	write_text(place, "cert", "certificate\n");
	write_text(place, "key", "private\n");
	write_text(place, "ca.pem", "authority\n");
	snprintf(text, sizeof(text),
		 CLUSTERS "users:\n- name: v\n  user:\n    client-certificate: cert\n"
			  "    client-key: %s/key\n",
		 place->directory);
	assert_int_equal(load(place, text, "there"), 0);
	assert_string_equal(place->config.server, "https://there");
	assert_string_equal(place->config.server_name, "kubernetes");
	assert_string_equal(place->config.proxy, "http://proxy:3128");
	assert_string_equal(place->config.ca.data, "authority\n");
	assert_string_equal(place->config.certificate.data, "certificate\n");
	assert_string_equal(place->config.key.data, "private\n");
}

/* kubectl too says that one would override the other, and refuses the file. */
static void test_what_is_there_inline_and_as_a_file_is_refused(void **state)
{
	static const char pair[] = "    client-certificate-data: Y2VydA==\n"
				   "    client-key-data: a2V5\n";
	struct place *place = *state;
	char text[4096];

	write_text(place, "cert", "certificate\n");
	snprintf(text, sizeof(text), USER("%s    client-certificate: cert\n"), pair);
	assert_refused(place, text,
		       "it has both 'client-certificate-data' and "
		       "'client-certificate'; remove one of them");
	snprintf(text, sizeof(text), USER("%s    client-key: cert\n"), pair);
	assert_refused(place, text,
		       "it has both 'client-key-data' and 'client-key'; remove one "
		       "of them");
}

#define CLUSTER(text)                                                                              \
	"current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"              \
	"users: [{name: u, user: {token: abc}}]\nclusters:\n- name: c\n  cluster:\n" text

static void test_an_authority_and_no_verification_exclude_each_other(void **state)
{
	static const char *const authorities[] = {"certificate-authority-data: Y2E=",
						  "certificate-authority: ca.pem"};
	static const char *const none[] = {"certificate-authority-data: ''",
					   "certificate-authority: null"};
	struct place *place = *state;
	char text[1024];

	write_text(place, "ca.pem", "authority");
	for (size_t i = 0; i < 2; i++) {
		snprintf(text, sizeof(text),
			 CLUSTER("    server: https://h\n    %s\n"
				 "    insecure-skip-tls-verify: true\n"),
			 authorities[i]);
		assert_refused(place, text,
			       "its cluster 'c' has a certificate authority and "
			       "insecure-skip-tls-verify, which exclude each other; remove "
			       "insecure-skip-tls-verify");
		snprintf(text, sizeof(text),
			 CLUSTER("    server: https://h\n    %s\n"
				 "    insecure-skip-tls-verify: true\n"),
			 none[i]);
		assert_int_equal(load(place, text, NULL), 0);
		assert_true(place->config.insecure);
		assert_string_equal(place->config.token.data, "abc");
	}
}

static void test_no_verification_is_asked_for_in_words_of_yaml(void **state)
{
	static const struct {
		const char *word;
		int err;
		bool insecure;
	} cases[] = {
		{"true", 0, true},       {"yes", 0, true},      {"On", 0, true},
		{"false", 0, false},     {"no", 0, false},      {"null", 0, false},
		{"''", 0, false},        {"1", -EINVAL, false}, {"'true'", -EINVAL, false},
		{"[1]", -EINVAL, false},
	};
	struct place *place = *state;
	char text[1024];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("# %s\n", cases[i].word);
		snprintf(text, sizeof(text),
			 CLUSTER("    server: https://h\n"
				 "    insecure-skip-tls-verify: %s\n"),
			 cases[i].word);
		assert_int_equal(load(place, text, NULL), cases[i].err);
		assert_int_equal(place->config.insecure, cases[i].insecure);
	}
}

/* As kubectl: who reads along would have the token, too. */
static void test_no_credentials_go_where_there_is_no_tls(void **state)
{
	static const char *const servers[] = {"http://h:8080", "h:8080", "HTTP://h:8080/"};
	struct place *place = *state;
	char text[1024];

	for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++) {
		snprintf(text, sizeof(text), CLUSTER("    server: '%s'\n"), servers[i]);
		assert_int_equal(load(place, text, NULL), 0);
		assert_string_equal(place->config.server, "http://h:8080");
		assert_null(place->config.token.data);
		assert_non_null(strstr(place->config.warning, "user 'u' are not sent"));
	}
	assert_int_equal(load(place,
			      CLUSTER("    server: http://h\n"
				      "    certificate-authority-data: Y2E=\n"
				      "    insecure-skip-tls-verify: true\n"),
			      NULL),
			 0);
	assert_null(place->config.token.data);
	assert_int_equal(load(place,
			      CLUSTER("    server: http://h\n"
				      "    insecure-skip-tls-verify: true\n"),
			      NULL),
			 0);
	assert_string_equal(place->config.token.data, "abc");
	assert_non_null(strstr(place->config.warning, "without TLS"));
	assert_int_equal(load(place, CLUSTER("    server: HTTPS://h\n"), NULL), 0);
	assert_string_equal(place->config.server, "https://h");
	assert_null(place->config.warning);
}

static void test_a_proxy_is_used_as_kubectl_uses_it(void **state)
{
	static const char *const cases[][2] = {
		{"socks5://h:1", "socks5h://h:1"},
		{"SOCKS5://u:p@h:1", "socks5h://u:p@h:1"},
		{"http://h", "http://h:80"},
		{"http://u:p@h/", "http://u:p@h:80"},
		{"http://h:3128/", "http://h:3128"},
		{"http://[::1]", "http://[::1]:80"},
		{"http://[::1]:1", "http://[::1]:1"},
		{"https://h", "https://h"},
		{"h:3128", NULL},
		{"socks4://h", NULL},
		{"socks5h://h", NULL},
		{"http://", NULL},
		{"http:///x", NULL},
	};
	struct place *place = *state;
	char text[1024];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		print_message("# %s\n", cases[i][0]);
		snprintf(text, sizeof(text),
			 CLUSTER("    server: https://h\n"
				 "    proxy-url: '%s'\n"),
			 cases[i][0]);
		if (!cases[i][1]) {
			assert_refused(place, text,
				       "'proxy-url' must be a URL of a host that begins with "
				       "http://, https:// or socks5://");
			continue;
		}
		assert_int_equal(load(place, text, NULL), 0);
		assert_string_equal(place->config.proxy, cases[i][1]);
	}
}

static void test_what_is_empty_is_nothing(void **state)
{
	static const char *const texts[] = {
		"as-user-extra: {}",
		"as-groups: []",
		"as: ''",
		"as-uid: ''",
		"username: ''",
		"password: ''",
		"exec: null",
		"auth-provider: null",
		"client-certificate: ''",
		"client-certificate-data: ''",
		"tokenFile: ''",
		"client-key-data: Y2E=",
		"client-key: absent",
	};
	struct place *place = *state;
	char text[4096];

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		print_message("# %s\n", texts[i]);
		snprintf(text, sizeof(text), USER("    token: abc\n    %s\n"), texts[i]);
		assert_int_equal(load(place, text, NULL), 0);
		assert_string_equal(place->config.token.data, "abc");
		assert_null(place->config.key.data);
	}
	assert_int_equal(load(place, USER("    auth-provider: {}\n"), NULL), -EINVAL);
	assert_int_equal(load(place, USER("    exec: {}\n"), NULL), -EINVAL);
}

static void test_a_user_without_content_is_anonymous(void **state)
{
	static const char *const users[] = {"",
					    "users: []\n",
					    "users: null\n",
					    "users: [{name: u}]\n",
					    "users: [{name: u, user: null}]\n",
					    "users: [{name: v, user: {token: abc}}]\n"};
	struct place *place = *state;
	char text[4096];

	for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++) {
		snprintf(text, sizeof(text), CLUSTERS "%s", users[i]);
		assert_int_equal(load(place, text, NULL), 0);
		assert_null(place->config.token.data);
		assert_null(place->config.warning);
	}
	assert_refused(place, CLUSTERS "users: [{name: u, user: abc}]\n",
		       "the user 'u' is no object");
	assert_refused(place, CLUSTERS "users: [{name: u}, {name: u}]\n",
		       "'users' has 'u' twice; remove one of them");
}

static void test_what_yields_credentials_is_not_run_beside_some(void **state)
{
	struct place *place = *state;

	assert_int_equal(load(place, USER("    token: abc\n    exec: {command: aws}\n"), NULL), 0);
	assert_string_equal(place->config.token.data, "abc");
	assert_int_equal(load(place,
			      USER("    exec: {command: aws}\n"
				   "    client-certificate-data: Y2VydA==\n"
				   "    client-key-data: a2V5\n"),
			      NULL),
			 0);
	assert_int_equal(load(place,
			      USER("    exec: {command: aws}\n"
				   "    client-key-data: a2V5\n"),
			      NULL),
			 -EINVAL);
}

static void test_the_last_of_two_keys_and_the_first_of_two_documents_count(void **state)
{
	struct place *place = *state;

	assert_int_equal(load(place, USER("    token: abc\n    token: def\n") "---\na: b\n", NULL),
			 0);
	assert_string_equal(place->config.token.data, "def");
	assert_int_equal(load(place, USER("    token: abc\n") "---\n{ [\n", NULL), 0);
}

static void test_other_encodings_and_line_ends_are_read(void **state)
{
	static const char text[] = USER("    token: abc\n");
	struct place *place = *state;
	char wide[2 * sizeof(text) + 2] = "\xff\xfe", lines[2 * sizeof(text)], *to = lines;

	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		wide[2 + 2 * i] = text[i];
		if (text[i] == '\n')
			*to++ = '\r';
		*to++ = text[i];
	}
	write_file(place, "config", wide, 2 * sizeof(text));
	assert_int_equal(kubeconfig_load(place->path, NULL, place->message, &place->config), 0);
	assert_string_equal(place->config.token.data, "abc");
	write_file(place, "config", lines, (size_t)(to - lines));
	kube_config_done(&place->config);
	assert_int_equal(kubeconfig_load(place->path, NULL, place->message, &place->config), 0);
	assert_string_equal(place->config.token.data, "abc");
	assert_string_equal(place->config.server, "https://10.0.0.1:6443");
}

static void test_an_encrypted_key_is_refused(void **state)
{
	static const char *const keys[] = {
		"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMA==\n",
		"-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X\n\nMA==\n",
	};
	struct place *place = *state;

	write_text(place, "cert", "certificate");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		write_text(place, "key", keys[i]);
		assert_int_equal(load(place,
				      USER("    client-certificate: cert\n    client-key: key\n"),
				      NULL),
				 -EINVAL);
		assert_non_null(strstr(place->message, "encrypted"));
		assert_non_null(strstr(place->message, "openssl pkey"));
	}
}

/* What tools write that know no other form for bytes, and what people write to save writing. */
static void test_tags_and_aliases_are_read(void **state)
{
	struct place *place = *state;

	assert_int_equal(
		load(place,
		     "base: &base\n  server: https://there\n"
		     "  certificate-authority-data: !!binary |\n    WTJFZ2FX\n    NXNhVzVs\n"
		     "clusters: [{name: &name c, cluster: {<<: *base, server: !!str https://here}}]\n"
		     "users: [{name: *name, user: &user {token: !!str 0123}}, {name: d, user: *user}]\n"
		     "contexts: [{name: *name, context: {cluster: *name, user: d}}]\n"
		     "current-context: *name\n",
		     NULL),
		0);
	assert_string_equal(place->config.server, "https://here");
	assert_string_equal(place->config.ca.data, "ca inline");
	assert_string_equal(place->config.token.data, "0123");
}

static void test_a_token_may_be_inline_and_a_file_wins_over_it(void **state)
{
	struct place *place = *state;

	assert_int_equal(load(place, USER("    token: \"0123\"\n"), NULL), 0);
	assert_string_equal(place->config.token.data, "0123");
	write_text(place, "token", "from-file\n");
	assert_int_equal(load(place, USER("    token: abc\n    tokenFile: token\n"), NULL), 0);
	assert_string_equal(place->config.token.data, "from-file");
	assert_int_equal(place->config.token.size, 9);
	/* While it cannot be read, the other one is still good. */
	write_text(place, "token", " \n");
	assert_int_equal(load(place, USER("    token: abc\n    tokenFile: token\n"), NULL), 0);
	assert_string_equal(place->config.token.data, "abc");
	assert_int_equal(load(place, USER("    tokenFile: token\n"), NULL), -ENODATA);
	assert_non_null(strstr(place->message, "there is no token in it"));
	assert_int_equal(load(place, USER("    token: abc\n    tokenFile: absent\n"), NULL), 0);
	assert_string_equal(place->config.token.data, "abc");
}

static void test_a_file_that_is_replaced_is_read_anew(void **state)
{
	struct place *place = *state;

	write_text(place, "token", "one");
	assert_int_equal(load(place, USER("    tokenFile: token\n"), NULL), 0);
	write_text(place, "token", "two");
	kube_config_done(&place->config);
	assert_int_equal(kubeconfig_load(place->path, NULL, place->message, &place->config), 0);
	assert_string_equal(place->config.token.data, "two");
}

/* Load "config" and "sub/config", with others that are not there, as kubectl reads $KUBECONFIG. */
static int load_both(struct place *place, const char *first, const char *second,
		     const char *context)
{
	char list[512], sub[96];

	snprintf(sub, sizeof(sub), "%s/sub", place->directory);
	mkdir(sub, 0700);
	write_text(place, "config", first);
	write_text(place, "sub/config", second);
	kube_config_done(&place->config);
	snprintf(list, sizeof(list), ":%s/absent:%s::%s/config:", place->directory, place->path,
		 sub);
	return kubeconfig_load_list(list, context, place->message, &place->config);
}

#define ONE(context, server, token)                                                                \
	"current-context: " context "\n"                                                           \
	"contexts: [{name: " context ", context: {cluster: c, user: u}}]\n"                        \
	"clusters: [{name: c, cluster: {server: '" server "'}}]\n"                                 \
	"users: [{name: u, user: {" token "}}]\n"

static void test_of_several_files_the_first_that_says_something_counts(void **state)
{
	struct place *place = *state;

	assert_int_equal(load_both(place, ONE("a", "https://first", "token: one"),
				   ONE("b", "https://second", "token: two"), NULL),
			 0);
	assert_string_equal(place->config.server, "https://first");
	assert_string_equal(place->config.token.data, "one");
	/* The context is the second's, what it names is the first's. */
	assert_int_equal(load_both(place, ONE("a", "https://first", "token: one"),
				   ONE("b", "https://second", "token: two"), "b"),
			 0);
	assert_string_equal(place->config.server, "https://first");
	assert_int_equal(load_both(place,
				   "current-context: a\n"
				   "contexts: [{name: a, context: {cluster: d}}]\n"
				   "clusters: [{name: d, cluster: {server: 'https://d'}}]\n",
				   ONE("b", "https://second", "token: two"), NULL),
			 0);
	assert_string_equal(place->config.server, "https://d");
	/* An entry counts as a whole: nothing of the second's is added. */
	assert_int_equal(load_both(place, ONE("a", "https://first", ""),
				   ONE("b", "https://second", "token: two"), NULL),
			 0);
	assert_null(place->config.token.data);
}

static void test_what_one_file_lacks_another_has(void **state)
{
	struct place *place = *state;

	assert_int_equal(load_both(place, "current-context: b\nclusters: null\n",
				   ONE("b", "https://second", "token: two"), NULL),
			 0);
	assert_string_equal(place->config.server, "https://second");
	assert_int_equal(load_both(place,
				   "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
				   "users: [{name: u, user: {token: one}}]\n",
				   "current-context: x\n"
				   "clusters: [{name: c, cluster: {server: 'https://second'}}]\n",
				   NULL),
			 0);
	assert_string_equal(place->config.server, "https://second");
	assert_string_equal(place->config.token.data, "one");
	/* One that is empty says nothing. */
	assert_int_equal(load_both(place, "", ONE("b", "https://second", "token: two"), NULL), 0);
	assert_string_equal(place->config.server, "https://second");
}

static void test_paths_are_relative_to_the_file_that_says_them(void **state)
{
	struct place *place = *state;

	write_text(place, "token", "of the first");
	assert_int_equal(load_both(place, "current-context: b\n",
				   ONE("b", "https://second", "token: stale, tokenFile: token"),
				   NULL),
			 0);
	assert_string_equal(place->config.token.data, "stale");
	write_text(place, "sub/token", "beside-it");
	assert_int_equal(load_both(place, "current-context: b\n",
				   ONE("b", "https://second", "tokenFile: token"), NULL),
			 0);
	assert_string_equal(place->config.token.data, "beside-it");
}

static void test_what_is_wrong_with_one_of_several_files_is_told(void **state)
{
	struct place *place = *state;
	char expected[KUBE_MESSAGE_MAX];

	assert_int_equal(load_both(place, ONE("a", "https://first", "token: one"), "kind: Pod\n",
				   NULL),
			 -EINVAL);
	snprintf(expected, sizeof(expected),
		 "cannot use '%s/sub/config': it is no kubeconfig, but a 'Pod'", place->directory);
	assert_string_equal(place->message, expected);
	/* One name twice in one file is a mistake there. */
	assert_int_equal(load_both(place, "",
				   "current-context: b\ncontexts: [{name: b, context: "
				   "{cluster: c}}]\nclusters: [{name: c, cluster: {server: "
				   "'https://x'}}, {name: c, cluster: {server: 'https://y'}}]\n",
				   NULL),
			 -EINVAL);
	assert_non_null(strstr(place->message, "'clusters' has 'c' twice"));
	/* None is there. */
	assert_int_equal(kubeconfig_load_list("/absent/a:/absent/b", NULL, place->message,
					      &place->config),
			 -EINVAL);
	assert_string_equal(place->message, "cannot use '/absent/a:/absent/b': it has no "
					    "current-context; name one with --context");
}

static void test_a_context_without_a_user_is_anonymous(void **state)
{
	struct place *place = *state;

	assert_int_equal(load(place, USER("    token: abc\n"), "nobody"), 0);
	assert_null(place->config.token.data);
}

static void test_null_is_as_good_as_absent(void **state)
{
	struct place *place = *state;

	assert_int_equal(load(place,
			      USER("    token: abc\n    exec: null\n    client-key: ~\n"
				   "    client-certificate-data: \"\"\n"),
			      NULL),
			 0);
	assert_string_equal(place->config.token.data, "abc");
}

static void test_json_is_a_kubeconfig_too(void **state)
{
	struct place *place = *state;

	assert_int_equal(
		load(place,
		     "{\"current-context\":\"a\",\"contexts\":[{\"name\":\"a\",\"context\":"
		     "{\"cluster\":\"b\"}}],\"clusters\":[{\"name\":\"b\",\"cluster\":{"
		     "\"server\":\"http://127.0.0.1:8001\","
		     "\"insecure-skip-tls-verify\":true}}]}",
		     NULL),
		0);
	assert_string_equal(place->config.server, "http://127.0.0.1:8001");
	assert_true(place->config.insecure);
}

static void test_exec_is_refused_by_name_and_with_the_remedy(void **state)
{
	assert_refused(*state,
		       USER("    exec:\n      apiVersion: client.authentication.k8s.io/v1\n"
			    "      command: aws\n      args: [eks, get-token]\n"),
		       "its user 'u' runs a command for its credentials (exec: aws), which gwbpf "
		       "does not do; give it a token, a tokenFile or a client certificate, or run "
		       "in a pod with a service account");
}

static void test_what_would_act_as_somebody_else_is_refused_by_name(void **state)
{
	static const char *const texts[] = {
		USER("    auth-provider: {name: gcp}\n"),
		USER("    username: admin\n"),
		USER("    token: abc\n    password: x\n"),
		USER("    token: abc\n    as: root\n"),
		USER("    token: abc\n    as-groups: [system:masters]\n"),
	};
	static const char *const names[] = {"(auth-provider)", "(username)", "(password)", "(as)",
					    "(as-groups)"};
	struct place *place = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(load(place, texts[i], NULL), -EINVAL);
		assert_non_null(strstr(place->message, names[i]));
	}
}

static void test_what_is_missing_is_named(void **state)
{
	struct place *place = *state;

	assert_refused(place, "contexts: []\n",
		       "it has no current-context; name one with --context");
	assert_refused(place, "current-context: x\n", "it has no context 'x'");
	assert_refused(place, "just text\n", "it is no kubeconfig");
	assert_refused(place, "contexts: {\n", "line 2: did not find expected node content");
	assert_refused(place, USER("    token: 123\n"), "'token' is no text; put it in quotes");
	assert_refused(place, "kind: Pod\n", "it is no kubeconfig, but a 'Pod'");
	assert_int_equal(load(place, USER("    token: abc\n"), "broken"), -EINVAL);
	assert_non_null(strstr(place->message, "it has no cluster 'absent' with a server"));
	assert_int_equal(load(place, "", NULL), -ENODATA);
	assert_int_equal(kubeconfig_load("/absent/config", NULL, place->message, &place->config),
			 -ENOENT);
	assert_string_equal(place->message,
			    "cannot read '/absent/config': No such file or directory");
}

static void test_a_file_that_cannot_be_read_is_named(void **state)
{
	struct place *place = *state;
	char expected[256];

	assert_int_equal(load(place, USER("    tokenFile: token\n"), NULL), -ENOENT);
	snprintf(expected, sizeof(expected), "cannot read '%s/token': No such file or directory",
		 place->directory);
	assert_string_equal(place->message, expected);
	write_text(place, "token", "");
	assert_int_equal(load(place, USER("    tokenFile: token\n"), NULL), -ENODATA);
	assert_non_null(strstr(place->message, "/token': it is empty"));
}

static void test_half_a_client_certificate_is_refused(void **state)
{
	assert_refused(*state, USER("    client-certificate-data: Y2VydA==\n"),
		       "a client certificate and its key come together, and it has the "
		       "certificate only");
}

static void test_what_is_not_base64_is_refused(void **state)
{
	static const char *const bad[] = {"Y2Vyd", "Y2V*", "Y2VydA==x", "Y=2V", "===="};
	struct place *place = *state;
	struct kube_bytes bytes = {0};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_not_equal(kube_bytes_decode(bad[i], &bytes), 0);
	assert_null(bytes.data);
	assert_int_equal(kube_bytes_decode("Zm9v\nYmE=\n", &bytes), 0);
	assert_string_equal(bytes.data, "fooba");
	kube_bytes_done(&bytes);
	assert_refused(place, USER("    client-key-data: \"no!\"\n"),
		       "'client-key-data' is not "
		       "base64");
}

static void test_a_token_that_would_be_two_headers_is_refused_and_not_shown(void **state)
{
	struct place *place = *state;

	assert_int_equal(load(place, USER("    token: \"abc\\r\\nHost: secret\"\n"), NULL),
			 -EINVAL);
	assert_non_null(strstr(place->message, "at offset 3 it has a character that no token has"));
	assert_null(strstr(place->message, "secret"));
}

static void test_a_server_that_is_no_url_is_refused(void **state)
{
	struct place *place = *state;

	assert_int_equal(load(place,
			      "current-context: a\ncontexts: [{name: a, context: {cluster: b}}]\n"
			      "clusters: [{name: b, cluster: {server: 'file:///etc/passwd'}}]\n",
			      NULL),
			 -EINVAL);
	assert_non_null(strstr(place->message, "cannot use server 'file:///etc/passwd' of '"));
	assert_non_null(strstr(place->message, "it must begin with 'https://'"));
}

static void test_a_huge_file_and_a_directory_are_refused(void **state)
{
	struct place *place = *state;
	size_t size = KUBE_FILE_BYTES_MAX + 1;
	char *text = calloc(1, size);

	write_file(place, "config", text, size);
	assert_int_equal(kubeconfig_load(place->path, NULL, place->message, &place->config),
			 -EFBIG);
	assert_int_equal(kubeconfig_load(place->directory, NULL, place->message, &place->config),
			 -EINVAL);
	assert_non_null(strstr(place->message, "no regular file"));
	free(text);
}

static void test_a_pod_has_a_service_account(void **state)
{
	struct place *place = *state;

	setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	write_text(place, "token", "pod-token");
	write_text(place, "ca.crt", "authority");
	assert_int_equal(kube_config_load_in_cluster(place->directory, place->message,
						     &place->config),
			 0);
	assert_string_equal(place->config.server, "https://10.96.0.1:443");
	assert_string_equal(place->config.token.data, "pod-token");
	assert_string_equal(place->config.ca.data, "authority");
	kube_config_done(&place->config);
	setenv("KUBERNETES_SERVICE_HOST", "fd00:10:96::1", 1);
	assert_int_equal(kube_config_load_in_cluster(place->directory, place->message,
						     &place->config),
			 0);
	assert_string_equal(place->config.server, "https://[fd00:10:96::1]:443");
}

static void test_what_is_no_pod_is_told_of_kubeconfig(void **state)
{
	struct place *place = *state;

	unsetenv("KUBERNETES_SERVICE_HOST");
	assert_int_equal(kube_config_load_in_cluster(place->directory, place->message,
						     &place->config),
			 -EINVAL);
	assert_string_equal(
		place->message,
		"cannot find the API server: this is no pod (KUBERNETES_SERVICE_HOST is "
		"not set); give --kubeconfig");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_certificates_and_a_key_may_be_inline),
		TEST(test_certificates_and_a_key_may_be_files_beside_it),
		TEST(test_what_is_there_inline_and_as_a_file_is_refused),
		TEST(test_an_authority_and_no_verification_exclude_each_other),
		TEST(test_no_verification_is_asked_for_in_words_of_yaml),
		TEST(test_no_credentials_go_where_there_is_no_tls),
		TEST(test_a_proxy_is_used_as_kubectl_uses_it),
		TEST(test_what_is_empty_is_nothing),
		TEST(test_a_user_without_content_is_anonymous),
		TEST(test_what_yields_credentials_is_not_run_beside_some),
		TEST(test_the_last_of_two_keys_and_the_first_of_two_documents_count),
		TEST(test_other_encodings_and_line_ends_are_read),
		TEST(test_tags_and_aliases_are_read),
		TEST(test_an_encrypted_key_is_refused),
		TEST(test_a_token_may_be_inline_and_a_file_wins_over_it),
		TEST(test_a_file_that_is_replaced_is_read_anew),
		TEST(test_a_context_without_a_user_is_anonymous),
		TEST(test_null_is_as_good_as_absent),
		TEST(test_json_is_a_kubeconfig_too),
		TEST(test_of_several_files_the_first_that_says_something_counts),
		TEST(test_what_one_file_lacks_another_has),
		TEST(test_paths_are_relative_to_the_file_that_says_them),
		TEST(test_what_is_wrong_with_one_of_several_files_is_told),
		TEST(test_exec_is_refused_by_name_and_with_the_remedy),
		TEST(test_what_would_act_as_somebody_else_is_refused_by_name),
		TEST(test_what_is_missing_is_named),
		TEST(test_a_file_that_cannot_be_read_is_named),
		TEST(test_half_a_client_certificate_is_refused),
		TEST(test_what_is_not_base64_is_refused),
		TEST(test_a_token_that_would_be_two_headers_is_refused_and_not_shown),
		TEST(test_a_server_that_is_no_url_is_refused),
		TEST(test_a_huge_file_and_a_directory_are_refused),
		TEST(test_a_pod_has_a_service_account),
		TEST(test_what_is_no_pod_is_told_of_kubeconfig),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
