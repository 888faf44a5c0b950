// SPDX-License-Identifier: Apache-2.0
#include "kernel/lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/addr.h"
#include "kernel/mounts.h"
#include "model/choose.h"

struct lab lab;

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

static void join(const char *cgroup)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1) {
		fprintf(stderr, "cannot join cgroup '%s': %s\n", cgroup, strerror(errno));
		exit(1);
	}
	close(fd);
}

/* Everything here is private to this process and ends with it. */
static void enter(void)
{
	join(lab.cgroup);
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", "/mnt", "bpf", 0, NULL)) {
		fprintf(stderr, "cannot make the lab: %s\n", strerror(errno));
		exit(1);
	}
	lab_run("ip link set lo up");
	for (int i = 1; i <= LAB_ADDRESSES; i++)
		lab_run("ip addr add 10.1.0.%d/32 dev lo && ip -6 addr add fd00::%d/128 dev lo "
			"nodad", i, i);
}

/* The child runs the tests; the parent is left to remove the cgroup. */
int lab_main(const struct CMUnitTest *tests, size_t count)
{
	char root[200];
	int status = 1;
	pid_t child;

	if (geteuid() || mounts_find_cgroup2(root, sizeof(root))) {
		fprintf(stderr, "run as root, with a cgroup v2 mount\n");
		return 1;
	}
	snprintf(lab.cgroup, sizeof(lab.cgroup), "%s/gwbpf-test-%d", root, getpid());
	if (mkdir(lab.cgroup, 0755)) {
		fprintf(stderr, "cannot make '%s': %s\n", lab.cgroup, strerror(errno));
		return 1;
	}
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		enter();
		_exit(_cmocka_run_group_tests("kernel", tests, count, NULL, NULL));
	}
	waitpid(child, &status, 0);
	/* A process that just ended may hold the cgroup for a moment. */
	for (int i = 0; i < 100 && rmdir(lab.cgroup) && errno == EBUSY; i++)
		usleep(10000);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

void lab_open(void)
{
	const struct datapath_options options = {
		.pin_dir = LAB_PINS,
		.cgroup = lab.cgroup,
		.max_services = 64,
		.max_backends = 4096,
	};
	char message[DATAPATH_MESSAGE_MAX];

	if (datapath_open(&options, &lab.datapath, message))
		fail_msg("%s", message);
	assert_return_code(tables_open(LAB_PINS, &lab.tables), 0);
	if (datapath_attach(lab.datapath, message))
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
	print_message("refused: %s\n", message);
}

static int apply(const char *name, const struct choice *choices, size_t count)
{
	struct tables_job job = {.namespace = "lab", .name = name, .refuse = refuse};
	const struct present *have = NULL;
	struct plan plan;
	size_t have_count;
	int err;

	err = tables_present(lab.tables, "lab", name, &have, &have_count);
	if (!err)
		err = plan_make(choices, count, have, have_count, &plan);
	if (err)
		return err;
	job.plan = &plan;
	err = tables_apply(lab.tables, &job);
	plan_done(&plan);
	return err;
}

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = addr_compare(&x->address, &y->address);

	return order ? order : (x->port > y->port) - (x->port < y->port);
}

void lab_service(const char *name, const char *vip, enum gw_policy policy,
		 const char *const *backends)
{
	static char empty[] = "";
	struct endpoint endpoint = {.node = empty, .zone = empty, .pod = empty};
	struct service service = {.invalid = empty, .settings = {.policy = policy}};
	struct choice choice = {
		.service = &service,
		.port_name = "",
		.verdict = VERDICT_BALANCE,
		.reason = CHOICE_READY,
	};
	struct member *members = calloc(GW_SET_MAX, sizeof(*members));

	assert_non_null(members);
	assert_return_code(addr_port_parse(vip, &choice.vip, &choice.port), 0);
	for (; backends[choice.member_count]; choice.member_count++) {
		struct member *member = &members[choice.member_count];

		assert_return_code(addr_port_parse(backends[choice.member_count], &member->address,
						   &member->port), 0);
		member->weight = 1;
		member->endpoint = &endpoint;
	}
	if (!choice.member_count)
		choice.verdict = VERDICT_REFUSE;
	qsort(members, choice.member_count, sizeof(*members), compare_members);
	choice.members = members;
	assert_return_code(apply(name, &choice, 1), 0);
	free(members);
}

void lab_remove_service(const char *name)
{
	assert_return_code(apply(name, NULL, 0), 0);
}

static socklen_t socket_address(const char *text, bool mapped, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct gw_addr address;
	uint16_t port;

	assert_return_code(addr_port_parse(text, &address, &port), 0);
	memset(ret, 0, sizeof(*ret));
	if (addr_is_ipv4(&address) && !mapped) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		v4->sin_addr.s_addr = address.word[3];
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, &address, sizeof(address));
	return sizeof(*v6);
}

int lab_listen(const char *address)
{
	struct sockaddr_storage to;
	socklen_t length = socket_address(address, false, &to);
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_return_code(bind(fd, (struct sockaddr *)&to, length), errno);
	assert_return_code(listen(fd, 4096), errno);
	return fd;
}

static int dial(int fd, const char *address, bool mapped)
{
	struct sockaddr_storage to;
	socklen_t length = socket_address(address, mapped, &to);

	return connect(fd, (struct sockaddr *)&to, length) ? -errno : 0;
}

int lab_dial(int fd, const char *address)
{
	return dial(fd, address, false);
}

static int connect_new(const char *address, bool mapped)
{
	struct sockaddr_storage to;
	int err, fd;

	socket_address(address, mapped, &to);
	fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	err = dial(fd, address, mapped);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int lab_connect(const char *address)
{
	return connect_new(address, false);
}

int lab_connect_mapped(const char *address)
{
	return connect_new(address, true);
}

const char *lab_peer_name(int fd, char *buf)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&name;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&name;
	struct gw_addr address = {.word = {0, 0, htonl(0xffff), 0}};
	uint16_t port;

	assert_return_code(getpeername(fd, (struct sockaddr *)&name, &length), errno);
	if (name.ss_family == AF_INET) {
		address.word[3] = v4->sin_addr.s_addr;
		port = ntohs(v4->sin_port);
	} else {
		memcpy(&address, &v6->sin6_addr, sizeof(address));
		port = ntohs(v6->sin6_port);
	}
	return addr_port_format(&address, port, buf);
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

void lab_wait(bool (*check)(void *arg), void *arg, const char *what)
{
	const struct timespec pause = {.tv_nsec = 5000000};

	for (int i = 0; i < 2000; i++) {
		if (check(arg))
			return;
		nanosleep(&pause, NULL);
	}
	fail_msg("never seen: %s", what);
}
