// SPDX-License-Identifier: Apache-2.0
#include "agent/agent.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/duties.h"
#include "agent/hooks.h"
#include "agent/httpd.h"
#include "agent/notify.h"
#include "agent/options.h"
#include "agent/rebalance.h"
#include "agent/sync.h"
#include "base/clock.h"
#include "base/log.h"
#include "kernel/cover.h"
#include "kernel/datapath.h"
#include "kernel/tables.h"
#include "source/file.h"
#include "source/kube.h"

#define DEFAULT_LISTEN "127.0.0.1:9451"
#define ALWAYS_STALE_NS 1 /* no heartbeat is younger: the hooks stay aside */
#define LINGER_MS (5 * 60 * 1000) /* how long a backend that left is still shown */

struct agent {
	struct options options;
	struct event_base *base;
	struct datapath *datapath;
	struct tables *tables;
	struct sync_options sync_options;
	struct sync *sync;
	struct file_source *file; /* one of the two sources */
	struct kube_source *kube;
	struct hooks *hooks;
	struct rebalance *rebalance;
	unsigned int ticks;
	struct httpd_options http_options[2];
	struct httpd *http[2];
	struct event *signals;
	struct event *tick;
	struct event *go_on; /* what one turn of the loop has left */
	int signal_fd;
	int status;
};

static int fail(struct agent *agent, const char *message)
{
	log_error("%s", message);
	agent->status = 1;
	event_base_loopbreak(agent->base);
	return -1;
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct agent *agent = arg;
	struct signalfd_siginfo info;

	(void)what;
	if (read((int)fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP) {
		log_info("reading the manifests again");
		if (agent->file)
			file_source_reload(agent->file);
		return;
	}
	log_info("ending: hooks and maps stay in place");
	event_base_loopbreak(agent->base);
}

static void beat(struct agent *agent)
{
	__atomic_store_n(&tables_meta(agent->tables)->heartbeat_ns, clock_now_ns(),
			 __ATOMIC_RELEASE);
}

static uint64_t stale_after_ns(const struct agent *agent)
{
	return agent->options.stale_after_ms * 1000000ull;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct agent *agent = arg;
	unsigned int duties = duties_at(++agent->ticks);
	int err;

	(void)fd;
	(void)what;
	beat(agent);
	err = tables_collect_some(agent->tables, LINGER_MS);
	if (err)
		log_error("cannot set free what is no longer used, retrying in 1 s: %s",
			  strerror(-err));
	sync_retry(agent->sync);
	if (tables_meta(agent->tables)->source_synced)
		rebalance_tick(agent->rebalance);
	if (duties & DUTY_CHECK_HOOKS && tables_meta(agent->tables)->source_synced)
		hooks_check(agent->hooks);
	if (duties & DUTY_AUDIT)
		hooks_audit(agent->hooks);
	hooks_go_on(agent->hooks);
}

static void on_go_on(evutil_socket_t fd, short what, void *arg)
{
	struct agent *agent = arg;

	(void)fd;
	(void)what;
	sync_go_on(agent->sync);
}

/* By a timer: other events come first. */
static void go_on(void *arg)
{
	const struct timeval now = {0};
	struct agent *agent = arg;

	event_add(agent->go_on, &now);
}

static int attach(struct agent *agent)
{
	char message[DATAPATH_MESSAGE_MAX];

	if (hooks_attach(agent->hooks, message))
		return fail(agent, message);
	return 0;
}

/* Everything is programmed for the first time. */
static void on_programmed(void *arg)
{
	struct agent *agent = arg;

	tables_meta(agent->tables)->stale_after_ns = stale_after_ns(agent);
	tables_meta(agent->tables)->source_synced = 1;
	if (!datapath_is_adopted(agent->datapath) && attach(agent))
		return;
	log_info("hooks are attached, ready");
	notify("READY=1");
}

/* Whether the hooks have stepped aside by now: what the maps hold is then as old as that. */
static bool was_away(const struct gw_meta *meta)
{
	return meta->stale_after_ns && clock_now_ns() - meta->heartbeat_ns > meta->stale_after_ns;
}

static void introduce(struct agent *agent)
{
	struct gw_meta *meta = tables_meta(agent->tables);
	bool is_late = datapath_is_adopted(agent->datapath) && was_away(meta);

	if (is_late)
		log_warn("no agent was here for longer than --stale-after: all Services are left "
			 "to kube-proxy until they have been read");

	snprintf(meta->version, sizeof(meta->version), "%s", GWBPF_VERSION);
	snprintf(meta->node, sizeof(meta->node), "%s", agent->options.node);
	snprintf(meta->zone, sizeof(meta->zone), "%s",
		 agent->options.zone ? agent->options.zone : "");
	meta->stale_after_ns = is_late ? ALWAYS_STALE_NS : stale_after_ns(agent);
	beat(agent);
	meta->source = agent->options.manifest_count ? GW_SOURCE_FILE : GW_SOURCE_KUBERNETES;
	meta->source_synced = 0;
	meta->agent_pid = (uint32_t)getpid();
}

/* Whoever names a cgroup knows why; but the Services of a cluster are there for its pods. */
static int check_cover(struct agent *agent)
{
	int cgroup_fd = datapath_cgroup_fd(agent->datapath);
	enum gw_cover cover = cover_of_cgroup(cgroup_fd);

	if (cover == GW_COVER_NO && !agent->options.cgroup)
		return fail(agent, "cannot balance here: the cgroup v2 root that this process sees "
				   "holds nobody but itself: give the pod the host's cgroup namespace "
				   "(privileged: true), or name the node's cgroup with --cgroup");
	if (cover == GW_COVER_NO)
		cover = GW_COVER_UNKNOWN;
	if (cover == GW_COVER_UNKNOWN && !agent->options.manifest_count &&
	    cover_misses_pods(cgroup_fd)) {
		log_error("cgroup '%s' does not hold the pods of this node: none of their "
			  "connections will be balanced: give --cgroup another one, or leave it out",
			  agent->options.cgroup);
		cover = GW_COVER_NO;
	}
	tables_meta(agent->tables)->covers_pods = (uint8_t)cover;
	return 0;
}

static int start_kernel(struct agent *agent)
{
	const struct datapath_options options = {
		.pin_dir = agent->options.pin_dir,
		.cgroup = agent->options.cgroup,
		.max_services = agent->options.max_services,
		.max_backends = agent->options.max_backends,
	};
	char message[DATAPATH_MESSAGE_MAX];
	int err;

	if (datapath_open(&options, &agent->datapath, message))
		return fail(agent, message);
	if (message[0])
		log_warn("%s", message);
	err = tables_open(agent->options.pin_dir, &agent->tables);
	if (err) {
		snprintf(message, sizeof(message),
			 "cannot adopt the maps below '%s': %s: 'gwbpf detach' removes them",
			 agent->options.pin_dir, strerror(-err));
		return fail(agent, message);
	}
	if (check_cover(agent))
		return -1;
	if (hooks_new(agent->datapath, agent->tables, &agent->hooks))
		return fail(agent, "cannot start: out of memory");
	introduce(agent);
	/* What the maps hold is in force at once: an agent that returns leaves no gap. */
	return datapath_is_adopted(agent->datapath) ? attach(agent) : 0;
}

static int start_events(struct agent *agent)
{
	const struct timeval second = {.tv_sec = 1};
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	agent->signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	agent->signals = event_new(agent->base, agent->signal_fd, EV_READ | EV_PERSIST, on_signal,
				   agent);
	agent->tick = event_new(agent->base, -1, EV_PERSIST, on_tick, agent);
	agent->go_on = event_new(agent->base, -1, 0, on_go_on, agent);
	if (agent->signal_fd < 0 || !agent->signals || !agent->tick || !agent->go_on ||
	    event_add(agent->signals, NULL) || event_add(agent->tick, &second))
		return fail(agent, "cannot make the event loop");
	return 0;
}

static int start_manifests(struct agent *agent)
{
	char message[256];
	int err;

	err = file_source_start(agent->base, agent->options.manifests,
				agent->options.manifest_count, sync_sink(agent->sync), &agent->file);
	if (!err)
		return 0;
	snprintf(message, sizeof(message), "cannot watch the manifests: %s", strerror(-err));
	return fail(agent, message);
}

static int start_kubernetes(struct agent *agent)
{
	const struct kube_options options = {
		.kubeconfig = agent->options.kubeconfig,
		.context = agent->options.context,
		.namespace = agent->options.namespace,
		.services = agent->options.services,
		.service_count = agent->options.service_count,
		.node = agent->options.node,
		.zone = agent->options.zone,
	};
	char message[256];
	int err;

	err = kube_source_start(agent->base, &options, sync_sink(agent->sync), &agent->kube);
	if (!err)
		return 0;
	snprintf(message, sizeof(message), "cannot watch the Kubernetes API: %s", strerror(-err));
	return fail(agent, message);
}

static int hooks_are_well(char *detail, size_t size, void *arg)
{
	const struct agent *agent = arg;

	if (hooks_are_live(agent->hooks))
		return true;
	snprintf(detail, size, "a connection does not pass every hook: see 'gwbpf status'");
	return false;
}

struct problems {
	char *text;
	size_t size;
};

static void add_problem(const char *origin, const char *message, void *arg)
{
	struct problems *problems = arg;
	size_t length = strlen(problems->text);

	(void)origin;
	snprintf(problems->text + length, problems->size - length, "%s%s", length ? "; " : "",
		 message);
}

/* Stays so while the API is away: an outage there must not stall a rollout. */
static int source_is_well(char *detail, size_t size, void *arg)
{
	const struct agent *agent = arg;
	struct problems problems = {detail, size};

	if (agent->kube)
		kube_source_visit_problems(agent->kube, add_problem, &problems);
	if (tables_meta(agent->tables)->source_synced)
		return true;
	if (!*detail)
		snprintf(detail, size, "not everything has been listed and programmed yet");
	return false;
}

static int node_is_well(char *detail, size_t size, void *arg)
{
	const struct agent *agent = arg;

	if (sync_has_node(agent->sync))
		return true;
	snprintf(detail, size, "no Node is named '%s'", agent->options.node);
	return false;
}

static int start_http(struct agent *agent, const char *address, size_t i)
{
	agent->http_options[i] = (struct httpd_options){
		.listen = address,
		.pin_dir = agent->options.pin_dir,
		.stats = sync_stats(agent->sync),
		.metrics_backends = agent->options.metrics_backends,
		.names_clients = !i,
		.checks = {
			{"hooks", hooks_are_well, agent},
			{"source", source_is_well, agent},
			{"node", node_is_well, agent},
		},
		.check_count = 3,
	};
	return httpd_start(agent->base, &agent->http_options[i], &agent->http[i]);
}

/* An address that was asked for must be had; the default one is a convenience. */
static int start_https(struct agent *agent)
{
	const char *listen = agent->options.listen ? agent->options.listen : DEFAULT_LISTEN;
	char message[256];
	int err = 0;

	if (strcmp(listen, "off"))
		err = start_http(agent, listen, 0);
	if (err && !agent->options.listen) {
		log_warn("cannot listen on " DEFAULT_LISTEN ": %s: going on without", strerror(-err));
		err = 0;
	}
	if (!err && agent->options.metrics_listen) {
		listen = agent->options.metrics_listen;
		err = start_http(agent, listen, 1);
	}
	if (!err)
		return 0;
	snprintf(message, sizeof(message), "cannot listen on %s: %s", listen, strerror(-err));
	return fail(agent, message);
}

static int start_source(struct agent *agent)
{
	agent->sync_options = (struct sync_options){
		.node = agent->options.node,
		.zone = agent->options.zone,
		.services = agent->options.services,
		.service_count = agent->options.service_count,
		.programmed = on_programmed,
		.go_on = go_on,
		.arg = agent,
	};
	if (sync_new(agent->tables, &agent->sync_options, &agent->sync))
		return fail(agent, "cannot start: out of memory");
	if (rebalance_new(agent->base, agent->options.pin_dir, agent->tables,
			  sync_stats(agent->sync), &agent->rebalance))
		return fail(agent, "cannot start: out of memory");
	if (start_https(agent))
		return -1;
	return agent->options.manifest_count ? start_manifests(agent) : start_kubernetes(agent);
}

static void stop(struct agent *agent)
{
	httpd_stop(agent->http[0]);
	httpd_stop(agent->http[1]);
	file_source_stop(agent->file);
	kube_source_stop(agent->kube);
	rebalance_free(agent->rebalance);
	sync_free(agent->sync);
	hooks_free(agent->hooks);
	/* Last, and while the lock is held: the next agent writes its own there. */
	if (agent->tables)
		tables_meta(agent->tables)->agent_pid = 0;
	tables_close(agent->tables);
	datapath_close(agent->datapath);
	if (agent->signals)
		event_free(agent->signals);
	if (agent->tick)
		event_free(agent->tick);
	if (agent->go_on)
		event_free(agent->go_on);
	if (agent->signal_fd >= 0)
		close(agent->signal_fd);
	event_base_free(agent->base);
}

int agent_main(int argc, char **argv)
{
	struct agent agent = {.signal_fd = -1};

	options_parse(argc, argv, &agent.options);
	log_configure(agent.options.log_level, agent.options.log_format);
	agent.base = event_base_new();
	if (!agent.base) {
		log_error("cannot make the event loop");
		return 1;
	}
	log_info("gwbpf " GWBPF_VERSION " starts on node '%s'", agent.options.node);
	if (!start_kernel(&agent) && !start_events(&agent) && !start_source(&agent) &&
	    !agent.status)
		event_base_dispatch(agent.base);
	stop(&agent);
	return agent.status;
}
