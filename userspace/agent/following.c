// SPDX-License-Identifier: Apache-2.0
#include "agent/following.h"

#include <stdlib.h>
#include <string.h>

struct lag {
	char *origin;
	char *message;
	enum source_error error;
	uint64_t since_ns;
};

/*
 * Credentials that are refused, a right that is missing, or a configuration that cannot be read: the
 * server is there for others. All else may come from the server or the way to it alone; TLS as well,
 * for a load balancer whose servers are gone takes connections and ends them.
 */
static bool is_forbidden(enum source_error error)
{
	return error == SOURCE_ERROR_UNAUTHORIZED || error == SOURCE_ERROR_FORBIDDEN ||
	       error == SOURCE_ERROR_CONFIG;
}

/* As the Kubernetes source names its Node, which costs the zone alone, and its pods, which cost what
 * clients-except asks for. */
static bool costs_little(const char *origin)
{
	return !strncmp(origin, "node '", strlen("node '")) ||
	       !strncmp(origin, "pods of node '", strlen("pods of node '"));
}

static enum following_state state_of(const struct lag *lag)
{
	if (!is_forbidden(lag->error))
		return FOLLOWING_UNREACHABLE;
	return costs_little(lag->origin) ? FOLLOWING_ALL : FOLLOWING_FORBIDDEN;
}

static struct lag *find(const struct following *following, const char *origin)
{
	for (size_t i = 0; i < following->count; i++)
		if (!strcmp(following->lags[i].origin, origin))
			return &following->lags[i];
	return NULL;
}

static struct lag *add(struct following *following, const char *origin, uint64_t now_ns)
{
	struct lag *lags = reallocarray(following->lags, following->count + 1, sizeof(*lags));
	char *copy = strdup(origin);

	if (lags)
		following->lags = lags;
	if (!lags || !copy) {
		free(copy);
		return NULL;
	}
	lags[following->count] = (struct lag){.origin = copy, .since_ns = now_ns};
	return &lags[following->count++];
}

static bool is_worth_a_line(struct following *following, bool is_new, bool is_outage,
			    uint64_t now_ns)
{
	if (!is_outage)
		return is_new;
	if (following->logged_ns && now_ns - following->logged_ns < FOLLOWING_LOG_NS)
		return false;
	following->logged_ns = now_ns;
	return true;
}

/* Without memory it is logged, and not known later. */
bool following_failed(struct following *following, const char *origin, enum source_error error,
		      const char *message, uint64_t now_ns)
{
	struct lag *lag = find(following, origin);
	bool is_new = !lag || lag->error != error;
	char *copy = strdup(message);

	if (!lag)
		lag = add(following, origin, now_ns);
	if (!lag || !copy) {
		free(copy);
		return true;
	}
	if (is_forbidden(lag->error) != is_forbidden(error))
		lag->since_ns = now_ns;
	lag->error = error;
	free(lag->message);
	lag->message = copy;
	/* An outage is told by what it costs more. */
	if (costs_little(origin) && !is_forbidden(error))
		return false;
	return is_worth_a_line(following, is_new, !is_forbidden(error), now_ns);
}

bool following_recovered(struct following *following, const char *origin)
{
	struct lag *lag = find(following, origin);

	if (!lag)
		return false;
	free(lag->origin);
	free(lag->message);
	*lag = following->lags[--following->count];
	if (!following->count)
		following->logged_ns = 0;
	return true;
}

enum following_state following_state(const struct following *following)
{
	enum following_state state = FOLLOWING_ALL;

	for (size_t i = 0; i < following->count; i++) {
		enum following_state one = state_of(&following->lags[i]);

		if (one > state)
			state = one;
	}
	return state;
}

void following_visit_all(const struct following *following, following_visit visit, void *arg)
{
	for (size_t i = 0; i < following->count; i++) {
		const struct lag *lag = &following->lags[i];
		struct following_lag told = {
			.origin = lag->origin,
			.message = lag->message,
			.state = state_of(lag),
			.since_ns = lag->since_ns,
		};

		visit(&told, arg);
	}
}

void following_done(struct following *following)
{
	for (size_t i = 0; i < following->count; i++) {
		free(following->lags[i].origin);
		free(following->lags[i].message);
	}
	free(following->lags);
	*following = (struct following){0};
}
