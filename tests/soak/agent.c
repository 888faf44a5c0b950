// SPDX-License-Identifier: Apache-2.0
#include "soak/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/lab.h"

#define PROGRAM "build/gwbpf"
#define PLACE "/run"
#define MANIFESTS PLACE "/manifests"
#define LOG "build/test-logs/soak-agent.log"

static pid_t pid; /* 0: none runs */

void agent_open(void)
{
	assert_return_code(mount("tmpfs", PLACE, "tmpfs", 0, NULL), errno);
	assert_return_code(mkdir(MANIFESTS, 0700), errno);
	lab_run("mkdir -p build/test-logs && : >" LOG);
	setenv("GWBPF_PIN_DIR", LAB_PINS, 1);
}

static void run_agent(void)
{
	int log = open(LOG, O_WRONLY | O_APPEND);

	dup2(log, STDERR_FILENO);
	close_range(3, ~0u, 0);
	execl(PROGRAM, PROGRAM, "agent", "--manifests", MANIFESTS, "--cgroup", lab.cgroup,
	      "--node-name", "soak", "--listen", "off", NULL);
	_exit(127);
}

void agent_start(void)
{
	pid = lab_fork();
	if (!pid)
		run_agent();
}

void agent_kill(void)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	pid = 0;
}

bool agent_is_running(void)
{
	return pid;
}

static void write_service(FILE *file, const char *policy)
{
	fprintf(file,
		"apiVersion: v1\n"
		"kind: Service\n"
		"metadata:\n"
		"  name: peers\n"
		"  namespace: soak\n"
		"  labels: {gwbpf.io/enabled: \"true\"}\n"
		"  annotations:\n"
		"    gwbpf.io/policy: %s\n"
		"    gwbpf.io/ejection: time=%dms,max=8s,keep=20%%\n"
		"    gwbpf.io/connect-timeout: 1s\n"
		"    gwbpf.io/dead-peer-timeout: 3s\n"
		"spec:\n"
		"  type: ClusterIP\n"
		"  clusterIP: " AGENT_VIP "\n"
		"  clusterIPs: [" AGENT_VIP "]\n"
		"  ports: [{name: grpc, port: %d, protocol: TCP}]\n"
		"---\n",
		policy, AGENT_EJECTION_MS, TOWN_PORT);
}

static void write_slice(FILE *file, int absent)
{
	fprintf(file,
		"apiVersion: discovery.k8s.io/v1\n"
		"kind: EndpointSlice\n"
		"metadata:\n"
		"  name: peers-1\n"
		"  namespace: soak\n"
		"  labels: {kubernetes.io/service-name: peers}\n"
		"addressType: IPv4\n"
		"ports: [{name: grpc, port: %d, protocol: TCP}]\n"
		"endpoints:\n",
		TOWN_PORT);
	for (int peer = 0; peer < TOWN_PEERS; peer++)
		if (peer != absent)
			fprintf(file,
				"- {addresses: [\"" TOWN_PEER_FORMAT "\"], "
				"conditions: {ready: true}}\n",
				TOWN_PEER_BYTE(peer));
}

void agent_publish(const char *policy, int absent)
{
	FILE *file = fopen(PLACE "/draft", "w");

	assert_non_null(file);
	write_service(file, policy);
	write_slice(file, absent);
	assert_int_equal(fclose(file), 0);
	assert_return_code(rename(PLACE "/draft", MANIFESTS "/peers.yaml"), errno);
}

static uint64_t number(const json_t *item, const char *key)
{
	const json_t *value = json_object_get(item, key);

	if (!json_is_integer(value))
		fail_msg("no number is shown as '%s'", key);
	return (uint64_t)json_integer_value(value);
}

static void read_peer(const json_t *item, struct agent_peer *ret)
{
	static const char *const names[] = {
#define CROWD_END_NAME(id, name) name,
		CROWD_ENDS(CROWD_END_NAME)
#undef CROWD_END_NAME
	};

	snprintf(ret->state, sizeof(ret->state), "%s",
		 json_string_value(json_object_get(item, "state")));
	ret->attempts = number(item, "attemptsTotal");
	for (int end = 0; end < CROWD_END_MAX_; end++)
		ret->ends[end] = number(item, names[end]);
	ret->closed = number(item, "closedTotal");
	ret->reset = number(item, "resetTotal");
	ret->lost = number(item, "lostTotal");
	ret->active = number(item, "active");
	ret->ejections = number(item, "ejectionsTotal");
}

/* What it prints, whatever it ends with: `status` ends with 1 where something is wrong. */
static json_t *try_to_ask(const char *command)
{
	FILE *pipe = popen(command, "r");
	json_t *root;

	assert_non_null(pipe);
	root = json_loadf(pipe, 0, NULL);
	pclose(pipe);
	return root;
}

static json_t *ask(const char *command)
{
	json_t *root = try_to_ask(command);

	if (!root)
		fail_msg("`%s` failed", command);
	return root;
}

void agent_peers(struct agent_peer ret[TOWN_PEERS])
{
	json_t *root = ask(PROGRAM " backends -o json");
	const json_t *item;
	int peer;
	size_t i;

	memset(ret, 0, TOWN_PEERS * sizeof(*ret));
	json_array_foreach(json_object_get(root, "items"), i, item) {
		const char *address = json_string_value(json_object_get(item, "address"));

		assert_non_null(address);
		if (sscanf(address, TOWN_PEER_FORMAT, &peer) == 1)
			read_peer(item, &ret[peer - TOWN_PEER_BYTE(0)]);
	}
	json_decref(root);
}

uint64_t agent_reason(const char *name)
{
	json_t *root = ask(PROGRAM " status -o json");
	uint64_t count = number(json_object_get(root, "reasons"), name);

	json_decref(root);
	return count;
}

/* What a killed agent left says that all is well, until the next one has begun. */
bool agent_is_healthy(void)
{
	json_t *root = try_to_ask(PROGRAM " status -o json");
	const json_t *agent = json_object_get(root, "agent");
	bool is_healthy = json_is_true(json_object_get(root, "healthy")) &&
			  number(agent, "pid") == (uint64_t)pid;

	json_decref(root);
	return is_healthy;
}
