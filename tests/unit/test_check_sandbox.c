// SPDX-License-Identifier: Apache-2.0
/* What the child that looks at backends can no longer do, tried one by one. */
#include "agent/check_sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define KEPT 3

/* Each returns below 0 with errno if it is not let. */
static long opens_a_file(void)
{
	return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static long makes_a_file(void)
{
	return syscall(SYS_openat, AT_FDCWD, "/tmp/gwbpf-sandbox", O_RDWR | O_CREAT, 0600);
}

static long starts_a_program(void)
{
	char *const nothing[] = {NULL};

	return execve("/bin/true", nothing, nothing);
}

static long makes_a_process(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static long makes_a_tcp_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static long speaks_to_a_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long speaks_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

static long sends_datagrams(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0);
}

static long makes_raw_packets(void)
{
	return socket(AF_INET, SOCK_RAW, 6);
}

static long speaks_another_protocol(void)
{
	return socket(AF_INET, SOCK_STREAM, 262 /* MPTCP */);
}

static long listens(void)
{
	return listen(KEPT, 1);
}

static long binds(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};

	return bind(KEPT, (struct sockaddr *)&address, sizeof(address));
}

static long accepts(void)
{
	return accept(KEPT, NULL, NULL);
}

static long calls_bpf(void)
{
	union bpf_attr attribute = {0};

	return syscall(SYS_bpf, BPF_MAP_GET_NEXT_ID, &attribute, sizeof(attribute));
}

static long traces_its_parent(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static long kills_its_parent(void)
{
	return kill(getppid(), 0);
}

static long takes_descriptors(void)
{
	return syscall(SYS_pidfd_open, getpid(), 0);
}

static long makes_a_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

static long mounts(void)
{
	return mount("none", "/mnt", "tmpfs", 0, NULL);
}

static long makes_memory_a_program(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? -1 : 0;
}

static long makes_memory_a_program_later(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(memory, 4096, PROT_READ | PROT_EXEC);
}

static const struct {
	const char *what;
	long (*try)(void);
} forbidden[] = {
	{"opens a file", opens_a_file},
	{"makes a file", makes_a_file},
	{"starts a program", starts_a_program},
	{"makes a process", makes_a_process},
	{"makes a TCP socket", makes_a_tcp_socket},
	{"speaks to a unix socket", speaks_to_a_unix_socket},
	{"speaks netlink", speaks_netlink},
	{"sends datagrams", sends_datagrams},
	{"makes raw packets", makes_raw_packets},
	{"speaks another protocol", speaks_another_protocol},
	{"listens", listens},
	{"binds", binds},
	{"accepts", accepts},
	{"calls bpf", calls_bpf},
	{"traces its parent", traces_its_parent},
	{"kills its parent", kills_its_parent},
	{"takes descriptors", takes_descriptors},
	{"makes a namespace", makes_a_namespace},
	{"mounts", mounts},
	{"makes memory a program", makes_memory_a_program},
	{"makes memory a program later", makes_memory_a_program_later},
};

/* Not by exit(3): the sanitizers do more there than the filter lets them. */
static void end(long status)
{
	syscall(SYS_exit_group, status);
}

/* Run in a child, as the sandbox stays; what goes wrong is its exit status, with a word. */
static void tell(const char *what)
{
	dprintf(STDERR_FILENO, "# it %s\n", what);
	end(1);
}

static void in_child(void (*run)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child) {
		run();
		end(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void try_all(void)
{
	if (check_sandbox_enter())
		tell("cannot be shut in");
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++)
		if (forbidden[i].try() >= 0 || errno != EPERM)
			tell(forbidden[i].what);
}

/* As far as a process that is not root can enter a filter, it has given up new privileges. */
static void try_forbidden(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (check_sandbox_close(fd) || check_sandbox_drop())
		tell("cannot give up its rights");
	try_all();
}

static void test_all_but_looking_is_forbidden(void **state)
{
	(void)state;
	in_child(try_forbidden);
}

static void try_allowed(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (check_sandbox_drop() || check_sandbox_enter())
		tell("cannot give up its rights");
	to.sin_port = htons(1);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno == EPERM)
		tell("may not connect");
	if (close(fd))
		tell("may not close");
}

static void test_a_tcp_connection_is_allowed(void **state)
{
	(void)state;
	in_child(try_allowed);
}

static void try_rights(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (check_sandbox_drop())
		tell("cannot give up its rights");
	if (syscall(SYS_capget, &header, data))
		tell("cannot say what its capabilities are");
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if (data[i].effective || data[i].permitted || data[i].inheritable)
			tell("has capabilities");
}

static void test_it_has_no_capability(void **state)
{
	(void)state;
	in_child(try_rights);
}

static void try_descriptors(void)
{
	int kept = open("/proc", O_RDONLY);

	for (int i = 0; i < 20; i++)
		if (dup(kept) < 0)
			tell("has no room for descriptors");
	if (check_sandbox_close(kept))
		tell("cannot close its descriptors");
	if (fcntl(KEPT, F_GETFD) < 0)
		tell("has lost its own descriptor");
	for (int fd = KEPT + 1; fd < 64; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			tell("has another one's descriptor");
}

static void test_it_keeps_no_other_descriptor(void **state)
{
	(void)state;
	in_child(try_descriptors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_but_looking_is_forbidden),
		cmocka_unit_test(test_a_tcp_connection_is_allowed),
		cmocka_unit_test(test_it_has_no_capability),
		cmocka_unit_test(test_it_keeps_no_other_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
