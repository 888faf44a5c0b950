// SPDX-License-Identifier: Apache-2.0
#include "kernel/conns.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <walk.skel.h>

#include "base/child.h"
#include "kernel/iterate.h"
#include "kernel/maps.h"
#include "kernel/netns.h"

#define WALK_SECONDS 240 /* a child may take */
#define ROOM_MAX 1000000 /* that counts alone make */
#define WALK_ROOM 4096   /* sockets in a first walk, at least; grows to what there is */

/* What a child says of its walk; the sockets are in memory that it shares anyway. */
struct report {
	int err;
	size_t unseen;
};

struct conns {
	int records_fd; /* of gw_conns */
	struct walk_bpf *walk;
	struct gw_walk_conn *room; /* what the walk writes, mapped */
	size_t room_count;
	bool by_records;
	size_t unseen;         /* by the last walk */
	struct report *report; /* shared with the child */
	pid_t child;           /* that walks; 0: none */
};

/* What it would say of a program that this kernel refuses is expected. */
static int be_silent(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

/* CLOCK_MONOTONIC_COARSE ticks once a jiffy. */
uint32_t conns_jiffies_per_second(void)
{
	struct timespec tick;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) || !tick.tv_nsec)
		return 250;
	return (uint32_t)(1000000000 / tick.tv_nsec);
}

static int open_walk(size_t room, int conns_fd, bool by_records, struct walk_bpf **ret)
{
	struct walk_bpf *walk = walk_bpf__open();
	int err;

	if (!walk)
		return -errno;
	walk->rodata->jiffies_per_second = conns_jiffies_per_second();
	bpf_program__set_autoload(walk->progs.gw_walk_records, by_records);
	bpf_program__set_autoload(walk->progs.gw_walk_tcp, !by_records);
	err = bpf_map__set_max_entries(walk->maps.gw_walk, (__u32)room);
	if (!err && conns_fd >= 0)
		err = bpf_map__reuse_fd(walk->maps.gw_conns, conns_fd);
	if (!err)
		err = walk_bpf__load(walk);
	if (err) {
		walk_bpf__destroy(walk);
		return err;
	}
	*ret = walk;
	return 0;
}

static int run_program(const struct bpf_program *program,
		       const struct bpf_iter_attach_opts *options)
{
	struct bpf_link *link = bpf_program__attach_iter(program, options);
	int err;

	if (!link)
		return -errno;
	err = iterate(link);
	bpf_link__destroy(link);
	return err;
}

/* The sockets of the network namespace that this thread is in. */
static int walk_namespace(void *arg)
{
	struct walk_bpf *walk = arg;

	return run_program(walk->progs.gw_walk_tcp, NULL);
}

static int run_walk(struct conns *conns)
{
	union bpf_iter_link_info info = {.map = {.map_fd = (__u32)conns->records_fd}};
	LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info,
		    .link_info_len = sizeof(info));

	conns->walk->bss->walked = 0;
	conns->unseen = 0;
	if (conns->by_records)
		return run_program(conns->walk->progs.gw_walk_records, &options);
	return netns_visit_all(walk_namespace, conns->walk, &conns->unseen);
}

/* Linux 7.2 falls over a null pointer in __bpf_sk_storage_map_seq_show() when a record is unlinked
 * while the iterator holds it. That cannot be tried out; earlier kernels are sound. */
static bool kernel_falls_over_records(void)
{
	struct utsname system;

	return uname(&system) || strtoul(system.release, NULL, 10) >= 7;
}

static int open_any_walk(size_t room, int conns_fd, bool *by_records, struct walk_bpf **ret)
{
	/* A kernel that has refused it once is not asked again. */
	static bool is_refused;
	libbpf_print_fn_t print = libbpf_set_print(be_silent);
	int err = -ENOTSUP;

	*by_records = true;
	if (!is_refused && !kernel_falls_over_records())
		err = open_walk(room, conns_fd, true, ret);
	/* Want of memory is no refusal. */
	if (err && err != -ENOMEM) {
		is_refused = true;
		*by_records = false;
		err = open_walk(room, conns_fd, false, ret);
	}
	libbpf_set_print(print);
	return err;
}

static int visit_only(void *arg)
{
	(void)arg;
	return 0;
}

int conns_probe(bool *by_records, size_t *unseen)
{
	struct walk_bpf *walk;
	int err = open_any_walk(1, -1, by_records, &walk);

	*unseen = 0;
	if (err)
		return err;
	walk_bpf__destroy(walk);
	return *by_records ? 0 : netns_visit_all(visit_only, NULL, unseen);
}

static void unload(struct conns *conns)
{
	if (conns->room)
		munmap(conns->room, conns->room_count * sizeof(*conns->room));
	if (conns->walk)
		walk_bpf__destroy(conns->walk);
	conns->room = NULL;
	conns->walk = NULL;
}

static int load(struct conns *conns, size_t room)
{
	void *memory;
	int err;

	err = open_any_walk(room, conns->records_fd, &conns->by_records, &conns->walk);
	if (err)
		return err;
	memory = mmap(NULL, room * sizeof(*conns->room), PROT_READ, MAP_SHARED,
		      bpf_map__fd(conns->walk->maps.gw_walk), 0);
	if (memory == MAP_FAILED) {
		err = -errno;
		unload(conns);
		return err;
	}
	conns->room = memory;
	conns->room_count = room;
	return 0;
}

/* Room for the connections that are counted, and for some to come: whoever has to make more loads the
 * program once more. */
static size_t first_room(const char *pin_dir)
{
	struct bpf_map_info info;
	size_t active = 0, count = 0;
	int fd = maps_open_pin(pin_dir, "gw_loads", &info);
	const __u64 *loads = MAP_FAILED;

	if (fd >= 0 && info.value_size == sizeof(*loads)) {
		count = info.max_entries;
		loads = mmap(NULL, count * sizeof(*loads), PROT_READ, MAP_SHARED, fd, 0);
	}
	if (fd >= 0)
		close(fd);
	if (loads == MAP_FAILED)
		return WALK_ROOM;
	for (size_t i = 0; i < count; i++)
		active += GW_LOAD_ACTIVE(loads[i]);
	munmap((void *)loads, count * sizeof(*loads));
	active += active / 4;
	return active < WALK_ROOM ? WALK_ROOM : active < ROOM_MAX ? active : ROOM_MAX;
}

int conns_open(const char *pin_dir, struct conns **ret)
{
	struct conns *conns = calloc(1, sizeof(*conns));
	int err;

	if (!conns)
		return -ENOMEM;
	conns->report = mmap(NULL, sizeof(*conns->report), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	conns->records_fd = maps_open_one(pin_dir, "gw_conns");
	err = conns->records_fd < 0 ? conns->records_fd : load(conns, first_room(pin_dir));
	if (conns->report == MAP_FAILED) {
		conns->report = NULL;
		err = -ENOMEM;
	}
	if (err) {
		conns_close(conns);
		return err;
	}
	*ret = conns;
	return 0;
}

/* What became of the child's walk; -EAGAIN: it goes on. */
static int await_child(struct conns *conns, bool wait)
{
	int status;
	pid_t ended;

	do
		ended = waitpid(conns->child, &status, wait ? 0 : WNOHANG);
	while (ended < 0 && errno == EINTR);
	if (!ended)
		return -EAGAIN;
	conns->child = 0;
	if (ended < 0)
		return -errno;
	if (!WIFEXITED(status))
		return -ETIMEDOUT;
	conns->unseen = conns->report->unseen;
	return conns->report->err;
}

void conns_close(struct conns *conns)
{
	if (!conns)
		return;
	if (conns->child) {
		kill(conns->child, SIGKILL);
		await_child(conns, true);
	}
	unload(conns);
	if (conns->report)
		munmap(conns->report, sizeof(*conns->report));
	if (conns->records_fd >= 0)
		close(conns->records_fd);
	free(conns);
}

bool conns_sees_all(const struct conns *conns)
{
	return conns->by_records;
}

size_t conns_unseen(const struct conns *conns)
{
	return conns->unseen;
}

/* Make room for so many; after a failure the next walk tries again. */
static int grow(struct conns *conns, size_t room)
{
	unload(conns);
	return load(conns, room);
}

static void __attribute__((noreturn)) walk_as_child(struct conns *conns)
{
	alarm(WALK_SECONDS);
	conns->report->err = run_walk(conns);
	conns->report->unseen = conns->unseen;
	_exit(0);
}

static int start_child(struct conns *conns)
{
	conns->child = child_fork();
	if (!conns->child)
		walk_as_child(conns);
	if (conns->child > 0)
		return 0;
	conns->child = 0;
	return -errno;
}

int conns_walk_start(struct conns *conns)
{
	int err = conns->walk ? 0 : load(conns, WALK_ROOM);

	/* The records themselves are walked in a few ms: in conns_walk_finish(). */
	return err || conns->by_records ? err : start_child(conns);
}

int conns_walk_finish(struct conns *conns, bool wait, struct gw_walk_conn **ret, size_t *count)
{
	size_t walked = 0;
	int err;

	do {
		err = conns->child ? await_child(conns, wait) : run_walk(conns);
		walked = err ? 0 : conns->walk->bss->walked;
		if (err || walked <= conns->room_count)
			break;
		err = grow(conns, 2 * walked);
		if (!err)
			err = conns_walk_start(conns);
	} while (!err);
	if (err)
		return err;
	*ret = calloc(walked + 1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	memcpy(*ret, conns->room, walked * sizeof(**ret));
	*count = walked;
	return 0;
}

int conns_walk(struct conns *conns, struct gw_walk_conn **ret, size_t *count)
{
	int err = conns->walk ? 0 : load(conns, WALK_ROOM);

	return err ? err : conns_walk_finish(conns, true, ret, count);
}

int conns_walk_once(const char *pin_dir, struct gw_walk_conn **ret, size_t *count)
{
	struct conns *conns;
	int err = conns_open(pin_dir, &conns);

	if (err)
		return err;
	err = conns_walk(conns, ret, count);
	conns_close(conns);
	return err;
}
