// SPDX-License-Identifier: Apache-2.0
/*
 * How long a change takes from the request that makes it to the set of backends in the kernel:
 * sends prepared requests and watches one Service's word in the pinned maps meanwhile. It knows
 * nothing of what the requests say but how many backends the Service has after each.
 *
 *	stopwatch PIN_DIR ADDRESS PORT INTERVAL_MS METHOD URL [CA CERTIFICATE KEY] <REQUESTS
 *
 * A request is a line "COUNT<tab>BODY"; with interval 0 the next one waits for the last to be in
 * force. Requests are told apart by their counts: the same one must not come again soon, and the
 * last one's not at all, for it says when all has arrived.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/parse.h"
#include "kernel/maps.h"

#define REQUESTS_MAX 20000
#define CHANGES_MAX 200000
#define LOOK_NS 100000
#define PATIENCE_S 60.0

struct request {
	char *line;
	const char *body;
	unsigned int count;
	double sent, answered, in_force;
};

struct change {
	double when;
	unsigned int count;
};

static struct request requests[REQUESTS_MAX];
static size_t request_count;
static struct change changes[CHANGES_MAX];
static volatile size_t change_count;
static volatile __u64 *word;

static double now(void)
{
	return clock_read_seconds(CLOCK_MONOTONIC);
}

static void pause_ns(long ns)
{
	struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

	nanosleep(&t, NULL);
}

/* The word as it was before the first request comes with the call: a thread may begin late. */
static void *watch(void *arg)
{
	__u64 last = *(__u64 *)arg;

	prctl(PR_SET_TIMERSLACK, 1);
	while (change_count < CHANGES_MAX) {
		__u64 present = *word;

		if (present != last) {
			changes[change_count].when = now();
			changes[change_count].count = GW_SET_COUNT(present);
			__atomic_store_n(&change_count, change_count + 1, __ATOMIC_RELEASE);
			last = present;
		}
		pause_ns(LOOK_NS);
	}
	return NULL;
}

static int find_word(const char *pin_dir, const char *address, const char *port)
{
	static struct maps maps;
	struct gw_addr vip;
	int err;

	err = addr_parse(address, &vip);
	if (!err)
		err = maps_open(pin_dir, false, &maps);
	for (size_t i = 0; !err && i < maps.services_count; i++) {
		if (memcmp(&maps.services[i].vip, &vip, sizeof(vip)) ||
		    ntohs(maps.services[i].port) != atoi(port))
			continue;
		word = &maps.sets[i];
		return 0;
	}
	return err ? err : -ENOENT;
}

static int read_requests(void)
{
	size_t size = 0;

	while (request_count < REQUESTS_MAX) {
		struct request *request = &requests[request_count];

		if (getline(&request->line, &size, stdin) < 0)
			return request_count ? 0 : -ENODATA;
		request->body = strchr(request->line, '\t');
		if (!request->body++ || sscanf(request->line, "%u", &request->count) != 1)
			return -EINVAL;
		size = 0;
		request_count++;
	}
	return -E2BIG;
}

static size_t ignore(char *data, size_t size, size_t count, void *arg)
{
	(void)data;
	(void)arg;
	return size * count;
}

static CURL *new_client(const char *method, const char *url, char **pki)
{
	CURL *client = curl_easy_init();
	struct curl_slist *headers;

	if (!client)
		return NULL;
	headers = curl_slist_append(NULL, "Content-Type: application/json");
	curl_easy_setopt(client, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(client, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(client, CURLOPT_URL, url);
	curl_easy_setopt(client, CURLOPT_WRITEFUNCTION, ignore);
	curl_easy_setopt(client, CURLOPT_FAILONERROR, 1L);
	if (pki[0]) {
		curl_easy_setopt(client, CURLOPT_CAINFO, pki[0]);
		curl_easy_setopt(client, CURLOPT_SSLCERT, pki[1]);
		curl_easy_setopt(client, CURLOPT_SSLKEY, pki[2]);
	}
	return client;
}

static int send_request(CURL *client, struct request *request)
{
	CURLcode code;

	curl_easy_setopt(client, CURLOPT_POSTFIELDS, request->body);
	request->sent = now();
	code = curl_easy_perform(client);
	request->answered = now();
	if (code)
		fprintf(stderr, "cannot send a request: %s\n", curl_easy_strerror(code));
	return code ? -EIO : 0;
}

static int wait_until_in_force(size_t number)
{
	double end = now() + PATIENCE_S;

	while (GW_SET_COUNT(*word) != requests[number].count) {
		if (now() > end) {
			fprintf(stderr,
				"request %zu has not come into force: %llu backends, not %u\n",
				number, (unsigned long long)GW_SET_COUNT(*word),
				requests[number].count);
			return -ETIMEDOUT;
		}
		pause_ns(LOOK_NS);
	}
	return 0;
}

static int send_all(CURL *client, double interval)
{
	double next = now();
	int err = 0;

	for (size_t i = 0; !err && i < request_count; i++) {
		double early = next - now();

		if (early > 0)
			pause_ns((long)(early * 1e9));
		next += interval;
		err = send_request(client, &requests[i]);
		if (!err && interval == 0)
			err = wait_until_in_force(i);
	}
	return err;
}

/*
 * Changes come in the order of the requests; a request that was overtaken never shows. Returns how
 * many were.
 */
static size_t match(void)
{
	size_t next = 0, matched = 0;

	for (size_t i = 0; i < change_count; i++) {
		size_t found = next;

		while (found < request_count && requests[found].sent <= changes[i].when &&
		       requests[found].count != changes[i].count)
			found++;
		if (found == request_count || requests[found].sent > changes[i].when)
			continue;
		requests[found].in_force = changes[i].when;
		next = found + 1;
		matched++;
	}
	return request_count - matched;
}

/* How long another state than the newest one was in force. */
static double time_behind(void)
{
	double behind = 0;

	for (size_t i = 0; i < request_count; i++) {
		const struct request *request = &requests[i];
		double end = i + 1 < request_count ? request[1].sent : now();

		if (request->in_force != 0 && request->in_force < end)
			end = request->in_force;
		behind += end - request->sent;
	}
	return behind;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static void print_quantiles(const char *what, double *values, size_t count)
{
	if (!count)
		return;
	qsort(values, count, sizeof(*values), compare);
	printf("%-28s p50 %8.3f ms  p99 %8.3f ms  max %8.3f ms\n", what, values[count / 2] * 1e3,
	       values[count * 99 / 100] * 1e3, values[count - 1] * 1e3);
}

static void report(void)
{
	static double from_call[REQUESTS_MAX], from_answer[REQUESTS_MAX];
	double took = requests[request_count - 1].answered - requests[0].sent;
	size_t overtaken = match();
	size_t count = 0;

	for (size_t i = 0; i < request_count; i++) {
		if (requests[i].in_force == 0)
			continue;
		from_call[count] = requests[i].in_force - requests[i].sent;
		from_answer[count++] = requests[i].in_force - requests[i].answered;
	}
	printf("%zu requests in %.2f s, %zu swaps of the set, %zu overtaken\n", request_count, took,
	       change_count, overtaken);
	print_quantiles("from the call", from_call, count);
	print_quantiles("from the answer", from_answer, count);
	printf("%-28s %.3f s in all\n", "without the newest state", time_behind());
}

/* It looks even when the CPUs are busy: a change that it misses is one that was not measured. */
static int start_watching(void)
{
	const struct sched_param param = {.sched_priority = 1};
	static __u64 before;
	pthread_t watcher;
	int err;

	before = *word;
	err = pthread_create(&watcher, NULL, watch, &before);
	if (!err)
		err = pthread_setschedparam(watcher, SCHED_FIFO, &param);
	return -err;
}

int main(int argc, char **argv)
{
	CURL *client;
	int err;

	if (argc != 7 && argc != 10) {
		fprintf(stderr,
			"usage: stopwatch PIN_DIR ADDRESS PORT INTERVAL_MS METHOD URL [CA CERT KEY]\n");
		return 2;
	}
	err = find_word(argv[1], argv[2], argv[3]);
	if (!err)
		err = read_requests();
	client = new_client(argv[5], argv[6], argv + 7);
	if (!err && !client)
		err = -ENOMEM;
	if (!err)
		err = start_watching();
	if (!err)
		err = send_all(client, atof(argv[4]) / 1e3);
	if (err) {
		fprintf(stderr, "stopwatch: %s\n", strerror(-err));
		return 1;
	}
	/* If it does not come, the figures say how bad it is. */
	wait_until_in_force(request_count - 1);
	pause_ns(10 * LOOK_NS);
	report();
	curl_easy_cleanup(client);
	return 0;
}
