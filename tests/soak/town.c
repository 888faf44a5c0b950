// SPDX-License-Identifier: Apache-2.0
#include "soak/town.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/lab.h"
#include "kernel/server.h"
#include "soak/patience.h"

#define BACKLOG 16 /* so short that a peer that is stopped fills it */

/* Source addresses are 10.100.CLIENT.PEER, from 1 on. */
#define SOURCE_NETWORK 0x0a640000u

static int node_fd, peer_fds[TOWN_PEERS], client_fds[TOWN_CLIENTS];
static pid_t peer_pids[TOWN_PEERS];

static void travel(int namespace_fd)
{
	assert_return_code(setns(namespace_fd, CLONE_NEWNET), errno);
}

void town_visit(int client)
{
	travel(client_fds[client]);
}

void town_leave(void)
{
	travel(node_fd);
}

static int open_namespace(void)
{
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

/* A namespace with a cable to the bridge, at whose other end is the port `name`. */
static int add_host(const char *name, const char *mac, const char *address)
{
	int fd;

	assert_return_code(unshare(CLONE_NEWNET), errno);
	fd = open_namespace();
	assert_return_code(fd, errno);
	lab_run("ip link set lo up && ip link add eth0 address %s type veth peer name %s "
		"netns /proc/%d/fd/%d && ip addr add %s/8 dev eth0 && ip link set eth0 up",
		mac, name, getpid(), node_fd, address);
	travel(node_fd);
	lab_run("ip link set %s master bridge up", name);
	return fd;
}

/* Neighbours are written down on both sides, so that a peer without a cable is a black hole at any
 * time, and not sometimes unreachable. */
static void introduce(int client, int peer)
{
	town_visit(client);
	lab_run("ip neigh add " TOWN_PEER_FORMAT
		" lladdr 02:00:00:00:01:%02x dev eth0 nud permanent "
		"&& ip addr add 10.100.%d.%d/32 dev eth0",
		TOWN_PEER_BYTE(peer), peer, client + 1, peer + 1);
	town_leave();
	town_join(client, peer);
	travel(peer_fds[peer]);
	lab_run("ip neigh add 10.100.%d.%d lladdr 02:00:00:00:02:%02x dev eth0 nud permanent",
		client + 1, peer + 1, client);
	town_leave();
}

static void add_peer(int peer)
{
	char name[16], mac[24], address[LAB_TEXT];

	snprintf(name, sizeof(name), "peer%d", peer);
	snprintf(mac, sizeof(mac), "02:00:00:00:01:%02x", peer);
	snprintf(address, sizeof(address), TOWN_PEER_FORMAT, TOWN_PEER_BYTE(peer));
	peer_fds[peer] = add_host(name, mac, address);
	town_revive(peer);
}

static void add_client(int client)
{
	char name[16], mac[24], address[LAB_TEXT];

	snprintf(name, sizeof(name), "client%d", client);
	snprintf(mac, sizeof(mac), "02:00:00:00:02:%02x", client);
	snprintf(address, sizeof(address), "10.100.%d.254", client + 1);
	client_fds[client] = add_host(name, mac, address);
	for (int peer = 0; peer < TOWN_PEERS; peer++)
		introduce(client, peer);
}

void town_open(void)
{
	node_fd = open_namespace();
	assert_return_code(node_fd, errno);
	lab_run("ip link add bridge type bridge && ip addr add 10.100.250.1/8 dev bridge && "
		"ip link set bridge up");
	for (int peer = 0; peer < TOWN_PEERS; peer++)
		add_peer(peer);
	for (int client = 0; client < TOWN_CLIENTS; client++)
		add_client(client);
}

void town_close(void)
{
	for (int peer = 0; peer < TOWN_PEERS; peer++) {
		town_kill(peer);
		close(peer_fds[peer]);
	}
	for (int client = 0; client < TOWN_CLIENTS; client++)
		close(client_fds[client]);
	close(node_fd);
}

int town_peer_of(const struct sockaddr_in *source)
{
	uint32_t address = ntohl(source->sin_addr.s_addr);
	int peer = (int)(address & 0xff) - 1;

	if ((address & 0xffff0000) != SOURCE_NETWORK || peer < 0 || peer >= TOWN_PEERS)
		return -1;
	return peer;
}

void town_kill(int peer)
{
	server_stop(peer_pids[peer]);
}

void town_revive(int peer)
{
	char address[LAB_TEXT];
	int fd;

	snprintf(address, sizeof(address), TOWN_PEER_FORMAT ":%d", TOWN_PEER_BYTE(peer), TOWN_PORT);
	travel(peer_fds[peer]);
	fd = lab_listen(address);
	assert_return_code(listen(fd, BACKLOG), errno);
	town_leave();
	peer_pids[peer] = server_start(fd, SERVER_GREET);
}

void town_pause(int peer)
{
	kill(peer_pids[peer], SIGSTOP);
}

void town_resume(int peer)
{
	kill(peer_pids[peer], SIGCONT);
}

void town_unplug(int peer)
{
	lab_run("ip link set peer%d down", peer);
}

void town_plug(int peer)
{
	lab_run("ip link set peer%d up", peer);
}

void town_cut(int client, int peer)
{
	town_visit(client);
	lab_run("ip route replace unreachable " TOWN_PEER_FORMAT "/32", TOWN_PEER_BYTE(peer));
	town_leave();
}

void town_join(int client, int peer)
{
	town_visit(client);
	lab_run("ip route replace " TOWN_PEER_FORMAT "/32 dev eth0 src 10.100.%d.%d",
		TOWN_PEER_BYTE(peer), client + 1, peer + 1);
	town_leave();
}

/* It accepts in the order in which they came: so its queue is empty then. */
static bool answers(void *arg)
{
	const int *peer = arg;
	char address[LAB_TEXT];
	int fd, byte;

	snprintf(address, sizeof(address), TOWN_PEER_FORMAT ":%d", TOWN_PEER_BYTE(*peer),
		 TOWN_PORT);
	fd = lab_connect(address);
	if (fd < 0)
		return false;
	byte = server_greeting(fd);
	close(fd);
	return byte == TOWN_PEER_BYTE(*peer);
}

void town_await(int peer)
{
	patience_wait(answers, &peer, "an answer of a peer that was brought back");
}
