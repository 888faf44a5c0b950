// SPDX-License-Identifier: Apache-2.0
#include "kernel/probe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gwbpf.skel.h>

#include "kernel/conns.h"
#include "kernel/cover.h"
#include "kernel/features.h"
#include "kernel/mounts.h"
#include "kernel/probe_moving.h"
#include "kernel/records.h"
#include "kernel/waits.h"

#define SCRATCH_CGROUP "gwbpf-check"

static const char *const outcomes[] = {
	[PROBE_FOUND] = "found",
	[PROBE_DEGRADED] = "degraded",
	[PROBE_UNKNOWN] = "unknown",
	[PROBE_MISSING] = "missing",
};

const char *probe_outcome_name(enum probe_outcome outcome)
{
	return outcomes[outcome];
}

__attribute__((format(printf, 3, 4))) static void
say(struct probe_result *result, enum probe_outcome outcome, const char *format, ...)
{
	va_list arguments;

	result->outcome = outcome;
	va_start(arguments, format);
	vsnprintf(result->detail, sizeof(result->detail), format, arguments);
	va_end(arguments);
}

static void remedy(struct probe_result *result, const char *text)
{
	snprintf(result->remedy, sizeof(result->remedy), "%s", text);
}

static int be_silent(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

static void probe_root(const struct probe_options *options, struct probe_result *result)
{
	(void)options;
	say(result, geteuid() ? PROBE_MISSING : PROBE_FOUND, "user id %u", geteuid());
	if (geteuid())
		remedy(result, "run it as root, in a pod with CAP_SYS_ADMIN; what else is missing "
			       "can be seen only then");
}

static void probe_btf(const struct probe_options *options, struct probe_result *result)
{
	(void)options;
	if (!access("/sys/kernel/btf/vmlinux", R_OK)) {
		say(result, PROBE_FOUND, "/sys/kernel/btf/vmlinux");
		return;
	}
	say(result, PROBE_MISSING, "/sys/kernel/btf/vmlinux: %s", strerror(errno));
	remedy(result, "use a kernel from 5.10 on that is built with CONFIG_DEBUG_INFO_BTF");
}

static void probe_cgroup(const struct probe_options *options, struct probe_result *result)
{
	char root[192] = "";
	int fd;

	mounts_find_cgroup2(root, sizeof(root));
	fd = mounts_open_cgroup(options->cgroup);
	if (fd >= 0) {
		say(result, PROBE_FOUND, "%s", options->cgroup ? options->cgroup : root);
		close(fd);
		return;
	}
	say(result, PROBE_MISSING, "%.180s: %s", options->cgroup ? options->cgroup : "no mount",
	    fd == -ENOTSUP ? "it is not a cgroup v2 directory" : strerror(-fd));
	remedy(result, options->cgroup ? "name a cgroup v2 directory with --cgroup"
				       : "mount one: mount -t cgroup2 none /sys/fs/cgroup/unified");
}

/* An agent alone in its cgroup does not start; one that is not balances for its neighbours. */
static void probe_pods(const struct probe_options *options, struct probe_result *result)
{
	int fd = mounts_open_cgroup(options->cgroup);
	enum gw_cover cover = fd < 0 ? GW_COVER_UNKNOWN : cover_of_cgroup(fd);
	bool is_alone = fd >= 0 && cover_is_alone(fd);

	if (fd >= 0)
		close(fd);
	if (cover == GW_COVER_YES) {
		say(result, PROBE_FOUND, "the cgroup covers the pods of this node");
		return;
	}
	if (cover == GW_COVER_UNKNOWN) {
		say(result, PROBE_UNKNOWN, "no kubelet's pods are below this cgroup");
		return;
	}
	say(result, is_alone && !options->cgroup ? PROBE_MISSING : PROBE_DEGRADED,
	    "pods are not covered: the cgroup namespace of this process is private, and the pods of "
	    "this node are outside of it");
	remedy(result, "mount the node's /sys/fs/cgroup into the pod, or name the node's cgroup "
		       "with --cgroup");
}

static void probe_bpffs(const struct probe_options *options, struct probe_result *result)
{
	char message[256];

	if (mounts_is_on_bpffs(options->pin_dir) &&
	    mounts_check_pin_dir(options->pin_dir, message, sizeof(message)) == -EXDEV) {
		say(result, PROBE_MISSING, "%s", message);
		remedy(result,
		       "mount -o remount,mode=700 /sys/fs/bpf, and remove what is not root's");
		return;
	}
	if (mounts_is_on_bpffs(options->pin_dir)) {
		say(result, PROBE_FOUND, "%.200s is on a bpffs", options->pin_dir);
		return;
	}
	if (mounts_is_host() && !strncmp(options->pin_dir, "/sys/fs/bpf/", 12)) {
		say(result, PROBE_FOUND, "not mounted: 'gwbpf agent' mounts it");
		return;
	}
	say(result, PROBE_MISSING, "%.200s is not on a bpffs of the host", options->pin_dir);
	remedy(result,
	       "mount one: mount -t bpf -o mode=700 bpf /sys/fs/bpf; in a pod mount the host's "
	       "/sys/fs/bpf as a hostPath volume");
}

static void probe_programs(const struct probe_options *options, struct probe_result *result)
{
	struct gwbpf_bpf *object = gwbpf_bpf__open();
	int err = -errno;

	(void)options;
	if (object) {
		features_set(object);
		err = gwbpf_bpf__load(object);
		gwbpf_bpf__destroy(object);
	}
	if (!err) {
		say(result, PROBE_FOUND, "the kernel takes every program and map");
		return;
	}
	say(result, PROBE_MISSING, "the kernel refuses the programs: %s", strerror(-err));
	remedy(result, err == -EPERM ? "run as root, with CAP_BPF and CAP_NET_ADMIN, and without "
				       "kernel lockdown"
				     : "use a kernel from 5.10 on with CONFIG_CGROUP_BPF and "
				       "CONFIG_BPF_JIT");
}

/* By a program that needs nothing. */
static void probe_jit(const struct probe_options *options, struct probe_result *result)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);
	int fd = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SOCK, "gw_check", "GPL", nothing, 2, NULL);

	(void)options;
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		say(result, PROBE_UNKNOWN, "no program can be loaded: %s", strerror(errno));
	else if (info.jited_prog_len)
		say(result, PROBE_FOUND, "programs are compiled");
	else
		say(result, PROBE_DEGRADED,
		    "programs are interpreted, so that a connect costs some times more: sysctl "
		    "net.core.bpf_jit_enable=1");
	if (fd >= 0)
		close(fd);
}

/* A socket with storage, as every balanced connection has it. */
static int store_in_socket(void)
{
	int sk = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), map, err;
	char value[sizeof(__u32)] = {0};

	if (sk < 0)
		return -errno;
	map = records_make("gw_check", sizeof(value));
	err = map < 0 ? map : bpf_map_update_elem(map, &sk, value, BPF_ANY) ? -errno : 0;
	if (map >= 0)
		close(map);
	close(sk);
	return err;
}

static void probe_records(const struct probe_options *options, struct probe_result *result)
{
	int err = store_in_socket();

	(void)options;
	if (!err)
		say(result, PROBE_FOUND, "a socket takes a record");
	else if (err == -EPERM)
		say(result, PROBE_UNKNOWN, "no map can be made: %s", strerror(-err));
	else
		say(result, PROBE_DEGRADED,
		    "no socket takes a record (%s): connections are balanced at random, and "
		    "counted by the reason 'no-record' alone",
		    strerror(-err));
}

/* Whom the kernel charges for the memory of records. */
static void probe_memory(const struct probe_options *options, struct probe_result *result)
{
	int map = records_make_uncharged("gw_check", sizeof(__u32));

	(void)options;
	if (map >= 0) {
		say(result, PROBE_FOUND, "records of connections are charged to nobody");
		close(map);
	} else if (map == -EPERM) {
		say(result, PROBE_UNKNOWN, "no map can be made: %s", strerror(-map));
	} else {
		say(result, PROBE_DEGRADED,
		    "the root memory cgroup cannot be entered (%s): each connection is charged to "
		    "the agent's, 0.3 KB, and costs 0.3 us more",
		    strerror(-map));
	}
}

static int attach_to_scratch(const char *path)
{
	struct gwbpf_bpf *object = gwbpf_bpf__open();
	struct bpf_link *link = NULL;
	int err = -ENOMEM, fd;

	fd = mounts_open_cgroup(path);
	if (fd < 0 || !object)
		goto out;
	features_set(object);
	err = gwbpf_bpf__load(object);
	if (err)
		goto out;
	link = bpf_program__attach_cgroup(object->progs.gw_connect4, fd);
	err = link ? 0 : -errno;
out:
	bpf_link__destroy(link);
	if (fd >= 0)
		close(fd);
	gwbpf_bpf__destroy(object);
	return err;
}

/* Attached for a moment to a cgroup that nobody is in. */
static void probe_attach(const struct probe_options *options, struct probe_result *result)
{
	char above[192], path[256];
	int err;

	if (options->cgroup)
		snprintf(above, sizeof(above), "%s", options->cgroup);
	else if (mounts_find_cgroup2(above, sizeof(above)))
		above[0] = '\0';
	snprintf(path, sizeof(path), "%s/" SCRATCH_CGROUP "-%d", above, getpid());
	err = mkdir(path, 0700) ? -errno : attach_to_scratch(path);
	rmdir(path);
	if (!err) {
		say(result, PROBE_FOUND, "a program could be attached below %.150s", above);
		return;
	}
	say(result, PROBE_MISSING, "attaching below '%.150s': %s", above, strerror(-err));
	remedy(result, err == -EPERM ? "another program holds the hook exclusively: see 'bpftool "
				       "cgroup tree'"
				     : "mount cgroup v2 read-write");
}

static void probe_refusal(const struct probe_options *options, struct probe_result *result)
{
	(void)options;
	if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_FUNC_set_retval, NULL) > 0)
		say(result, PROBE_FOUND, "bpf_set_retval()");
	else
		say(result, PROBE_DEGRADED,
		    "no bpf_set_retval(): a Service without backends is refused by way of port 0 "
		    "of the loopback address");
}

static void probe_walk(const struct probe_options *options, struct probe_result *result)
{
	bool by_records;
	size_t unseen;
	int err = conns_probe(&by_records, &unseen);

	(void)options;
	if (err) {
		say(result, PROBE_MISSING, "iterators over sockets are refused: %s",
		    strerror(-err));
		remedy(result, "use a kernel from 5.10 on with BTF");
	} else if (by_records) {
		say(result, PROBE_FOUND, "iterator over the records of sockets");
	} else if (unseen) {
		say(result, PROBE_DEGRADED,
		    "%zu network namespaces may not be looked into: a count that is too "
		    "high is not corrected",
		    unseen);
		remedy(result, "run it with CAP_SYS_PTRACE and CAP_SYS_ADMIN, and in the host's "
			       "process namespace (hostPID: true)");
	} else {
		say(result, PROBE_DEGRADED,
		    "no sound iterator over the records of sockets: the TCP sockets of each network "
		    "namespace are looked at that a thread is in or a mount holds, and a count "
		    "that is too high is corrected by a second audit");
	}
}

static int try_waits(void)
{
	struct waits *waits;
	int err = waits_open(&waits);

	if (!err)
		waits_close(waits);
	return err;
}

/* Everything else works without it. */
static void probe_moves(const struct probe_options *options, struct probe_result *result)
{
	char lack[PROBE_MOVING_MAX];

	int err;

	(void)options;
	if (probe_moving(lack)) {
		err = try_waits();
		say(result, err ? PROBE_DEGRADED : PROBE_FOUND,
		    "connections of other processes may be moved%s%s",
		    err ? "; gwbpf.io/rebalance: auto learns nothing, as the kernel refuses its "
			  "program: "
			: "",
		    err ? strerror(-err) : "");
		if (err)
			remedy(result, "give a time in place of auto");
		return;
	}
	say(result, PROBE_DEGRADED,
	    "connections cannot be moved, as gwbpf.io/rebalance and drains with a deadline ask; all "
	    "else works");
	remedy(result, lack);
}

static const struct {
	const char *name;
	void (*probe)(const struct probe_options *options, struct probe_result *result);
} probes[] = {
	{"root", probe_root},     {"btf", probe_btf},         {"cgroup-v2", probe_cgroup},
	{"pods", probe_pods},     {"bpffs", probe_bpffs},     {"programs", probe_programs},
	{"attach", probe_attach}, {"jit", probe_jit},         {"records", probe_records},
	{"memory", probe_memory}, {"refusal", probe_refusal}, {"socket-walk", probe_walk},
	{"moving", probe_moves},
};

size_t probe_run(const struct probe_options *options, struct probe_result ret[PROBE_MAX])
{
	/* Without root all others would fail, for want of it alone: the first says so. */
	size_t count = geteuid() ? 1 : sizeof(probes) / sizeof(*probes);
	libbpf_print_fn_t print = libbpf_set_print(be_silent);

	for (size_t i = 0; i < count; i++) {
		ret[i] = (struct probe_result){.name = probes[i].name};
		probes[i].probe(options, &ret[i]);
	}
	libbpf_set_print(print);
	return count;
}
