/* SPDX-License-Identifier: Apache-2.0 */
/* What only the agent can do is asked of it through its control socket. */
#ifndef GWBPF_CLI_CONTROL_H
#define GWBPF_CLI_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct cli;

/*
 * POST a JSON object, which is taken over, to /api/v1/ACTION. ret is the answer, the caller's to let
 * go of. Says what is wrong, and the remedy: no agent answers, it refused (with what it says), or
 * what answers is no agent. subject is whom it is about. -EIO
 */
int control_ask(const struct cli *cli, const char *action, const char *subject, json_t *body,
		json_t **ret);

/*
 * The same for whoever goes on without an answer: nothing is said, and message is what is wrong. The
 * agent has a few seconds.
 */
#define CONTROL_MESSAGE_MAX 1024
int control_try(const struct cli *cli, const char *action, const char *subject, json_t *body,
		json_t **ret, char message[CONTROL_MESSAGE_MAX]);

/* The same of a GET: path is below /api/v1/. what says what cannot be done: "list the events". */
int control_get(const struct cli *cli, const char *path, const char *what, json_t **ret);

/*
 * A GET whose answer is lines that do not end: each is given to take, without its newline, as it
 * comes, until take returns false, the time (0: none) is over, or the agent ends. Returns 0 in the
 * first two cases; else it says what is wrong. -EIO
 */
typedef bool (*control_take)(const char *line, void *arg);

struct control_follow {
	const char *path;
	const char *what; /* cannot be done: "watch connections" */
	uint32_t for_ms;
	control_take take;
	void *arg;
};

int control_follow(const struct cli *cli, const struct control_follow *follow);

#endif
