// SPDX-License-Identifier: Apache-2.0
#include "kernel/mover.h"

#include <dirent.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gwbpf/holders.h>
#include <holders.skel.h>

#include "kernel/iterate.h"

#define LET_GO_NS 20000000
#define HOLDERS_PER_MOVE 8 /* more than that is shared in any case */

static const struct {
	const char *name;
	const char *text;
} results[] = {
#define RESULT(id, name, text) [MOVE_##id] = {name, text},
	MOVE_RESULTS(RESULT)
#undef RESULT
};

const char *move_result_name(enum move_result result)
{
	return results[result].name;
}

const char *move_result_text(enum move_result result)
{
	return results[result].text;
}

static bool is_the_socket(int fd, const struct move *move)
{
	socklen_t length = sizeof(uint64_t);
	uint64_t cookie = 0;

	return !getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) && cookie == move->cookie;
}

/* The last look: nothing sent or received for as long as asked, nothing under way, nothing that
 * the application has still to take. */
static enum move_result look_again(int fd, const struct move *move)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);
	int unread = 0, unsent = 0;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) ||
	    info.tcpi_state != TCP_ESTABLISHED)
		return MOVE_ENDED;
	if (!move->quiet_ms)
		return MOVE_MOVED;
	if (info.tcpi_last_data_sent < move->quiet_ms || info.tcpi_last_data_recv < move->quiet_ms)
		return MOVE_BUSY;
	if (ioctl(fd, SIOCINQ, &unread) || ioctl(fd, SIOCOUTQ, &unsent) || unread || unsent)
		return MOVE_BUSY;
	return MOVE_MOVED;
}

/* SHUT_RD is what libraries take for a peer that went: a reset makes some of them fail the next
 * call, and SHUT_RDWR loses what they are about to write. */
static enum move_result shut(int fd, const struct move *move)
{
	enum move_result result = look_again(fd, move);

	if (result == MOVE_MOVED && shutdown(fd, SHUT_RD))
		result = MOVE_ENDED;
	return result;
}

static void on_timer(int number)
{
	(void)number;
}

void mover_let_go(int fd)
{
	const struct sigaction action = {.sa_handler = on_timer};
	/* Again and again: the first signal may come before close(2) waits. */
	const struct itimerspec soon = {{.tv_nsec = LET_GO_NS}, {.tv_nsec = LET_GO_NS}};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
	bool is_set = false;
	timer_t timer;

	if (!sigaction(SIGRTMIN, &action, NULL) && !timer_create(CLOCK_MONOTONIC, &event, &timer))
		is_set = true;
	if (is_set)
		timer_settime(timer, 0, &soon, NULL);
	close(fd);
	if (is_set)
		timer_delete(timer);
}

/* Returns whether this descriptor of the process is the socket; then move->result says what came
 * of it. */
static bool try_descriptor(int pidfd, int number, struct move *move)
{
	int fd = pidfd_getfd(pidfd, number, 0);
	bool is_it;

	if (fd < 0) {
		if (errno == EPERM)
			move->result = MOVE_FORBIDDEN;
		return false;
	}
	is_it = is_the_socket(fd, move);
	if (is_it)
		move->result = shut(fd, move);
	mover_let_go(
		fd); /* at once: while it is open, the application's close(2) does not end anything */
	return is_it;
}

static bool names_inode(int directory, const char *name, uint64_t inode)
{
	char target[64], wanted[64];
	ssize_t length = readlinkat(directory, name, target, sizeof(target) - 1);

	if (length < 0)
		return false;
	target[length] = '\0';
	snprintf(wanted, sizeof(wanted), "socket:[%llu]", (unsigned long long)inode);
	return !strcmp(target, wanted);
}

static bool try_directory(DIR *descriptors, int pidfd, struct move *move)
{
	struct dirent *entry;

	while ((entry = readdir(descriptors)))
		if (names_inode(dirfd(descriptors), entry->d_name, move->inode) &&
		    try_descriptor(pidfd, atoi(entry->d_name), move))
			return true;
	return false;
}

/* Look among the descriptors of one process. Returns whether it is there. */
static bool try_process(uint32_t tgid, struct move *move)
{
	char path[64];
	DIR *descriptors;
	int pidfd = pidfd_open((pid_t)tgid, 0);
	bool found = false;

	if (pidfd < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%u/fd", tgid);
	descriptors = opendir(path);
	if (descriptors) {
		found = try_directory(descriptors, pidfd, move);
		closedir(descriptors);
	} else if (errno == EACCES || errno == EPERM) {
		move->result = MOVE_FORBIDDEN;
	}
	close(pidfd);
	return found;
}

/* The walk over all descriptors, for those moves that need it. */
struct search {
	struct holders_bpf *walk;
	struct gw_holder *holders;
	size_t room;
	size_t count;
};

static int mark_sought(const struct search *search, const struct move *moves, size_t count)
{
	int fd = bpf_map__fd(search->walk->maps.gw_sought);
	const uint32_t value = 0;

	for (size_t i = 0; i < count; i++)
		if (moves[i].result == MOVE_UNFOUND &&
		    bpf_map_update_elem(fd, &moves[i].inode, &value, BPF_ANY))
			return -errno;
	return 0;
}

static int run_search(struct search *search)
{
	struct bpf_link *link = bpf_program__attach_iter(search->walk->progs.gw_walk_files, NULL);
	int err;

	if (!link)
		return -errno;
	err = iterate(link);
	bpf_link__destroy(link);
	search->count = search->walk->bss->found;
	if (search->count > search->room)
		search->count = search->room;
	return err;
}

static int open_search(struct search *search, size_t count)
{
	void *memory;
	int err;

	search->room = count * HOLDERS_PER_MOVE;
	search->walk = holders_bpf__open();
	if (!search->walk)
		return -errno;
	err = bpf_map__set_max_entries(search->walk->maps.gw_sought, (uint32_t)count);
	if (!err)
		err = bpf_map__set_max_entries(search->walk->maps.gw_holders,
					       (uint32_t)search->room);
	if (!err)
		err = holders_bpf__load(search->walk);
	if (err)
		return err;
	memory = mmap(NULL, search->room * sizeof(*search->holders), PROT_READ, MAP_SHARED,
		      bpf_map__fd(search->walk->maps.gw_holders), 0);
	if (memory == MAP_FAILED)
		return -errno;
	search->holders = memory;
	return 0;
}

static void close_search(struct search *search)
{
	if (search->holders)
		munmap(search->holders, search->room * sizeof(*search->holders));
	holders_bpf__destroy(search->walk);
}

static void try_holder(const struct gw_holder *holder, struct move *move)
{
	int pidfd = pidfd_open((pid_t)holder->tgid, 0);

	if (pidfd < 0)
		return;
	try_descriptor(pidfd, (int)holder->fd, move);
	close(pidfd);
}

/* One process may hold it by several descriptors; two processes may not. */
static void try_holders(const struct search *search, struct move *move)
{
	const struct gw_holder *one = NULL;

	for (size_t i = 0; i < search->count; i++) {
		const struct gw_holder *holder = &search->holders[i];

		if (holder->inode != move->inode)
			continue;
		if (one && one->tgid != holder->tgid) {
			move->result = MOVE_SHARED;
			return;
		}
		one = holder;
	}
	if (!one)
		return;
	move->result = MOVE_HUNG;
	try_holder(one, move);
	if (move->result == MOVE_HUNG)
		move->result = MOVE_UNFOUND;
}

static int search_everywhere(struct move *moves, size_t count)
{
	struct search search = {0};
	int err = open_search(&search, count);

	if (!err)
		err = mark_sought(&search, moves, count);
	if (!err)
		err = run_search(&search);
	for (size_t i = 0; !err && i < count; i++)
		if (moves[i].result == MOVE_UNFOUND)
			try_holders(&search, &moves[i]);
	close_search(&search);
	return err;
}

/* With one reference there is one holder, and no need to look for others. */
static void try_opener(struct move *move)
{
	move->result = MOVE_HUNG;
	if (move->holders == 1)
		try_process(move->tgid, move);
	if (move->result == MOVE_HUNG)
		move->result = move->holders ? MOVE_UNFOUND : MOVE_ENDED;
}

int mover_run(struct move *moves, size_t count)
{
	size_t left = 0;

	for (size_t i = 0; i < count; i++) {
		try_opener(&moves[i]);
		left += moves[i].result == MOVE_UNFOUND;
	}
	return left ? search_everywhere(moves, count) : 0;
}
