// SPDX-License-Identifier: Apache-2.0
/*
 * A kubeconfig. What it can ask for and gwbpf does not do is refused by name: to leave it out would
 * be to act as somebody else.
 */
#include "source/kubeconfig.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "source/yaml.h"

/* A credential as a kubeconfig may give it; the second key wins, as for kubectl. */
struct credential {
	const char *file_key;
	const char *inline_key;
	size_t offset;
	int (*take_inline)(const char *text, struct kube_bytes *ret);
};

#define IN_CONFIG(member) offsetof(struct kube_config, member)
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct credential cluster_credentials[] = {
	{"certificate-authority", "certificate-authority-data", IN_CONFIG(ca), kube_bytes_decode},
};

static const struct credential user_credentials[] = {
	{"client-certificate", "client-certificate-data", IN_CONFIG(certificate),
	 kube_bytes_decode},
	{"client-key", "client-key-data", IN_CONFIG(key), kube_bytes_decode},
	{NULL, "token", IN_CONFIG(token), kube_bytes_copy},
	{"tokenFile", NULL, IN_CONFIG(token), NULL},
};

static const struct {
	const char *key;
	const char *what;
} refused_user_keys[] = {
	{"exec", "runs a command for its credentials"},
	{"auth-provider", "needs a plug-in for its credentials"},
	{"username", "signs in with a password"},
	{"password", "signs in with a password"},
	{"as", "impersonates somebody else"},
	{"as-uid", "impersonates somebody else"},
	{"as-groups", "impersonates somebody else"},
	{"as-user-extra", "impersonates somebody else"},
};

struct reader {
	const char *path;
	char *directory;     /* that path lies in */
	const char *context; /* NULL: the current one */
	char *message;
	struct kube_config *config;
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

static json_t *value_of(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return json_is_null(value) ? NULL : value;
}

/* NULL for what is absent, null, or empty; of another type than text it is refused. */
static int text_of(const struct reader *reader, const json_t *object, const char *key,
		   const char **ret)
{
	const json_t *value = value_of(object, key);

	if (value && !json_is_string(value))
		return refuse(reader, "'%s' is no text; put it in quotes", key);
	*ret = value && json_string_length(value) ? json_string_value(value) : NULL;
	return 0;
}

/* The part named `part` of the entry called `name` of the list `list`: clusters[name].cluster */
static const json_t *find_entry(const json_t *root, const char *list, const char *name,
				const char *part)
{
	const json_t *entries = json_object_get(root, list);

	for (size_t i = 0; i < json_array_size(entries); i++) {
		const json_t *entry = json_array_get(entries, i);
		const char *text = json_string_value(json_object_get(entry, "name"));

		if (text && strcmp(text, name) == 0)
			return value_of(entry, part);
	}
	return NULL;
}

static int read_credential(const struct reader *reader, const json_t *object,
			   const struct credential *credential)
{
	struct kube_bytes *bytes = (void *)((char *)reader->config + credential->offset);
	const char *text = NULL, *file = NULL;
	int err = 0;

	if (credential->inline_key)
		err = text_of(reader, object, credential->inline_key, &text);
	if (!err && credential->file_key)
		err = text_of(reader, object, credential->file_key, &file);
	if (err)
		return err;
	if (text) {
		err = credential->take_inline(text, bytes);
		return err ? refuse(reader, "'%s' %s", credential->inline_key, reason(err)) : 0;
	}
	return file ? kube_config_read_beside(reader->directory, file, reader->message, bytes) : 0;
}

static int read_credentials(const struct reader *reader, const json_t *object,
			    const struct credential *credentials, size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count && !err; i++)
		err = read_credential(reader, object, &credentials[i]);
	return err;
}

static int copy_text(const struct reader *reader, const json_t *object, const char *key,
		     char **ret)
{
	const char *text;
	int err = text_of(reader, object, key, &text);

	if (err || !text)
		return err;
	*ret = strdup(text);
	return *ret ? 0 : out_of_memory(reader);
}

static int read_cluster(const struct reader *reader, const json_t *root, const char *name)
{
	struct kube_config *config = reader->config;
	const json_t *cluster = find_entry(root, "clusters", name, "cluster");
	int err = copy_text(reader, cluster, "server", &config->server);

	if (!err && !config->server)
		return refuse(reader, "it has no cluster '%s' with a server", name);
	config->insecure = json_is_true(json_object_get(cluster, "insecure-skip-tls-verify"));
	if (!err)
		err = copy_text(reader, cluster, "tls-server-name", &config->server_name);
	if (!err)
		err = copy_text(reader, cluster, "proxy-url", &config->proxy);
	if (!err)
		err = read_credentials(reader, cluster, cluster_credentials,
				       COUNT(cluster_credentials));
	return err;
}

static int refuse_unsupported(const struct reader *reader, const json_t *user, const char *name)
{
	for (size_t i = 0; i < COUNT(refused_user_keys); i++) {
		const char *key = refused_user_keys[i].key;
		const json_t *value = value_of(user, key);
		const char *command = json_string_value(json_object_get(value, "command"));

		if (value)
			return refuse(reader,
				      "its user '%.64s' %s (%s%s%.128s), which gwbpf does not do; "
				      "give it a token, a tokenFile or a client certificate, or run "
				      "in a pod with a service account",
				      name, refused_user_keys[i].what, key, command ? ": " : "",
				      command ? command : "");
	}
	return 0;
}

static int read_user(const struct reader *reader, const json_t *root, const char *name)
{
	const json_t *user = find_entry(root, "users", name, "user");
	int err;

	if (!json_is_object(user))
		return refuse(reader, "it has no user '%s'", name);
	err = refuse_unsupported(reader, user, name);
	if (!err)
		err = read_credentials(reader, user, user_credentials, COUNT(user_credentials));
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
	*ret = find_entry(root, "contexts", name, "context");
	if (!json_is_object(*ret))
		return refuse(reader, "it has no context '%s'", name);
	return 0;
}

static int read_document(const json_t *root, void *arg)
{
	const struct reader *reader = arg;
	const json_t *context = NULL;
	const char *cluster = NULL, *user = NULL;
	int err;

	if (!json_is_object(root) || reader->config->server)
		return refuse(reader, "it is no kubeconfig");
	err = find_context(reader, root, &context);
	if (!err)
		err = text_of(reader, context, "cluster", &cluster);
	if (!err)
		err = text_of(reader, context, "user", &user);
	if (!err)
		err = read_cluster(reader, root, cluster ? cluster : "");
	if (!err && user)
		err = read_user(reader, root, user);
	return err;
}

static int read_yaml(const struct reader *reader, const struct kube_bytes *text)
{
	const struct document_visitor visitor = { .document = read_document,
						  .arg = (void *)reader };
	char message[YAML_MESSAGE_MAX];
	int err;

	reader->message[0] = '\0';
	err = yaml_parse(text->data, text->size, &visitor, message);
	if (err && !reader->message[0])
		return err == -ENOMEM ? out_of_memory(reader) : refuse(reader, "%s", message);
	if (!err && !reader->config->server)
		return refuse(reader, "it is no kubeconfig");
	return err;
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
