// SPDX-License-Identifier: Apache-2.0
/*
 * How long a change takes from the request that makes it to the set of backends in the kernel:
 * sends prepared requests and watches one Service's word in the pinned maps meanwhile. It knows
 * nothing of what the requests say but how many backends the Service has after each.
 *
 *	stopwatch PIN_DIR ADDRESS PORT INTERVAL_MS [CA CERTIFICATE KEY] <REQUESTS
 *
 * A request is a line "METHOD URL COUNT FILE"; with interval 0 the next one waits for the last to
 * be in force.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/addr.h"
#include "base/parse.h"
#include "kernel/maps.h"

#define REQUESTS_MAX 20000
#define CHANGES_MAX 200000
#define LOOK_NS 10000
#define PATIENCE_S 20.0
#define LINE_BYTES_MAX 1024

struct request {
	char method[8];
	char url[LINE_BYTES_MAX];
	char file[LINE_BYTES_MAX];
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
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void pause_ns(long ns)
{
	struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

	nanosleep(&t, NULL);
}

static void *watch(void *arg)
{
	__u64 last = *word;

	(void)arg;
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
	char line[2 * LINE_BYTES_MAX];

	while (fgets(line, sizeof(line), stdin)) {
		struct request *request = &requests[request_count];

		if (request_count == REQUESTS_MAX ||
		    sscanf(line, "%7s %1023s %u %1023s", request->method, request->url,
			   &request->count, request->file) != 4)
			return -EINVAL;
		request_count++;
	}
	return 0;
}

static size_t ignore(char *data, size_t size, size_t count, void *arg)
{
	(void)data;
	(void)arg;
	return size * count;
}

static CURL *new_client(char **pki)
{
	CURL *client = curl_easy_init();

	if (!client)
		return NULL;
	curl_easy_setopt(client, CURLOPT_WRITEFUNCTION, ignore);
	curl_easy_setopt(client, CURLOPT_FAILONERROR, 1L);
	if (pki[0] && pki[1] && pki[2]) {
		curl_easy_setopt(client, CURLOPT_CAINFO, pki[0]);
		curl_easy_setopt(client, CURLOPT_SSLCERT, pki[1]);
		curl_easy_setopt(client, CURLOPT_SSLKEY, pki[2]);
	}
	return client;
}

static int read_body(const char *path, char **ret)
{
	FILE *file = fopen(path, "re");
	size_t size = 0;
	ssize_t got;

	if (!file)
		return -errno;
	*ret = NULL;
	got = getdelim(ret, &size, EOF, file);
	fclose(file);
	return got < 0 ? -EIO : 0;
}

static int send_request(CURL *client, struct request *request)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	CURLcode code;
	char *body;
	int err;

	err = read_body(request->file, &body);
	if (err)
		goto out;
	curl_easy_setopt(client, CURLOPT_URL, request->url);
	curl_easy_setopt(client, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(client, CURLOPT_CUSTOMREQUEST, request->method);
	curl_easy_setopt(client, CURLOPT_POSTFIELDS, body);
	request->sent = now();
	code = curl_easy_perform(client);
	request->answered = now();
	if (code) {
		fprintf(stderr, "cannot send '%s': %s\n", request->url, curl_easy_strerror(code));
		err = -EIO;
	}
	free(body);
out:
	curl_slist_free_all(headers);
	return err;
}

static bool wait_for_changes(size_t wanted)
{
	double end = now() + PATIENCE_S;

	while (__atomic_load_n(&change_count, __ATOMIC_ACQUIRE) < wanted) {
		if (now() > end)
			return false;
		pause_ns(LOOK_NS);
	}
	return true;
}

static int send_all(CURL *client, double interval)
{
	double next = now();

	for (size_t i = 0; i < request_count; i++) {
		double early = next - now();
		int err;

		if (early > 0)
			pause_ns((long)(early * 1e9));
		next += interval;
		err = send_request(client, &requests[i]);
		if (err)
			return err;
		if (interval == 0 && !wait_for_changes(i + 1))
			return -ETIMEDOUT;
	}
	return 0;
}

/* Changes come in the order of the requests; one that was overtaken never shows. */
static size_t match(void)
{
	size_t at = 0, missed = 0;

	for (size_t i = 0; i < request_count; i++) {
		size_t found = at;

		while (found < change_count && (changes[found].when < requests[i].sent ||
						changes[found].count != requests[i].count))
			found++;
		if (found == change_count) {
			missed++;
			continue;
		}
		requests[i].in_force = changes[found].when;
		at = found + 1;
	}
	return missed;
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

static void report(size_t missed)
{
	static double from_call[REQUESTS_MAX], from_answer[REQUESTS_MAX];
	double took = requests[request_count - 1].answered - requests[0].sent, behind = 0;
	size_t count = 0;

	for (size_t i = 0; i < request_count; i++) {
		if (requests[i].in_force == 0)
			continue;
		from_call[count] = requests[i].in_force - requests[i].sent;
		from_answer[count] = requests[i].in_force - requests[i].answered;
		behind += from_call[count++];
	}
	printf("%zu requests in %.2f s, %zu swaps of the set, %zu overtaken\n", request_count, took,
	       change_count, missed);
	print_quantiles("from the call", from_call, count);
	print_quantiles("from the answer", from_answer, count);
	printf("%-28s %.3f s in all\n", "without the newest state", behind);
}

int main(int argc, char **argv)
{
	pthread_t watcher;
	CURL *client;
	int err;

	if (argc != 5 && argc != 8) {
		fprintf(stderr, "usage: stopwatch PIN_DIR ADDRESS PORT INTERVAL_MS [CA CERT KEY]\n");
		return 2;
	}
	err = find_word(argv[1], argv[2], argv[3]);
	if (!err)
		err = read_requests();
	client = new_client(argc == 8 ? argv + 5 : (char *[]){NULL, NULL, NULL});
	if (!err && !client)
		err = -ENOMEM;
	if (!err)
		err = -pthread_create(&watcher, NULL, watch, NULL);
	if (!err)
		err = send_all(client, atof(argv[4]) / 1e3);
	if (err) {
		fprintf(stderr, "stopwatch: %s\n", strerror(-err));
		return 1;
	}
	/* What is on its way by now is not lost. */
	for (double end = now() + 2; now() < end && changes[change_count ? change_count - 1 : 0].count !=
							    requests[request_count - 1].count;)
		pause_ns(LOOK_NS);
	report(match());
	curl_easy_cleanup(client);
	return 0;
}
