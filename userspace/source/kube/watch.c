// SPDX-License-Identifier: Apache-2.0
/* List, watch, wait, try again. Knows nothing of what the objects mean. */
#include "source/kube/watch.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <event2/event.h>
#include <event2/util.h>

#include "base/clock.h"
#include "source/kube/held.h"
#include "source/kube/http.h"
#include "source/kube/intake.h"

#define BRIEF_FREE 1          /* watches that end soon without a pause */
#define BRIEF_MAX 5           /* from then on each pause is twice as long; this many: backoff_ms */
#define SERVER_FAILURES_MAX 3 /* of resuming a watch, until all is listed again */

const struct kube_timing kube_timing_default = {
	.backoff_ms = 1000,
	.backoff_max_ms = 30000,
	.unreachable_max_ms = 10000,
	.retry_after_max_ms = 300000,
	.answer_ms = 60000,
	.watch_s = 240,
	.grace_ms = 30000,
	.silence_ms = 30000,
	.question_ms = 15000,
	.relist_ms = 1000,
};

enum state {
	STATE_WAITING, /* for the timer */
	STATE_LISTING, /* a page is under way */
	STATE_PROBING, /* a single object is, after an absence */
	STATE_OPENING, /* a watch is asked for */
	STATE_WATCHING,
};

struct kube_watch {
	struct kube_watch_setup setup;
	enum state state;
	struct kube_request *request;
	struct event *timer; /* WAITING: until the next attempt; OPENING: for the answer */
	struct kube_intake intake;
	uint32_t page_limit;
	bool unpaged; /* the next list is asked for at once, whatever page_limit says */
	long status;
	uint64_t opened_ms;
	unsigned int failures; /* in a row, whatever absences there were in between */
	unsigned int absences; /* attempts in a row that no server answered; no failures */
	unsigned int brief;    /* watches in a row that ended in good order, but soon */
	bool doubtful;         /* what is back may be an earlier state than the position's */
	bool was_gone;         /* the last of them was a position that grew old */
	bool failing;          /* failed() was told, recovered() not yet */
	bool granted;          /* and granted() since */
};

static void attempt(struct kube_watch *watch);

/* 0 to limit: what keeps a thousand nodes from doing the same in the same second. */
static uint32_t jitter(uint32_t limit)
{
	uint32_t random;

	evutil_secure_rng_get_bytes(&random, sizeof(random));
	return random % (limit + 1);
}

static void set_timer(struct kube_watch *watch, uint32_t delay_ms)
{
	struct timeval delay = {delay_ms / 1000, delay_ms % 1000 * 1000};

	evtimer_add(watch->timer, &delay);
}

static const char *verb_of(const struct kube_watch *watch)
{
	if (watch->state == STATE_OPENING || watch->state == STATE_WATCHING)
		return "watch";
	return watch->setup.selection.get ? "get" : "list";
}

/* The last attempt came to no answer: there was no server, or it hung up or said nothing. */
static bool is_unreachable(const struct kube_watch *watch)
{
	enum source_error error = watch->intake.failure.error;

	return !watch->status && (error == SOURCE_ERROR_CONNECT || error == SOURCE_ERROR_TIMEOUT);
}

/*
 * Half of it is fixed, so that two attempts are never at once, half is chance. A server that is not
 * there has no trouble with being asked, and what changed meanwhile waits for its return; and one
 * that is back begins by refusing, with 403, 429 or 503, until it has read everything itself: its
 * absence is no reason to take that for the last of many failures.
 */
static uint32_t delay_of(const struct kube_watch *watch)
{
	const struct kube_timing *timing = watch->setup.timing;
	bool absent = is_unreachable(watch);
	uint32_t most = absent ? timing->unreachable_max_ms : timing->backoff_max_ms;
	unsigned int before = absent ? watch->absences : watch->failures;
	uint32_t delay = timing->backoff_ms, least;

	for (unsigned int i = 0; i < before && delay < most; i++)
		delay *= 2;
	if (delay > most)
		delay = most;
	least = watch->intake.failure.retry_after_ms;
	if (least > timing->retry_after_max_ms)
		least = timing->retry_after_max_ms;
	if (least < delay / 2)
		least = delay / 2;
	return least + jitter(delay / 2);
}

static void ask_for_less(struct kube_watch *watch)
{
	if (watch->unpaged)
		watch->unpaged = false;
	else
		watch->page_limit = 1 + (watch->page_limit - 1) / 4;
}

/* What it takes for the next attempt to be another than the one that failed. */
static void change_course(struct kube_watch *watch)
{
	bool again = watch->setup.selection.get;

	switch (watch->intake.failure.error) {
	case SOURCE_ERROR_TOO_LARGE:
		if (watch->state == STATE_LISTING)
			ask_for_less(watch);
		again = true;
		break;
	case SOURCE_ERROR_GONE:
		/* Pages need a history that lasts as long as they take; all at once needs none. */
		watch->unpaged = watch->unpaged || watch->intake.next;
		again = true;
		break;
	case SOURCE_ERROR_PROTOCOL:
		/* Small pages may be what made them too many. */
		if (watch->state == STATE_LISTING)
			watch->page_limit = KUBE_PAGE_LIMIT;
		again = true;
		break;
	case SOURCE_ERROR_NOT_FOUND:
	case SOURCE_ERROR_INTERNAL:
		again = true;
		break;
	case SOURCE_ERROR_SERVER:
		again = again || watch->failures + 1 >= SERVER_FAILURES_MAX;
		break;
	default:
		break;
	}
	kube_intake_interrupt(&watch->intake, again);
}

static uint64_t open_ms(const struct kube_watch *watch)
{
	return clock_now_ms() - watch->opened_ms;
}

/* Whether the attempt under way got so far that the failures before it are history. */
static bool is_success(const struct kube_watch *watch)
{
	const struct kube_timing *timing = watch->setup.timing;

	return watch->state == STATE_WATCHING &&
	       (open_ms(watch) >= timing->backoff_max_ms ||
		(watch->intake.progressed && open_ms(watch) >= timing->backoff_ms));
}

static void fail(struct kube_watch *watch)
{
	const struct kube_watch_setup *setup = &watch->setup;
	const struct kube_failure *failure = &watch->intake.failure;
	char message[2 * KUBE_MESSAGE_MAX];
	uint32_t delay_ms;

	if (is_success(watch))
		watch->failures = 0;
	/* A position that grew old is nobody's fault, once; the server that says so is back. Not so
	 * for pages: a list that fails in pages and at once would be asked for without a pause. */
	if (failure->error == SOURCE_ERROR_GONE && !watch->was_gone && !watch->intake.next)
		watch->failures = 0;
	delay_ms = failure->error == SOURCE_ERROR_GONE && !watch->failures ? 0 : delay_of(watch);
	watch->was_gone = failure->error == SOURCE_ERROR_GONE;
	snprintf(message, sizeof(message), "cannot %s %s: %s; next attempt in %u.%u s",
		 verb_of(watch), setup->subject, failure->text, delay_ms / 1000,
		 delay_ms % 1000 / 100);
	change_course(watch);
	if (is_unreachable(watch)) {
		watch->absences++;
		watch->doubtful = true;
	} else {
		watch->failures++;
	}
	watch->failing = true;
	watch->state = STATE_WAITING;
	set_timer(watch, delay_ms);
	setup->ops->failed(failure->error, message, setup->arg);
}

static int on_received(const char *bytes, size_t size, void *arg)
{
	struct kube_watch *watch = arg;

	if (watch->status != 200)
		return kube_intake_add_refusal(&watch->intake, bytes, size);
	if (watch->state != STATE_WATCHING)
		return kube_intake_add(&watch->intake, bytes, size);
	return kube_intake_add_lines(&watch->intake, bytes, size);
}

static void on_started(long status, void *arg)
{
	struct kube_watch *watch = arg;

	watch->status = status;
	watch->absences = 0;
	if (status == 200 && watch->state != STATE_OPENING && watch->failing && !watch->granted) {
		watch->granted = true;
		watch->setup.ops->granted(watch->setup.arg);
	}
	if (status != 200 || watch->state != STATE_OPENING)
		return;
	evtimer_del(watch->timer);
	watch->state = STATE_WATCHING;
	watch->opened_ms = clock_now_ms();
	if (watch->failing)
		watch->setup.ops->recovered(watch->setup.arg);
	watch->failing = false;
	watch->granted = false;
}

/*
 * A busy server ends watches early. One that told something new is no failure, however short it
 * was: to wait would be to fall further behind.
 */
static int end_watch(struct kube_watch *watch)
{
	uint64_t lasted_ms = open_ms(watch);

	if (!watch->intake.progressed && lasted_ms < watch->setup.timing->backoff_ms)
		return kube_failure_set(&watch->intake.failure, SOURCE_ERROR_CONNECT,
					"the API server ended it after %u ms",
					(unsigned int)lasted_ms);
	watch->failures = 0;
	kube_intake_interrupt(&watch->intake, watch->setup.selection.get);
	return 0;
}

/*
 * Behind what ended in good order. A watch that ended soon is asked for again at once; if that goes
 * on, with pauses that double: what is behind it may end each one after one event, without pause.
 */
static void go_on(struct kube_watch *watch)
{
	uint32_t most_ms = watch->setup.timing->backoff_ms, delay_ms = 0;

	if (watch->state == STATE_WATCHING) {
		if (open_ms(watch) >= most_ms)
			watch->brief = 0;
		else if (watch->brief < BRIEF_MAX)
			watch->brief++;
		if (watch->brief > BRIEF_FREE)
			delay_ms = most_ms >> (BRIEF_MAX - watch->brief);
	}
	if (!delay_ms) {
		attempt(watch);
		return;
	}
	watch->state = STATE_WAITING;
	set_timer(watch, delay_ms);
}

static int end_page(struct kube_watch *watch)
{
	int err = kube_intake_end_page(&watch->intake);

	if (!err && !watch->intake.next)
		watch->unpaged = watch->doubtful = false;
	return err;
}

/* A watch from a position that lies ahead of the server would be silent until that is reached. */
static int end_probe(struct kube_watch *watch)
{
	int err = kube_intake_end_probe(&watch->intake);

	watch->doubtful = err != 0;
	return err;
}

/* Credentials go nowhere but to the server that they were given for. */
static int end_elsewhere(struct kube_watch *watch, const char *url)
{
	char shown[256];
	size_t i;

	for (i = 0; i < sizeof(shown) - 1 && url[i]; i++)
		shown[i] = isgraph((unsigned char)url[i]) ? url[i] : '?';
	shown[i] = '\0';
	return kube_failure_set(&watch->intake.failure, SOURCE_ERROR_SERVER,
				"the API server fails (%ld): it names another address, '%s', where "
				"nobody is asked: give the address of the API server itself",
				watch->status, shown);
}

static int end_refusal(struct kube_watch *watch)
{
	/* A single object that is not there is a list of none. */
	bool absent = watch->status == 404 && watch->setup.selection.get &&
		      watch->state == STATE_LISTING;

	return kube_intake_end_refusal(&watch->intake, watch->status, verb_of(watch),
				       watch->setup.instead, absent);
}

static void on_ended(const struct kube_answer *answer, void *arg)
{
	struct kube_watch *watch = arg;
	struct kube_failure *failure = &watch->intake.failure;
	int err;

	watch->request = NULL;
	evtimer_del(watch->timer);
	failure->retry_after_ms = answer->retry_after_ms;
	if (failure->failed)
		err = -1;
	else if (!answer->complete)
		err = kube_failure_set(failure, answer->error, "%s", answer->reason);
	else if (watch->status != 200 && answer->elsewhere[0])
		err = end_elsewhere(watch, answer->elsewhere);
	else if (watch->status != 200)
		err = end_refusal(watch);
	else if (watch->state == STATE_LISTING)
		err = end_page(watch);
	else if (watch->state == STATE_PROBING)
		err = end_probe(watch);
	else
		err = end_watch(watch);
	if (err)
		fail(watch);
	else
		go_on(watch);
}

static const struct kube_request_ops request_ops = {
	.started = on_started,
	.received = on_received,
	.ended = on_ended,
};

/* The path and the time of the next request. */
static int prepare(const struct kube_watch *watch, struct kube_call *call, char **path)
{
	const struct kube_watch_setup *setup = &watch->setup;
	uint32_t watch_s = setup->timing->watch_s + jitter(setup->timing->watch_s / 2);

	if (watch->state == STATE_OPENING) {
		call->timeout_ms = watch_s * 1000 + setup->timing->grace_ms;
		return kube_watch_path(&setup->selection, watch->intake.position, watch_s, path);
	}
	call->timeout_ms = setup->timing->answer_ms;
	if (watch->state == STATE_PROBING) {
		struct kube_selection any = setup->selection;

		any.labels =
			NULL; /* the first object will do: to search for one costs the server */
		return kube_list_path(&any, 1, "", path);
	}
	return kube_list_path(&setup->selection, watch->unpaged ? 0 : watch->page_limit,
			      watch->intake.next ? watch->intake.next : "", path);
}

static int request(struct kube_watch *watch, const struct kube_config *config)
{
	struct kube_failure *failure = &watch->intake.failure;
	struct kube_call call = {.config = config, .ops = &request_ops, .arg = watch};
	char *path = NULL;
	int err = prepare(watch, &call, &path);

	call.path = path;
	if (!err)
		err = kube_http_get(watch->setup.http, &call, &watch->request);
	free(path);
	if (err == -EINVAL)
		return kube_failure_set(failure, SOURCE_ERROR_CONFIG,
					"the server's address '%.200s' is no URL", config->server);
	if (err)
		return kube_failure_set(failure, SOURCE_ERROR_INTERNAL, "out of memory");
	return 0;
}

/* Whatever was read before may have been replaced on disk since: load it anew. */
static int begin(struct kube_watch *watch)
{
	const struct kube_watch_setup *setup = &watch->setup;
	char message[KUBE_MESSAGE_MAX];
	struct kube_config config;
	int err;

	if (kube_intake_begin(&watch->intake))
		return -1;
	if (setup->ops->configure(message, &config, setup->arg))
		return kube_failure_set(&watch->intake.failure, SOURCE_ERROR_CONFIG, "%s", message);
	err = request(watch, &config);
	kube_config_done(&config);
	return err;
}

static void attempt(struct kube_watch *watch)
{
	if (!watch->intake.position)
		watch->state = STATE_LISTING;
	else
		watch->state = watch->doubtful ? STATE_PROBING : STATE_OPENING;
	watch->status = 0;
	if (begin(watch))
		fail(watch);
	else if (watch->state == STATE_OPENING)
		set_timer(watch, watch->setup.timing->answer_ms);
}

static void give_up(struct kube_watch *watch, uint32_t waited_ms)
{
	kube_request_cancel(watch->request);
	watch->request = NULL;
	kube_failure_set(&watch->intake.failure, SOURCE_ERROR_TIMEOUT, "no answer in %u s",
			 waited_ms / 1000);
	fail(watch);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct kube_watch *watch = arg;

	(void)fd;
	(void)what;
	if (watch->state == STATE_WAITING) {
		attempt(watch);
		return;
	}
	give_up(watch, watch->setup.timing->answer_ms);
}

void kube_watch_give_up(struct kube_watch *watch)
{
	if (watch->state == STATE_WATCHING)
		give_up(watch, watch->setup.timing->question_ms);
}

void kube_watch_hurry(struct kube_watch *watch)
{
	enum source_error error = watch->intake.failure.error;

	if (watch->state != STATE_WAITING || !watch->intake.failure.failed)
		return;
	if (is_unreachable(watch) || error == SOURCE_ERROR_FORBIDDEN ||
	    error == SOURCE_ERROR_UNAUTHORIZED)
		set_timer(watch, 0);
}

int kube_watch_start(const struct kube_watch_setup *setup, struct kube_watch **ret)
{
	struct kube_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->setup = *setup;
	watch->page_limit = KUBE_PAGE_LIMIT;
	watch->timer = evtimer_new(setup->base, on_timer, watch);
	if (!watch->timer ||
	    kube_intake_init(&watch->intake, &watch->setup.selection, setup->ops, setup->arg)) {
		kube_watch_stop(watch);
		return -ENOMEM;
	}
	set_timer(watch, 0);
	*ret = watch;
	return 0;
}

void kube_watch_stop(struct kube_watch *watch)
{
	if (!watch)
		return;
	kube_request_cancel(watch->request);
	if (watch->timer)
		event_free(watch->timer);
	kube_intake_done(&watch->intake);
	free(watch);
}

bool kube_watch_holds(const struct kube_watch *watch, const char *namespace, const char *name)
{
	return kube_held_has(watch->intake.held, namespace, name);
}

int kube_watch_inherit(struct kube_watch *watch, const struct kube_watch *from)
{
	return kube_held_inherit(watch->intake.held, from->intake.held);
}

void kube_watch_release(struct kube_watch *watch)
{
	kube_held_drop_all(watch->intake.held, watch->setup.ops->remove, watch->setup.arg);
}
