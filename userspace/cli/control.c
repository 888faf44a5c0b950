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
#define LINE_BYTES_MAX 65536
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
		snprintf(
			message, CONTROL_MESSAGE_MAX,
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
	struct answer answer = {0};
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
		err = ask(cli, &(struct asking){action, text, what, seconds}, ret, message);
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
	int err = ask(cli, &(struct asking){path, NULL, what, SECONDS_MAX}, ret, message);

	if (err)
		say_error("%s", message);
	return err;
}

struct lines {
	const struct control_follow *follow;
	char *text; /* of a line that is not whole yet */
	size_t length;
	bool is_begun; /* the first line was of an agent that goes on */
	bool is_over;
	char refusal[512]; /* what came in its place */
};

/* The first one says what follows. */
static bool take_first(struct lines *lines)
{
	json_t *head = json_loads(lines->text, 0, NULL);
	const char *kind = json_string_value(json_object_get(head, "kind"));

	lines->is_begun = kind && !strcmp(kind, "Monitor");
	if (!lines->is_begun)
		snprintf(lines->refusal, sizeof(lines->refusal), "%s", lines->text);
	json_decref(head);
	return lines->is_begun;
}

static bool take_line(struct lines *lines)
{
	bool goes_on = (lines->is_begun || take_first(lines)) &&
		       lines->follow->take(lines->text, lines->follow->arg);

	lines->is_over = !goes_on;
	free(lines->text);
	lines->text = NULL;
	lines->length = 0;
	return goes_on;
}

static size_t take_lines(char *data, size_t size, size_t count, void *arg)
{
	size_t left = size * count;
	struct lines *lines = arg;

	while (left) {
		const char *newline = memchr(data, '\n', left);
		size_t length = newline ? (size_t)(newline - data) : left;
		char *text;

		if (length > LINE_BYTES_MAX - lines->length)
			return 0;
		text = realloc(lines->text, lines->length + length + 1);
		if (!text)
			return 0;
		memcpy(text + lines->length, data, length);
		lines->text = text;
		lines->length += length;
		text[lines->length] = '\0';
		length += newline != NULL;
		data += length;
		left -= length;
		if (newline && !take_line(lines))
			return 0;
	}
	return size * count;
}

int control_follow(const struct cli *cli, const struct control_follow *follow)
{
	struct lines lines = {.follow = follow};
	const struct request request = {
		.path = follow->path,
		.timeout_ms = follow->for_ms,
		.take = take_lines,
		.arg = &lines,
	};
	char message[CONTROL_MESSAGE_MAX];
	long status = 0;
	CURLcode code = perform(cli, &request, &status);

	free(lines.text);
	if (lines.is_begun && (lines.is_over || code == CURLE_OPERATION_TIMEDOUT))
		return 0;
	if (lines.is_begun)
		snprintf(message, sizeof(message),
			 "cannot %s any longer: the agent at '%s' has ended", follow->what,
			 cli->control);
	else if (code && code != CURLE_WRITE_ERROR)
		tell_unreachable(cli, follow->what, code, message);
	else
		tell_refused(cli, follow->what, status, *lines.refusal ? lines.refusal : NULL,
			     message);
	say_error("%s", message);
	return -EIO;
}
