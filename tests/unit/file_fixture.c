// SPDX-License-Identifier: Apache-2.0
#include "file_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "source/file.h"
#include "source/sink.h"

#define DEADLINE_S 60

static char directory[64];
static char lines[8192], refusals[16384];
static unsigned int commits;
static struct event_base *base;
static struct file_source *source;
static const char *paths[2];
static char path_texts[2][128];

static void note(char *log, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void note(char *log, size_t size, const char *format, ...)
{
	size_t used = strlen(log);
	va_list args;

	va_start(args, format);
	vsnprintf(log + used, size - used, format, args);
	va_end(args);
}

static const char *without_directory(const char *path)
{
	size_t length = strlen(directory);

	if (strncmp(path, directory, length))
		return path;
	path += length;
	return !strncmp(path, "/./", 3) ? path + 3 : *path ? path + 1 : ".";
}

static void on_put(enum store_kind kind, const void *object, const void *old, void *arg)
{
	const struct service *put = object;
	const struct slice *put_slice = object;
	const struct pod *pod = object;

	(void)old;
	(void)arg;
	if (kind == STORE_POD)
		note(lines, sizeof(lines), "put Pod %s %s\n", pod->name, pod->uid);
	else if (kind == STORE_SERVICE)
		note(lines, sizeof(lines), "put Service %s %d\n", put->name,
		     put->port_count ? put->ports[0].port : 0);
	else
		note(lines, sizeof(lines), "put EndpointSlice %s %zu\n", put_slice->name,
		     put_slice->endpoint_count);
}

static void on_removed(enum store_kind kind, const char *namespace, const char *name, void *arg)
{
	static const char *const words[] = {
		[STORE_SERVICE] = "Service",
		[STORE_SLICE] = "EndpointSlice",
		[STORE_POD] = "Pod",
	};

	(void)arg;
	assert_string_equal(namespace, "fabric");
	note(lines, sizeof(lines), "remove %s %s\n", words[kind], name);
}

static void refuse(const char *origin, const char *object, const char *message, void *arg)
{
	(void)arg;
	note(refusals, sizeof(refusals), "%s | %s: %s\n", without_directory(origin), object,
	     message);
}

static void on_accepted(const char *origin, void *arg)
{
	(void)arg;
	note(lines, sizeof(lines), "accept %s\n", without_directory(origin));
}

static void recovered(const char *origin, void *arg)
{
	(void)arg;
	note(lines, sizeof(lines), "recovered %s\n", without_directory(origin));
}

static void commit(bool complete, void *arg)
{
	(void)arg;
	assert_true(complete);
	note(lines, sizeof(lines), "commit\n");
	commits++;
	event_base_loopbreak(base);
}

static const struct store_ops ops = {
	.put = on_put,
	.removed = on_removed,
	.refused = refuse,
	.accepted = on_accepted,
};

static struct sink sink = {
	.recovered = recovered,
	.commit = commit,
};

int fixture_open(void **state)
{
	(void)state;
	base = event_base_new();
	return base ? 0 : -1;
}

int fixture_close(void **state)
{
	(void)state;
	event_base_free(base);
	libevent_global_shutdown();
	return 0;
}

int fixture_begin(void **state)
{
	(void)state;
	*lines = *refusals = '\0';
	if (store_new(&ops, NULL, &sink.store))
		return -1;
	strcpy(directory, "/tmp/gwbpf-file-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

int fixture_end(void **state)
{
	char command[128];

	(void)state;
	file_source_stop(source);
	source = NULL;
	store_free(sink.store);
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command);
}

const char *in_directory(const char *name)
{
	static char buffers[4][256];
	static unsigned int next;
	char *buffer = buffers[next++ % 4];

	snprintf(buffer, sizeof(buffers[0]), "%s/%s", directory, name);
	return buffer;
}

void write_file(const char *name, const char *text)
{
	FILE *file = fopen(in_directory(name), "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

void replace_file(const char *name, const char *text)
{
	write_file("new.tmp", text);
	assert_int_equal(rename(in_directory("new.tmp"), in_directory(name)), 0);
}

const char *service(const char *name, unsigned int port)
{
	static char buffers[4][256];
	static unsigned int next;
	char *buffer = buffers[next++ % 4];

	snprintf(buffer, sizeof(buffers[0]),
		 "apiVersion: v1\nkind: Service\nmetadata: {name: %s, namespace: fabric}\n"
		 "spec: {clusterIP: 10.96.0.7, ports: [{port: %u}]}\n",
		 name, port);
	return buffer;
}

const char *slice(const char *name, unsigned int endpoints)
{
	static char buffers[4][1024];
	static unsigned int next;
	char *buffer = buffers[next++ % 4];
	unsigned int i;

	*buffer = '\0';
	note(buffer, sizeof(buffers[0]),
	     "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\naddressType: IPv4\n"
	     "metadata: {name: %s, namespace: fabric, labels: {kubernetes.io/service-name: gw}}\n"
	     "ports: [{name: '', port: 7051}]\nendpoints:\n",
	     name);
	for (i = 0; i < endpoints; i++)
		note(buffer, sizeof(buffers[0]), "- {addresses: [10.244.1.%u]}\n", i + 1);
	return buffer;
}

const char *joined(const char *first, const char *second)
{
	static char buffer[4096];

	snprintf(buffer, sizeof(buffer), "%s---\n%s", first, second);
	return buffer;
}

void start(const char *first, const char *second)
{
	size_t count = second ? 2 : 1;

	snprintf(path_texts[0], sizeof(path_texts[0]), "%s", in_directory(first));
	if (second)
		snprintf(path_texts[1], sizeof(path_texts[1]), "%s", in_directory(second));
	paths[0] = path_texts[0];
	paths[1] = path_texts[1];
	assert_int_equal(file_source_start(base, paths, count, &sink, &source), 0);
}

void reload(void)
{
	file_source_reload(source);
}

static void give_up(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	event_base_loopbreak(base);
}

void wait_for_commit(void)
{
	static const struct timeval deadline = {.tv_sec = DEADLINE_S};
	struct event *timer = evtimer_new(base, give_up, NULL);
	unsigned int before = commits;

	evtimer_add(timer, &deadline);
	event_base_dispatch(base);
	event_free(timer);
	if (commits == before)
		fail_msg("no commit within %d s; until now:\n%s%s", DEADLINE_S, lines, refusals);
}

void take_what_is_there(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
}

void expect(const char *expected)
{
	assert_string_equal(lines, expected);
	*lines = '\0';
}

bool was_refused(const char *origin, const char *what, const char *more)
{
	char *line, *rest = refusals, copy[2048];
	size_t length = strlen(origin);
	bool found = false;

	while (!found && (line = strsep(&rest, "\n")) != NULL) {
		snprintf(copy, sizeof(copy), "%s", line);
		if (rest)
			rest[-1] = '\n';
		found = !strncmp(copy, origin, length) && !strncmp(copy + length, " | ", 3) &&
			strstr(copy, what) && strstr(copy, more);
	}
	if (!found)
		print_message("# refused:\n%s", refusals);
	*refusals = '\0';
	return found;
}
