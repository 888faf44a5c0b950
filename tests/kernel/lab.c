// SPDX-License-Identifier: Apache-2.0
#include "kernel/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/addr.h"
#include "base/child.h"
#include "base/clock.h"
#include "kernel/lab_cgroup.h"
#include "kernel/maps.h"
#include "model/choose.h"

#define CLIENTS_MAX 1024 /* that the tests of one program have */

struct lab lab = {.namespace = "lab", .max_services = 64, .max_backends = 4096};

void lab_run(const char *format, ...)
{
	char command[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	if (system(command))
		fail_msg("'%s' failed", command);
}

pid_t lab_fork(void)
{
	pid_t pid;

	fflush(NULL);
	pid = child_fork();
	if (pid < 0) {
		fprintf(stderr, "cannot fork: %s\n", strerror(errno));
		exit(1);
	}
	return pid;
}

void lab_enter_namespace(void)
{
	if (unshare(CLONE_NEWNET)) {
		fprintf(stderr, "cannot make a network namespace: %s\n", strerror(errno));
		exit(1);
	}
	lab_run("{ echo link set lo up; for i in $(seq %d); do "
		"echo addr add 10.1.0.$i/32 dev lo; echo addr add fd00::$i/128 dev lo nodad; "
		"done; } | ip -batch -",
		LAB_ADDRESSES);
}

static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max = 20000;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Everything here is private to this process and ends with it. */
static void enter(void)
{
	allow_many_files();
	lab_join_cgroup(lab.cgroup);
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", "/mnt", "bpf", 0, NULL)) {
		fprintf(stderr, "cannot make the lab: %s\n", strerror(errno));
		exit(1);
	}
	lab_enter_namespace();
}

static pid_t tests_pid;

static void end_tests(int number)
{
	(void)number;
	kill(tests_pid, SIGKILL);
}

/* What asks this process to end must not leave the cgroup behind. */
static int await_tests(void)
{
	int status = 1;

	signal(SIGINT, end_tests);
	signal(SIGTERM, end_tests);
	signal(SIGHUP, end_tests);
	waitpid(tests_pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* The child runs the tests; the parent is left to remove the cgroup. */
int lab_main(const struct CMUnitTest *tests, size_t count, CMFixtureFunction start,
	     CMFixtureFunction stop)
{
	int status;

	if (geteuid() || lab_make_cgroup(lab.cgroup, sizeof(lab.cgroup))) {
		fprintf(stderr, "run as root, with a cgroup v2 mount\n");
		return 1;
	}
	tests_pid = lab_fork();
	if (!tests_pid) {
		enter();
		_exit(_cmocka_run_group_tests("kernel", tests, count, start, stop));
	}
	status = await_tests();
	lab_remove_cgroup(lab.cgroup);
	return status;
}

int lab_try_open(const char *cgroup, char message[DATAPATH_MESSAGE_MAX])
{
	const struct datapath_options options = {
		.pin_dir = LAB_PINS,
		.cgroup = cgroup,
		.max_services = lab.max_services,
		.max_backends = lab.max_backends,
	};

	if (datapath_open(&options, &lab.datapath, message))
		fail_msg("%s", message);
	assert_return_code(tables_open(LAB_PINS, &lab.tables), 0);
	return datapath_attach(lab.datapath, message);
}

void lab_open(void)
{
	char message[DATAPATH_MESSAGE_MAX];

	if (lab_try_open(lab.cgroup, message))
		fail_msg("%s", message);
}

void lab_close(void)
{
	tables_close(lab.tables);
	datapath_close(lab.datapath);
	lab.tables = NULL;
	lab.datapath = NULL;
}

int lab_start(void **state)
{
	(void)state;
	lab_open();
	return 0;
}

int lab_stop(void **state)
{
	char message[DATAPATH_MESSAGE_MAX];

	(void)state;
	lab_close();
	if (datapath_detach(LAB_PINS, false, message))
		fail_msg("%s", message);
	return 0;
}

static void refuse(const char *message, void *arg)
{
	(void)arg;
	snprintf(lab.refusal, sizeof(lab.refusal), "%s", message);
}

static int apply(const char *name, const struct choice *choices, size_t count)
{
	struct tables_job job = {.namespace = lab.namespace, .name = name, .refuse = refuse};
	const struct present *have = NULL;
	struct plan plan;
	size_t have_count;
	int err;

	err = tables_present(lab.tables, lab.namespace, name, &have, &have_count);
	if (!err)
		err = plan_make(choices, count, have, have_count, &plan);
	if (err)
		return err;
	job.plan = &plan;
	lab.refusal[0] = '\0';
	err = tables_apply(lab.tables, &job);
	plan_done(&plan);
	return err == -ENOSPC && lab.refusal[0] ? 0 : err;
}

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = addr_compare(&x->address, &y->address);

	return order ? order : (x->port > y->port) - (x->port < y->port);
}

static int parse_member(const char *text, struct member *member)
{
	const char *star = strchr(text, '*');
	char address[LAB_TEXT];

	snprintf(address, sizeof(address), "%.*s", (int)strcspn(text, "*"), text);
	member->weight = star ? (uint16_t)atoi(star + 1) : 1;
	return addr_port_parse(address, &member->address, &member->port);
}

int lab_try_service(const char *name, const char *vip, enum gw_policy policy,
		    const char *const *backends)
{
	static char empty[] = "";
	struct endpoint endpoint = {.node = empty, .zone = empty, .pod = empty};
	struct service service = {
		.invalid = empty,
		.settings = lab.settings,
		.client_ip_affinity = lab.affinity_s != 0,
		.affinity_timeout_s = lab.affinity_s,
	};
	struct choice choice = {
		.service = &service,
		.port_name = "",
		.verdict = VERDICT_BALANCE,
		.reason = CHOICE_READY,
		.excepted = lab.excepted,
		.excepted_count = lab.excepted_count,
	};
	struct member *members = calloc(GW_SET_MAX, sizeof(*members));
	int err = members ? addr_port_parse(vip, &choice.vip, &choice.port) : -ENOMEM;

	service.settings.policy = policy;
	for (; !err && backends[choice.member_count]; choice.member_count++) {
		err = parse_member(backends[choice.member_count], &members[choice.member_count]);
		members[choice.member_count].endpoint = &endpoint;
	}
	if (!choice.member_count)
		choice.verdict = VERDICT_REFUSE;
	choice.members = members;
	if (!err) {
		qsort(members, choice.member_count, sizeof(*members), compare_members);
		err = apply(name, &choice, 1);
	}
	free(members);
	return err;
}

int lab_try_remove_service(const char *name)
{
	return apply(name, NULL, 0);
}

void lab_service(const char *name, const char *vip, enum gw_policy policy,
		 const char *const *backends)
{
	assert_int_equal(lab_try_service(name, vip, policy, backends), 0);
}

void lab_remove_service(const char *name)
{
	assert_int_equal(lab_try_remove_service(name), 0);
}

void lab_serve_by(const char *vip, const char *backend)
{
	const char *const backends[] = {backend, NULL};

	lab_service("peers", vip, GW_POLICY_LC, backends);
}

static void remove_visited(const char *namespace, const char *name, void *arg)
{
	(void)arg;
	lab.namespace = namespace;
	lab_remove_service(name);
}

int lab_begin(void **state)
{
	(void)state;
	tables_visit_services(lab.tables, remove_visited, NULL);
	lab.namespace = "lab";
	return tables_collect(lab.tables, 0);
}

static void forgive_failures(void)
{
	int fd = maps_open_one(LAB_PINS, "gw_suspects");
	struct gw_suspect_key key;

	assert_true(fd >= 0);
	while (!bpf_map_get_next_key(fd, NULL, &key))
		bpf_map_delete_elem(fd, &key);
	close(fd);
}

/* All keys first: an element that is written becomes the first of its bucket, and then the next key
 * after it may be one that was there already, for ever. */
static size_t read_client_keys(int fd, struct gw_client_key keys[CLIENTS_MAX])
{
	size_t count = 0;

	while (!bpf_map_get_next_key(fd, count ? &keys[count - 1] : NULL, &keys[count]))
		assert_in_range(++count, 1, CLIENTS_MAX - 1);
	return count;
}

/* Whom they may accuse they still know. */
static void forgive_short(void)
{
	int fd = maps_open_one(LAB_PINS, "gw_clients");
	struct gw_client_key keys[CLIENTS_MAX];
	struct gw_client client;
	size_t count;

	assert_true(fd >= 0);
	count = read_client_keys(fd, keys);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(bpf_map_lookup_elem(fd, &keys[i], &client), 0);
		client.until_ns = client.unsent = client.once = client.again = client.reached = 0;
		client.shorts = client.is_next = 0;
		assert_int_equal(bpf_map_update_elem(fd, &keys[i], &client, BPF_EXIST), 0);
	}
	close(fd);
}

void lab_forgive(void)
{
	forgive_failures();
	forgive_short();
}

struct view *lab_view(void)
{
	struct view *view;

	assert_return_code(view_open(LAB_PINS, &view), 0);
	return view;
}

const struct view_backend *lab_backend(const struct view *view, const char *address)
{
	const struct view_backend *backends;
	size_t count = view_backends(view, &backends);
	char text[ADDR_PORT_TEXT_MAX];

	for (size_t i = 0; i < count; i++) {
		addr_port_format(&backends[i].address, backends[i].port, text);
		if (!strcmp(text, address))
			return &backends[i];
	}
	fail_msg("no backend %s", address);
	return NULL;
}

const struct view_service *lab_find_service(const struct view *view, const char *name)
{
	const struct view_service *services;
	size_t count = view_services(view, &services);

	for (size_t i = 0; i < count; i++)
		if (!strcmp(services[i].name, name))
			return &services[i];
	fail_msg("no service %s", name);
	return NULL;
}

uint64_t lab_reason(enum gw_reason reason)
{
	struct view *view = lab_view();
	uint64_t count = view_reasons(view)[reason];

	view_close(view);
	return count;
}

bool lab_becomes(bool (*check)(void *arg), void *arg)
{
	const struct timespec pause = {.tv_nsec = 5000000};
	const uint64_t until_ms = clock_now_ms() + LAB_PATIENCE_MS;

	while (!check(arg)) {
		if (clock_now_ms() > until_ms)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

void lab_wait(bool (*check)(void *arg), void *arg, const char *what)
{
	if (!lab_becomes(check, arg))
		fail_msg("never seen: %s", what);
}
