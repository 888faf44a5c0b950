// SPDX-License-Identifier: Apache-2.0
/*
 * A kubeconfig, by the rules of kubectl (kubernetes/client-go/tools/clientcmd: validation.go,
 * client_config.go): what that takes is taken, what that refuses is refused. What it can ask for and
 * gwbpf does not do is refused by name: to leave it out would be to act as somebody else.
 */
#include "source/kube/kubeconfig.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "base/parse.h"
#include "source/encoding.h"
#include "source/yaml.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* What may stand in the file itself, in base64, or in another one. */
struct credential {
	const char *file_key;
	const char *inline_key;
};

static const struct credential authority = {"certificate-authority", "certificate-authority-data"};
static const struct credential certificate = {"client-certificate", "client-certificate-data"};
static const struct credential private_key = {"client-key", "client-key-data"};

static const struct {
	const char *key;
	const char *what;
	bool is_secret; /* not sent without TLS, so of no matter there */
} refused_user_keys[] = {
	{"auth-provider", "needs a plug-in for its credentials", true},
	{"username", "signs in with a password", true},
	{"password", "signs in with a password", true},
	{"as", "impersonates somebody else", false},
	{"as-uid", "impersonates somebody else", false},
	{"as-groups", "impersonates somebody else", false},
	{"as-user-extra", "impersonates somebody else", false},
};

struct reader {
	const char *path;
	char *directory;     /* that path lies in */
	const char *context; /* NULL: the current one */
	char *message;
	struct kube_config *config;
	json_t *merged; /* what several files say; NULL: there is one alone */
	bool done;      /* the file's first document is read */
};

/* Every refusal of the file as such: "cannot use 'path': ..." */
static __attribute__((format(printf, 2, 3))) int refuse(const struct reader *reader,
							const char *format, ...)
{
	char text[KUBE_MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return kube_config_fail(reader->message, -EINVAL, "cannot use '%.256s': %.700s",
				reader->path, text);
}

static int out_of_memory(const struct reader *reader)
{
	return kube_config_fail(reader->message, -ENOMEM, "cannot read '%s': out of memory",
				reader->path);
}

static const char *reason(int err)
{
	return err == -EINVAL ? "is not base64" : err == -ENODATA ? "is empty" : strerror(-err);
}

/* NULL for what is absent or empty, which are alike: null, "", {} and []. */
static json_t *value_of(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);
	bool is_empty = json_is_null(value) ||
			(json_is_string(value) && !json_string_length(value)) ||
			(json_is_object(value) && !json_object_size(value)) ||
			(json_is_array(value) && !json_array_size(value));

	return is_empty ? NULL : value;
}

/* NULL for what is absent, null, or empty; of another type than text it is refused. */
static int text_of(const struct reader *reader, const json_t *object, const char *key,
		   const char **ret)
{
	const json_t *value = value_of(object, key);

	if (value && !json_is_string(value))
		return refuse(reader, "'%s' is no text; put it in quotes", key);
	*ret = json_string_value(value);
	return 0;
}

static int bool_of(const struct reader *reader, const json_t *object, const char *key, bool *ret)
{
	const json_t *value = value_of(object, key);

	*ret = json_is_true(value);
	if (!value || json_is_boolean(value))
		return 0;
	if (json_is_string(value) && parse_yaml_bool(json_string_value(value), ret))
		return 0;
	return refuse(reader, "'%s' must be true or false", key);
}

/* The part named `part` of the entry called `name` of the list `list`: clusters[name].cluster. NULL
 * if there is none. */
static int find_entry(const struct reader *reader, const json_t *root, const char *list,
		      const char *name, const char *part, const json_t **ret)
{
	const json_t *entries = json_object_get(root, list), *found = NULL;

	*ret = NULL;
	for (size_t i = 0; i < json_array_size(entries); i++) {
		const json_t *entry = json_array_get(entries, i);
		const char *text = json_string_value(json_object_get(entry, "name"));

		if (!text || strcmp(text, name) != 0)
			continue;
		if (found)
			return refuse(reader, "'%s' has '%.128s' twice; remove one of them", list,
				      name);
		found = entry;
	}
	*ret = value_of(found, part);
	if (*ret && !json_is_object(*ret))
		return refuse(reader, "the %s '%.128s' is no object", part, name);
	return 0;
}

static int read_credential(const struct reader *reader, const json_t *object,
			   const struct credential *credential, struct kube_bytes *ret)
{
	const char *text = NULL, *file = NULL;
	int err;

	err = text_of(reader, object, credential->inline_key, &text);
	if (!err)
		err = text_of(reader, object, credential->file_key, &file);
	if (err)
		return err;
	if (text && file)
		return refuse(reader, "it has both '%s' and '%s'; remove one of them",
			      credential->inline_key, credential->file_key);
	if (text) {
		err = kube_bytes_decode(text, ret);
		return err ? refuse(reader, "'%s' %s", credential->inline_key, reason(err)) : 0;
	}
	return file ? kube_config_read_beside(reader->directory, file, reader->message, ret) : 0;
}

/* PKCS #8 says it in the first line, older forms in a line of their own. */
static int check_key(const struct reader *reader, const struct kube_bytes *key)
{
	static const char *const marks[] = {"-----BEGIN ENCRYPTED PRIVATE KEY-----",
					    "Proc-Type: 4,ENCRYPTED"};

	for (size_t i = 0; i < COUNT(marks); i++)
		if (key->data && memmem(key->data, key->size, marks[i], strlen(marks[i])))
			return refuse(reader,
				      "its client key is encrypted, and nobody is there to "
				      "be asked for the passphrase; decrypt the key (openssl "
				      "pkey -in KEY -out NEW)");
	return 0;
}

/* Without a certificate its key is of no use, and its file is not looked at. */
static int read_certificate(const struct reader *reader, const json_t *user)
{
	struct kube_config *config = reader->config;
	const char *text = NULL;
	int err = read_credential(reader, user, &certificate, &config->certificate);

	if (!err && !config->certificate.data) {
		err = text_of(reader, user, private_key.inline_key, &text);
		if (!err && text && kube_bytes_decode(text, &config->key) == -EINVAL)
			err = refuse(reader, "'%s' %s", private_key.inline_key, reason(-EINVAL));
		kube_bytes_done(&config->key);
		return err;
	}
	if (!err)
		err = read_credential(reader, user, &private_key, &config->key);
	return err ? err : check_key(reader, &config->key);
}

/* A file with a token may change, and wins over the one that was copied into the kubeconfig, which
 * stands in for it while it cannot be read. */
static int read_token(const struct reader *reader, const json_t *user)
{
	struct kube_config *config = reader->config;
	const char *text = NULL, *file = NULL;
	int err = text_of(reader, user, "token", &text);

	if (!err)
		err = text_of(reader, user, "tokenFile", &file);
	if (!err && file) {
		err = kube_config_read_beside(reader->directory, file, reader->message,
					      &config->token);
		if (!err && !kube_bytes_trim(&config->token))
			err = kube_config_fail(reader->message, -ENODATA,
					       "cannot read '%s': there is no token in it", file);
	}
	if (err && !text)
		return err;
	if (err || (text && !file))
		return kube_bytes_copy(text, &config->token) ? out_of_memory(reader) : 0;
	return 0;
}

static int copy_text(const struct reader *reader, const json_t *object, const char *key, char **ret)
{
	const char *text = NULL;
	int err = text_of(reader, object, key, &text);

	if (err || !text)
		return err;
	*ret = strdup(text);
	return *ret ? 0 : out_of_memory(reader);
}

/* Give a URL another beginning; *url is replaced. */
static int replace_scheme(const struct reader *reader, char **url, const char *scheme,
			  const char *rest)
{
	char *text;

	if (asprintf(&text, "%s%s", scheme, rest) < 0)
		return out_of_memory(reader);
	free(*url);
	*url = text;
	return 0;
}

static bool is_tls(const struct kube_config *config)
{
	return strncmp(config->server, "https://", 8) == 0;
}

/* A server may be host:port alone, which kubectl takes for http. */
static int complete_server(const struct reader *reader)
{
	static const char *const schemes[] = {"https://", "http://"};
	char **server = &reader->config->server;

	for (size_t i = 0; i < COUNT(schemes); i++) {
		size_t length = strlen(schemes[i]);

		if (strncasecmp(*server, schemes[i], length) == 0)
			return replace_scheme(reader, server, schemes[i], *server + length);
	}
	if (strchr(*server, '/'))
		return 0; /* kube_config_check() says what is wrong */
	return replace_scheme(reader, server, "http://", *server);
}

static int read_cluster(const struct reader *reader, const json_t *root, const char *name)
{
	struct kube_config *config = reader->config;
	const json_t *cluster;
	int err = find_entry(reader, root, "clusters", name, "cluster", &cluster);

	if (!err)
		err = copy_text(reader, cluster, "server", &config->server);
	if (!err && !config->server)
		return refuse(reader, "it has no cluster '%s' with a server", name);
	if (!err)
		err = complete_server(reader);
	if (!err)
		err = bool_of(reader, cluster, "insecure-skip-tls-verify", &config->insecure);
	if (!err)
		err = copy_text(reader, cluster, "tls-server-name", &config->server_name);
	if (!err)
		err = copy_text(reader, cluster, "proxy-url", &config->proxy);
	if (!err)
		err = read_credential(reader, cluster, &authority, &config->ca);
	/* Nobody who gives an authority wants his token to go where it was not asked. */
	if (!err && is_tls(config) && config->ca.data && config->insecure)
		err = refuse(reader,
			     "its cluster '%.128s' has a certificate authority and "
			     "insecure-skip-tls-verify, which exclude each other; remove "
			     "insecure-skip-tls-verify",
			     name);
	return err;
}

static int refuse_key(const struct reader *reader, const char *name, const char *key,
		      const char *what, const char *command)
{
	return refuse(reader,
		      "its user '%.64s' %s (%s%s%.128s), which gwbpf does not do; give it a token, "
		      "a tokenFile or a client certificate, or run in a pod with a service account",
		      name, what, key, command ? ": " : "", command ? command : "");
}

static int refuse_unsupported(const struct reader *reader, const json_t *user, const char *name,
			      bool secrets)
{
	for (size_t i = 0; i < COUNT(refused_user_keys); i++) {
		const char *key = refused_user_keys[i].key;
		bool is_asked_for = value_of(user, key);

		/* kubectl looks for a plug-in without a name, too. */
		if (strcmp(key, "auth-provider") == 0)
			is_asked_for = json_is_object(json_object_get(user, key)) || is_asked_for;
		if (is_asked_for && (secrets || !refused_user_keys[i].is_secret))
			return refuse_key(reader, name, key, refused_user_keys[i].what, NULL);
	}
	return 0;
}

/*
 * Whoever is on the way reads what is sent without TLS, and a token is good for everybody who has
 * it. kubectl does not send it. Here it is sent where the file says that this is meant.
 */
static int warn_of_http(const struct reader *reader, const char *name, bool sent)
{
	static const char withheld[] =
		"the credentials of user '%.64s' are not sent, because the server '%.256s' is not "
		"reached by TLS: give it an https:// address";
	static const char exposed[] =
		"the token of user '%.64s' is sent to '%.256s' without TLS, where everybody on the "
		"way can read it: give the server an https:// address";
	struct kube_config *config = reader->config;

	if (asprintf(&config->warning, sent ? exposed : withheld, name, config->server) >= 0)
		return 0;
	config->warning = NULL;
	return out_of_memory(reader);
}

static bool has_credentials(const json_t *user)
{
	static const char *const keys[] = {"token",
					   "tokenFile",
					   "username",
					   "exec",
					   "client-certificate",
					   "client-certificate-data",
					   "auth-provider"};

	for (size_t i = 0; i < COUNT(keys); i++)
		if (value_of(user, keys[i]))
			return true;
	return false;
}

/* A command for credentials is not run where there are some already. */
static int refuse_exec(const struct reader *reader, const json_t *user, const char *name)
{
	const struct kube_config *config = reader->config;
	const json_t *exec = json_object_get(user, "exec");

	if (!exec || json_is_null(exec) || config->token.data || config->certificate.data)
		return 0;
	return refuse_key(reader, name, "exec", "runs a command for its credentials",
			  json_string_value(json_object_get(exec, "command")));
}

/* A user that is not there, or has no content, is nobody: the server sees an anonymous client. */
static int read_user(const struct reader *reader, const json_t *root, const char *name)
{
	const struct kube_config *config = reader->config;
	bool is_sent = is_tls(config) || (config->insecure && !config->ca.data);
	const json_t *user;
	int err = find_entry(reader, root, "users", name, "user", &user);

	if (!err)
		err = refuse_unsupported(reader, user, name, is_sent);
	if (!err && !is_sent)
		return has_credentials(user) ? warn_of_http(reader, name, false) : 0;
	if (!err)
		err = read_token(reader, user);
	if (!err)
		err = read_certificate(reader, user);
	if (!err)
		err = refuse_exec(reader, user, name);
	if (!err && config->token.data && !is_tls(config))
		err = warn_of_http(reader, name, true);
	return err;
}

/* url: what follows its scheme. */
static bool has_port(const char *url)
{
	const char *user = memchr(url, '@', strcspn(url, "/?#"));
	const char *host = user ? user + 1 : url;
	const char *end = *host == '[' ? strchr(host, ']') : host;

	return end && memchr(end, ':', strcspn(end, "/?#"));
}

/* As kubectl: a SOCKS proxy is given names, not addresses, and HTTP has its usual port. */
static int complete_proxy(const struct reader *reader)
{
	static const struct {
		const char *given;
		const char *used;
		const char *port; /* NULL: libcurl's is the same */
	} schemes[] = {
		{"socks5://", "socks5h://", NULL},
		{"https://", "https://", NULL},
		{"http://", "http://", ":80"},
	};
	char **proxy = &reader->config->proxy, *rest;
	size_t i = 0, length;
	int err;

	if (!*proxy)
		return 0;
	while (i < COUNT(schemes) &&
	       strncasecmp(*proxy, schemes[i].given, strlen(schemes[i].given)) != 0)
		i++;
	length = i < COUNT(schemes) ? strlen(schemes[i].given) : 0;
	if (!length || !strcspn(*proxy + length, "/?#"))
		return refuse(reader, "'proxy-url' must be a URL of a host that begins with "
				      "http://, https:// or socks5://");
	length += strcspn(*proxy + length, "/?#");
	(*proxy)[length] = '\0';
	length = strlen(schemes[i].given);
	err = asprintf(&rest, "%s%s", *proxy + length,
		       schemes[i].port && !has_port(*proxy + length) ? schemes[i].port : "") < 0;
	if (err)
		return out_of_memory(reader);
	err = replace_scheme(reader, proxy, schemes[i].used, rest);
	free(rest);
	return err;
}

static int find_context(const struct reader *reader, const json_t *root, const json_t **ret)
{
	const char *name = reader->context;
	int err = name ? 0 : text_of(reader, root, "current-context", &name);

	if (err)
		return err;
	if (!name)
		return refuse(reader, "it has no current-context; name one with --context");
	err = find_entry(reader, root, "contexts", name, "context", ret);
	if (!err && !*ret)
		return refuse(reader, "it has no context '%s'", name);
	return err;
}

static int check_kind(const struct reader *reader, const json_t *root)
{
	const char *kind = NULL;
	int err;

	if (!json_is_object(root))
		return refuse(reader, "it is no kubeconfig");
	err = text_of(reader, root, "kind", &kind);
	if (!err && kind && strcmp(kind, "Config") != 0)
		return refuse(reader, "it is no kubeconfig, but a '%.64s'", kind);
	return err;
}

static int read_root(const struct reader *reader, const json_t *root)
{
	const json_t *context = NULL;
	const char *cluster = NULL, *user = NULL;
	int err = check_kind(reader, root);

	if (!err)
		err = find_context(reader, root, &context);
	if (!err)
		err = text_of(reader, context, "cluster", &cluster);
	if (!err)
		err = text_of(reader, context, "user", &user);
	if (!err)
		err = read_cluster(reader, root, cluster ? cluster : "");
	if (!err && user)
		err = read_user(reader, root, user);
	return err ? err : complete_proxy(reader);
}

/* The lists of a kubeconfig, what an entry holds beside its name, and the files that this can name. */
static const struct {
	const char *list;
	const char *part;
	const char *files[3];
} lists[] = {
	{"clusters", "cluster", {"certificate-authority"}},
	{"contexts", "context", {NULL}},
	{"users", "user", {"client-certificate", "client-key", "tokenFile"}},
};

/* A path is relative to the file that says it. */
static int make_absolute(const struct reader *reader, json_t *object, const char *key)
{
	const char *name = json_string_value(json_object_get(object, key));
	char *path;
	int err;

	if (!name || !*name || name[0] == '/')
		return 0;
	if (asprintf(&path, "%s/%s", reader->directory, name) < 0)
		return out_of_memory(reader);
	err = json_object_set_new(object, key, json_string(path)) ? out_of_memory(reader) : 0;
	free(path);
	return err;
}

static bool has_name(const json_t *entries, size_t count, const json_t *entry)
{
	const char *name = json_string_value(json_object_get(entry, "name")), *other;

	for (size_t i = 0; i < count && name; i++) {
		other = json_string_value(json_object_get(json_array_get(entries, i), "name"));
		if (other && strcmp(other, name) == 0)
			return true;
	}
	return false;
}

/* The entries that no earlier file has. */
static int merge_list(const struct reader *reader, const json_t *root, size_t which)
{
	const json_t *entries = json_object_get(root, lists[which].list);
	json_t *merged = json_object_get(reader->merged, lists[which].list);
	size_t before = json_array_size(merged);
	int err = 0;

	for (size_t i = 0; i < json_array_size(entries) && !err; i++) {
		json_t *entry = json_array_get(entries, i);

		if (has_name(merged, before, entry))
			continue;
		entry = json_deep_copy(entry);
		if (!entry || json_array_append_new(merged, entry))
			return out_of_memory(reader);
		for (size_t k = 0; k < COUNT(lists[which].files) && lists[which].files[k]; k++)
			if (!err)
				err = make_absolute(reader,
						    json_object_get(entry, lists[which].part),
						    lists[which].files[k]);
	}
	return err;
}

/* By the rules of kubectl: whoever is first to say something has it. */
static int merge(const struct reader *reader, const json_t *root)
{
	int err = check_kind(reader, root);

	for (size_t i = 0; i < COUNT(lists) && !err; i++)
		err = merge_list(reader, root, i);
	if (!err && !value_of(reader->merged, "current-context") &&
	    value_of(root, "current-context") &&
	    json_object_set(reader->merged, "current-context",
			    json_object_get(root, "current-context")))
		err = out_of_memory(reader);
	return err;
}

/* Of several documents the first one counts. */
static int read_document(const json_t *root, void *arg)
{
	struct reader *reader = arg;
	int err;

	if (json_is_null(root))
		return 0;
	err = reader->merged ? merge(reader, root) : read_root(reader, root);
	reader->done = !err;
	return err ? err : -ECANCELED;
}

static int read_yaml(struct reader *reader, const struct kube_bytes *bytes)
{
	const struct document_visitor visitor = {
		.document = read_document,
		.last_key_wins = true,
		.arg = reader,
	};
	char message[YAML_MESSAGE_MAX > ENCODING_MESSAGE_MAX ? YAML_MESSAGE_MAX
							     : ENCODING_MESSAGE_MAX];
	struct utf8 utf8 = {0};
	int err;

	reader->message[0] = '\0';
	err = encoding_to_utf8(bytes->data, bytes->size, &utf8, message);
	if (!err)
		err = yaml_parse(utf8.text, utf8.size, 0, &visitor, message);
	if (utf8.copy)
		explicit_bzero(utf8.copy, utf8.size);
	encoding_done(&utf8);
	if (reader->done)
		return 0;
	if (err && !reader->message[0])
		return err == -ENOMEM ? out_of_memory(reader) : refuse(reader, "%s", message);
	return err ? err : refuse(reader, "it is no kubeconfig");
}

static int directory_of(const char *path, char **ret)
{
	const char *slash = strrchr(path, '/');

	*ret = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
	return *ret ? 0 : -ENOMEM;
}

int kubeconfig_load(const char *path, const char *context, char *message, struct kube_config *ret)
{
	struct kube_config config = {0};
	struct reader reader = {
		.path = path,
		.context = context,
		.message = message,
		.config = &config,
	};
	struct kube_bytes text = {0};
	int err = directory_of(path, &reader.directory);

	if (err)
		return kube_config_fail(message, err, "cannot read '%s': out of memory", path);
	err = kube_config_read(path, message, &text);
	if (!err)
		err = read_yaml(&reader, &text);
	if (!err)
		err = kube_config_check(&config, path, message);
	if (err)
		kube_config_done(&config);
	else
		*ret = config;
	kube_bytes_done(&text);
	free(reader.directory);
	return err;
}

/* One of several; what is not there, or empty, says nothing. */
static int merge_file(struct reader *reader, const char *path)
{
	struct kube_bytes text = {0};
	int err;

	reader->path = path;
	reader->done = false;
	err = directory_of(path, &reader->directory);
	if (err)
		return out_of_memory(reader);
	err = kube_config_read(path, reader->message, &text);
	if (!err)
		err = read_yaml(reader, &text);
	else if (err == -ENOENT || err == -ENODATA)
		err = 0;
	kube_bytes_done(&text);
	free(reader->directory);
	reader->directory = NULL;
	return err;
}

static int merge_files(struct reader *reader, char *paths)
{
	char *path;
	int err = 0;

	reader->merged = json_object();
	for (size_t i = 0; i < COUNT(lists); i++)
		if (json_object_set_new(reader->merged, lists[i].list, json_array()))
			return out_of_memory(reader);
	while (!err && (path = strsep(&paths, ":")))
		if (*path)
			err = merge_file(reader, path);
	return err;
}

int kubeconfig_load_list(const char *list, const char *context, char *message,
			 struct kube_config *ret)
{
	struct kube_config config = {0};
	struct reader reader = {
		.path = list,
		.context = context,
		.message = message,
		.config = &config,
	};
	char *paths = strdup(list), here[] = ".";
	int err = paths ? merge_files(&reader, paths) : out_of_memory(&reader);

	reader.path = list;
	reader.directory = here;
	if (!err)
		err = read_root(&reader, reader.merged);
	if (!err)
		err = kube_config_check(&config, list, message);
	if (err)
		kube_config_done(&config);
	else
		*ret = config;
	json_decref(reader.merged);
	free(paths);
	return err;
}
