// SPDX-License-Identifier: Apache-2.0
/* HTTP over a unix socket, by libcurl. */
#include "cli/control.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/say.h"

#define ANSWER_BYTES_MAX (16u << 20)
#define SECONDS_MAX 30 /* a round waits for the one that runs, and looks for a while itself */
#define TRY_SECONDS_MAX 5

struct answer {
	char *text;
	size_t length;
	long status;
	long seconds_max;
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

/* Nothing of the environment, such as a proxy, has a say in it. */
static CURLcode post(const struct cli *cli, const char *action, const char *body,
		     struct answer *answer)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	CURL *easy = curl_easy_init();
	CURLcode code = CURLE_OUT_OF_MEMORY;
	char url[128];

	snprintf(url, sizeof(url), "http://localhost/api/v1/%s", action);
	if (!easy || !headers)
		goto out;
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, cli->control);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, answer->seconds_max);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
	code = curl_easy_perform(easy);
	if (!code)
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer->status);
out:
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	return code;
}

static void tell_unreachable(const struct cli *cli, const char *action, const char *subject,
			     CURLcode code, char message[CONTROL_MESSAGE_MAX])
{
	if (code == CURLE_COULDNT_CONNECT)
		snprintf(message, CONTROL_MESSAGE_MAX,
			 "cannot %s '%s': no agent answers at '%s', and only an agent can do it: run "
			 "'gwbpf agent', or give the socket of the one that runs with --control (as "
			 "root)",
			 action, subject, cli->control);
	else
		snprintf(message, CONTROL_MESSAGE_MAX,
			 "cannot %s '%s': the agent at '%s' did not answer: %s", action, subject,
			 cli->control, curl_easy_strerror(code));
}

static void tell_refusal(const struct cli *cli, const char *action, const char *subject,
			 const json_t *value, long status, char message[CONTROL_MESSAGE_MAX])
{
	const char *text = json_string_value(json_object_get(value, "message"));

	if (text)
		snprintf(message, CONTROL_MESSAGE_MAX, "cannot %s '%s': %s", action, subject, text);
	else
		snprintf(message, CONTROL_MESSAGE_MAX,
			 "cannot %s '%s': what answers at '%s' says %ld: is it a gwbpf agent of this "
			 "version?",
			 action, subject, cli->control, status);
}

/* body is taken over. */
static int ask(const struct cli *cli, const char *action, const char *subject, json_t *body,
	       long seconds_max, json_t **ret, char message[CONTROL_MESSAGE_MAX])
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct answer answer = { .seconds_max = seconds_max };
	CURLcode code = text ? post(cli, action, text, &answer) : CURLE_OUT_OF_MEMORY;
	json_t *value = NULL;

	if (!code && answer.text)
		value = json_loadb(answer.text, answer.length, 0, NULL);
	free(answer.text);
	free(text);
	json_decref(body);
	if (!code && answer.status == 200 && json_is_object(value)) {
		*ret = value;
		return 0;
	}
	if (code)
		tell_unreachable(cli, action, subject, code, message);
	else
		tell_refusal(cli, action, subject, value, answer.status, message);
	json_decref(value);
	return -EIO;
}

int control_ask(const struct cli *cli, const char *action, const char *subject, json_t *body,
		json_t **ret)
{
	char message[CONTROL_MESSAGE_MAX];
	int err = ask(cli, action, subject, body, SECONDS_MAX, ret, message);

	if (err)
		say_error("%s", message);
	return err;
}

int control_try(const struct cli *cli, const char *action, const char *subject, json_t *body,
		json_t **ret, char message[CONTROL_MESSAGE_MAX])
{
	return ask(cli, action, subject, body, TRY_SECONDS_MAX, ret, message);
}
