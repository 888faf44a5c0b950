// SPDX-License-Identifier: Apache-2.0
/* HTTP over a unix socket, by libcurl. */
#include "cli/control.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/say.h"

#define ANSWER_BYTES_MAX (16u << 20)
#define WHAT_MAX 512
#define SECONDS_MAX 30 /* a round waits for the one that runs, and looks for a while itself */
#define TRY_SECONDS_MAX 5

struct answer {
	char *text;
	size_t length;
};

static size_t keep(char *data, size_t size, size_t count, void *arg)
{
	struct answer *answer = arg;
	size_t length = size * count;
	char *text;

	if (length > ANSWER_BYTES_MAX - answer->length)
		return 0;
	text = realloc(answer->text, answer->length + length + 1);
	if (!text)
		return 0;
	memcpy(text + answer->length, data, length);
	answer->text = text;
	answer->length += length;
	text[answer->length] = '\0';
	return length;
}

/* One request: a POST if it has a body. */
struct request {
	const char *path; /* below /api/v1/ */
	const char *body;
	long timeout_ms; /* 0: none */
	curl_write_callback take;
	void *arg;
};

/* Nothing of the environment, such as a proxy, has a say in it. */
static CURLcode perform(const struct cli *cli, const struct request *request, long *status)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	CURL *easy = curl_easy_init();
	CURLcode code = CURLE_OUT_OF_MEMORY;
	char url[512];

	snprintf(url, sizeof(url), "http://localhost/api/v1/%s", request->path);
	if (!easy || !headers)
		goto out;
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, cli->control);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	if (request->body)
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, request->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, request->take);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, request->arg);
	code = curl_easy_perform(easy);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, status);
out:
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	return code;
}

static void tell_unreachable(const struct cli *cli, const char *what, CURLcode code,
			     char message[CONTROL_MESSAGE_MAX])
{
	if (code == CURLE_COULDNT_CONNECT)
		snprintf(message, CONTROL_MESSAGE_MAX,
			 "cannot %s: no agent answers at '%s', and only an agent can do it: run "
			 "'gwbpf agent', or give the socket of the one that runs with --control (as "
			 "root)",
			 what, cli->control);
	else
		snprintf(message, CONTROL_MESSAGE_MAX,
			 "cannot %s: the agent at '%s' did not answer: %s", what, cli->control,
			 curl_easy_strerror(code));
}

static void tell_refused(const struct cli *cli, const char *what, long status, const char *why,
			 char message[CONTROL_MESSAGE_MAX])
{
	if (why)
		snprintf(message, CONTROL_MESSAGE_MAX, "cannot %s: %s", what, why);
	else
		snprintf(message, CONTROL_MESSAGE_MAX,
			 "cannot %s: what answers at '%s' says %ld: is it a gwbpf agent of this "
			 "version?",
			 what, cli->control, status);
}

static bool is_answer(const json_t *answer, long status, const char **message)
{
	*message = json_string_value(json_object_get(answer, "message"));
	return status == 200 && json_is_object(answer);
}

/* A request, what it is for, and how long the agent has. */
struct asking {
	const char *path;
	const char *body; /* NULL: a GET */
	const char *what;
	long seconds;
};

static int ask(const struct cli *cli, const struct asking *asking, json_t **ret,
	       char message[CONTROL_MESSAGE_MAX])
{
	struct answer answer = { 0 };
	const struct request request = {
		.path = asking->path,
		.body = asking->body,
		.timeout_ms = asking->seconds * 1000,
		.take = keep,
		.arg = &answer,
	};
	const char *why = NULL;
	json_t *value = NULL;
	long status = 0;
	CURLcode code = perform(cli, &request, &status);

	if (!code && answer.text)
		value = json_loadb(answer.text, answer.length, 0, NULL);
	free(answer.text);
	if (!code && is_answer(value, status, &why)) {
		*ret = value;
		return 0;
	}
	if (code)
		tell_unreachable(cli, asking->what, code, message);
	else
		tell_refused(cli, asking->what, status, why, message);
	json_decref(value);
	return -EIO;
}

static int ask_to(const struct cli *cli, const char *action, const char *subject, json_t *body,
		  long seconds, json_t **ret, char message[CONTROL_MESSAGE_MAX])
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	char what[WHAT_MAX];
	int err = -ENOMEM;

	json_decref(body);
	snprintf(what, sizeof(what), "%s '%.400s'", action, subject);
	snprintf(message, CONTROL_MESSAGE_MAX, "cannot %s: out of memory", what);
	if (text)
		err = ask(cli, &(struct asking){ action, text, what, seconds }, ret, message);
	free(text);
	return err;
}

int control_ask(const struct cli *cli, const char *action, const char *subject, json_t *body,
		json_t **ret)
{
	char message[CONTROL_MESSAGE_MAX];
	int err = ask_to(cli, action, subject, body, SECONDS_MAX, ret, message);

	if (err)
		say_error("%s", message);
	return err;
}

int control_try(const struct cli *cli, const char *action, const char *subject, json_t *body,
		json_t **ret, char message[CONTROL_MESSAGE_MAX])
{
	int err = ask_to(cli, action, subject, body, TRY_SECONDS_MAX, ret, message);

	if (!err)
		*message = '\0';
	return err;
}

int control_get(const struct cli *cli, const char *path, const char *what, json_t **ret)
{
	char message[CONTROL_MESSAGE_MAX];
	int err = ask(cli, &(struct asking){ path, NULL, what, SECONDS_MAX }, ret, message);

	if (err)
		say_error("%s", message);
	return err;
}
