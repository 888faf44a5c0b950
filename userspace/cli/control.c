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

static void say_unreachable(const struct cli *cli, const char *what, CURLcode code)
{
	if (code == CURLE_COULDNT_CONNECT)
		say_error("cannot %s: no agent answers at '%s', and only an agent can do it: run "
			  "'gwbpf agent', or give the socket of the one that runs with --control (as "
			  "root)",
			  what, cli->control);
	else
		say_error("cannot %s: the agent at '%s' did not answer: %s", what, cli->control,
			  curl_easy_strerror(code));
}

static void say_refused(const struct cli *cli, const char *what, long status, const char *message)
{
	if (message)
		say_error("cannot %s: %s", what, message);
	else
		say_error("cannot %s: what answers at '%s' says %ld: is it a gwbpf agent of this "
			  "version?",
			  what, cli->control, status);
}

static bool is_answer(const json_t *answer, long status, const char **message)
{
	*message = json_string_value(json_object_get(answer, "message"));
	return status == 200 && json_is_object(answer);
}

static int ask(const struct cli *cli, const char *path, const char *body, const char *what,
	       json_t **ret)
{
	struct answer answer = { 0 };
	const struct request request = {
		.path = path,
		.body = body,
		.timeout_ms = SECONDS_MAX * 1000,
		.take = keep,
		.arg = &answer,
	};
	const char *message = NULL;
	json_t *value = NULL;
	long status = 0;
	CURLcode code = perform(cli, &request, &status);

	if (!code && answer.text)
		value = json_loadb(answer.text, answer.length, 0, NULL);
	free(answer.text);
	if (code) {
		say_unreachable(cli, what, code);
		return -EIO;
	}
	if (is_answer(value, status, &message)) {
		*ret = value;
		return 0;
	}
	say_refused(cli, what, status, message);
	json_decref(value);
	return -EIO;
}

int control_ask(const struct cli *cli, const char *action, const char *subject, json_t *body,
		json_t **ret)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	char what[WHAT_MAX];
	int err = -ENOMEM;

	json_decref(body);
	snprintf(what, sizeof(what), "%s '%.400s'", action, subject);
	if (text)
		err = ask(cli, action, text, what, ret);
	else
		say_error("cannot %s: out of memory", what);
	free(text);
	return err;
}

int control_get(const struct cli *cli, const char *path, const char *what, json_t **ret)
{
	return ask(cli, path, NULL, what, ret);
}
