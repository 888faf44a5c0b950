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

#include "agent/certificates.h"
#include "agent/checks.h"
#include "agent/control.h"
#include "agent/covered.h"
#include "agent/drain_log.h"
#include "agent/duties.h"
#include "agent/events.h"
#include "agent/health_log.h"
#include "agent/hooks.h"
#include "agent/httpd.h"
#include "agent/notify.h"
#include "agent/options.h"
#include "agent/rebalance.h"
#include "agent/rights.h"
#include "agent/sync.h"
#include "agent/telling.h"
#include "agent/watchers.h"
#include "base/clock.h"
#include "base/log.h"
#include "kernel/datapath.h"
#include "kernel/mounts.h"
#include "kernel/notes.h"
#include "kernel/tables.h"
#include "source/file.h"
#include "source/kube/kube.h"

#define DEFAULT_LISTEN "127.0.0.1:9451"
#define DEFAULT_CONTROL "/run/gwbpf/control.sock"
#define ALWAYS_STALE_NS 1 /* no heartbeat is younger: the hooks stay aside */
#define START_MESSAGE_MAX 1024
#define LINGER_MS (5 * 60 * 1000) /* how long a backend that left is still shown */

enum http {
	HTTP_NODE,
	HTTP_MONITORING,
	HTTP_CONTROL,
	HTTP_MAX_,
};

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
	struct certificates *certificates;
	struct checks *checks;
	struct health_log *health_log;
	struct drain_log *drain_log;
	struct watchers *watchers;
	unsigned int ticks;
	struct control control;
	struct httpd_options http_options[HTTP_MAX_];
	struct httpd *http[HTTP_MAX_];
	struct event *signals;
	struct event *tick;
	struct event *go_on; /* what one turn of the loop has left */
	struct event *look;  /* for the cgroups of new pods */
	enum gw_cover cover;
	bool is_following; /* at the last tick it was allowed to read its source */
	bool is_in_force;  /* the hooks are attached, by this agent or an earlier one */
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
		notify_reloading();
		if (agent->file)
			file_source_reload(agent->file);
		notify_ready();
		return;
	}
	notify_stopping();
	log_info("ending: hooks and maps stay in place");
	event_base_loopbreak(agent->base);
}

/* While the API server does not let this agent read, it lives, but the hooks must not go on for ever
 * with what it read before: --stale-after begins with the last time that it could. An API server
 * that is away disturbs nothing, however long that lasts. Back again, a second passes first, in which
 * what changed meanwhile arrives. */
static void beat(struct agent *agent)
{
	struct gw_meta *meta = tables_meta(agent->tables);
	bool was_following = agent->is_following;
	uint64_t now_ns = clock_now_ns();

	agent->is_following = !agent->sync ||
			      following_state(sync_following(agent->sync)) != FOLLOWING_FORBIDDEN;
	__atomic_store_n(&meta->alive_ns, now_ns, __ATOMIC_RELEASE);
	if (was_following && agent->is_following)
		__atomic_store_n(&meta->heartbeat_ns, now_ns, __ATOMIC_RELEASE);
}

static void tell(struct agent *agent)
{
	const struct telling telling = {
		.following = sync_following(agent->sync),
		.store = sync_stats(agent->sync)->store,
		.unprogrammed = sync_unprogrammed(agent->sync),
		.homeless = sync_homeless(agent->sync),
		.missing_node = sync_has_node(agent->sync) ? NULL : agent->options.node,
		.cannot_move = agent->rebalance ? rebalance_lack(agent->rebalance) : "",
		.rebalance = agent->rebalance,
		.hooks = agent->hooks,
		.cgroup = datapath_cgroup_text(agent->datapath),
	};

	telling_write(agent->tables, &telling);
	notes_date_refusals(agent->tables);
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
	notify_alive();
	err = tables_collect_some(agent->tables, LINGER_MS);
	if (err)
		log_error("cannot set free what is no longer used, retrying in 1 s: %s",
			  strerror(-err));
	sync_retry(agent->sync);
	tell(agent);
	health_log_tick(agent->health_log);
	drain_log_tick(agent->drain_log);
	certificates_tick(agent->certificates);
	checks_tick(agent->checks);
	if (tables_meta(agent->tables)->source_synced)
		rebalance_tick(agent->rebalance);
	if (duties & DUTY_CHECK_HOOKS)
		hooks_check(agent->hooks);
	if (duties & DUTY_CHECK_HOOKS || *sync_homeless(agent->sync))
		sync_look_at_pods(agent->sync);
	if (duties & DUTY_CHECK_HOOKS)
		covered_check_again(&agent->options, datapath_cgroup_fd(agent->datapath),
				    &agent->cover);
	tables_meta(agent->tables)->covers_pods = (uint8_t)agent->cover;
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

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct agent *agent = arg;

	(void)fd;
	(void)what;
	sync_look_at_pods(agent->sync);
}

static void look(void *arg)
{
	const struct timeval soon = {.tv_usec = PODS_LOOK_MS * 1000};
	struct agent *agent = arg;

	if (!evtimer_pending(agent->look, NULL))
		evtimer_add(agent->look, &soon);
}

static int attach(struct agent *agent)
{
	char message[DATAPATH_MESSAGE_MAX];

	if (hooks_attach(agent->hooks, message))
		return fail(agent, message);
	agent->is_in_force = true;
	return 0;
}

/* Everything is programmed for the first time. */
static void on_programmed(void *arg)
{
	struct agent *agent = arg;

	tables_meta(agent->tables)->stale_after_ns = stale_after_ns(agent);
	tables_meta(agent->tables)->source_synced = 1;
	agent->is_following = true;
	beat(agent);
	tell(agent);
	if (!datapath_is_adopted(agent->datapath) && attach(agent))
		return;
	log_info("hooks are attached, ready");
	notify_ready();
}

/* Whether the hooks have stepped aside by now: what the maps hold is then as old as that. */
static bool was_away(const struct gw_meta *meta)
{
	return meta->stale_after_ns && clock_now_ns() - meta->heartbeat_ns > meta->stale_after_ns;
}

static void keep_start(const struct gw_meta *meta, bool is_adopted)
{
	const struct events_about about = {.kind = EVENTS_STARTED};
	double age = (double)(clock_now_ns() - meta->alive_ns) / 1e9;

	if (!is_adopted)
		events_add(&about,
			   "version " GWBPF_VERSION ": there was none before it on this node");
	else if (meta->agent_pid)
		events_add(&about,
			   "version " GWBPF_VERSION
			   ": the one before it (process %u, version %.32s) "
			   "was killed, or crashed: it gave its last sign of life %.1f s ago",
			   meta->agent_pid, meta->version, age);
	else
		events_add(&about,
			   "version " GWBPF_VERSION
			   ": the one before it (version %.32s) ended in good "
			   "order %.1f s ago",
			   meta->version, age);
}

static void introduce(struct agent *agent)
{
	struct gw_meta *meta = tables_meta(agent->tables);
	bool is_late = datapath_is_adopted(agent->datapath) && was_away(meta);

	if (is_late)
		log_warn("no agent was here for longer than --stale-after: all Services are left "
			 "to kube-proxy until they have been read");
	keep_start(meta, datapath_is_adopted(agent->datapath));
	snprintf(meta->version, sizeof(meta->version), "%s", GWBPF_VERSION);
	snprintf(meta->node, sizeof(meta->node), "%s", agent->options.node);
	snprintf(meta->zone, sizeof(meta->zone), "%s",
		 agent->options.zone ? agent->options.zone : "");
	meta->stale_after_ns = is_late ? ALWAYS_STALE_NS : stale_after_ns(agent);
	/* What forbade the agent before it to read may forbid this one. */
	agent->is_following = !notes_have(agent->tables, GW_NOTE_FORBIDDEN);
	beat(agent);
	meta->source = agent->options.manifest_count ? GW_SOURCE_FILE : GW_SOURCE_KUBERNETES;
	meta->source_synced = 0;
	meta->covers_pods = (uint8_t)agent->cover;
	meta->agent_pid = (uint32_t)getpid();
}

/* That a cgroup cannot be opened is said by who attaches to it. */
static int check_cover(struct agent *agent)
{
	int cgroup_fd = mounts_open_cgroup(agent->options.cgroup);
	const char *refusal;

	if (cgroup_fd < 0)
		return 0;
	refusal = covered_check(&agent->options, cgroup_fd, &agent->cover);
	close(cgroup_fd);
	return refusal ? fail(agent, refusal) : 0;
}

static struct kube_options kube_options_of(const struct agent *agent)
{
	return (struct kube_options){
		.kubeconfig = agent->options.kubeconfig,
		.kubeconfig_is_list = agent->options.kubeconfig_is_list,
		.context = agent->options.context,
		.namespace = agent->options.namespace,
		.services = agent->options.services,
		.service_count = agent->options.service_count,
		.node = agent->options.node,
		.zone = agent->options.zone,
	};
}

static void keep_message(const char *origin, enum source_error error, const char *message,
			 void *arg)
{
	char *text = arg;

	(void)origin;
	(void)error;
	snprintf(text, START_MESSAGE_MAX, "%s", message);
}

/* What cannot be read now, by mistake in an option or a file, is found before anything is made. */
static int check_configuration(struct agent *agent)
{
	const struct kube_options options = kube_options_of(agent);
	char text[START_MESSAGE_MAX] = "", message[START_MESSAGE_MAX + 128];
	const struct sink sink = {.failed = keep_message, .arg = text};
	int err;

	if (agent->options.manifest_count)
		return 0;
	err = kube_source_check(&options, &sink);
	if (!err)
		return 0;
	snprintf(message, sizeof(message), "cannot start: %s: %s", *text ? text : strerror(-err),
		 agent->options.kubeconfig
			 ? "correct it, or name another kubeconfig with --kubeconfig"
			 : "correct it, or name a kubeconfig with --kubeconfig");
	return fail(agent, message);
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
	if (hooks_new(agent->base, agent->datapath, agent->tables, &agent->hooks))
		return fail(agent, "cannot start: out of memory");
	introduce(agent);
	agent->is_in_force = datapath_is_adopted(agent->datapath);
	/* What the maps hold is in force at once: an agent that returns leaves no gap. */
	return agent->is_in_force ? attach(agent) : 0;
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
	agent->signals =
		event_new(agent->base, agent->signal_fd, EV_READ | EV_PERSIST, on_signal, agent);
	agent->tick = event_new(agent->base, -1, EV_PERSIST, on_tick, agent);
	agent->go_on = event_new(agent->base, -1, 0, on_go_on, agent);
	agent->look = evtimer_new(agent->base, on_look, agent);
	if (agent->signal_fd < 0 || !agent->signals || !agent->tick || !agent->go_on ||
	    !agent->look || event_add(agent->signals, NULL) || event_add(agent->tick, &second))
		return fail(agent, "cannot make the event loop: allow more open files (ulimit -n)");
	return 0;
}

static int start_manifests(struct agent *agent)
{
	char message[256];
	int err;

	err = file_source_start(agent->base, agent->options.manifests,
				agent->options.manifest_count, sync_sink(agent->sync),
				&agent->file);
	if (!err)
		return 0;
	snprintf(message, sizeof(message), "cannot watch the manifests: %s%s", strerror(-err),
		 err == -EMFILE || err == -ENOSPC ? ": raise fs.inotify.max_user_instances and "
						    "fs.inotify.max_user_watches"
						  : "");
	return fail(agent, message);
}

/* The hooks must not keep the agent from the API server, whatever Service that is. */
static void own_socket(int fd, void *arg)
{
	struct agent *agent = arg;
	int err = tables_own_socket(agent->tables, fd);

	if (err)
		log_warn("the connection to the API server is balanced if its address is a "
			 "Service's: %s",
			 strerror(-err));
}

static int start_kubernetes(struct agent *agent)
{
	struct kube_options options = kube_options_of(agent);
	char message[256];
	int err;

	options.own = own_socket;
	options.own_arg = agent;
	err = kube_source_start(agent->base, &options, sync_sink(agent->sync), &agent->kube);
	if (!err)
		return 0;
	snprintf(message, sizeof(message),
		 "cannot watch the Kubernetes API: %s: see the line above, and start again",
		 strerror(-err));
	return fail(agent, message);
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

/* Hooks that are live do what they can: an address that somebody else takes is told. */
static int hooks_are_well(char *detail, size_t size, void *arg)
{
	const struct agent *agent = arg;
	struct problems problems = {detail, size};
	char text[LOOKUP_MESSAGE_MAX];

	if (hooks_are_live(agent->hooks)) {
		hooks_visit_taken(agent->hooks, add_problem, &problems);
		return true;
	}
	snprintf(detail, size, "%s", hooks_tell_dead(agent->hooks, text));
	return false;
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

/* What is refused leaves the rest in force: it is told, and no reason not to be ready. */
static int objects_are_well(char *detail, size_t size, void *arg)
{
	const struct agent *agent = arg;
	struct problems problems = {detail, size};

	refused_visit_all(sync_unprogrammed(agent->sync), add_problem, &problems);
	store_visit_refusals(sync_stats(agent->sync)->store, add_problem, &problems);
	return true;
}

static int node_is_well(char *detail, size_t size, void *arg)
{
	const struct agent *agent = arg;

	if (sync_has_node(agent->sync))
		return true;
	snprintf(detail, size, "no Node is named '%s'", agent->options.node);
	return false;
}

static int start_http(struct agent *agent, const char *address, enum http http,
		      char message[HTTP_LISTEN_MESSAGE_MAX])
{
	static const enum httpd_for whom[] = {
		[HTTP_NODE] = HTTPD_FOR_NODE,
		[HTTP_MONITORING] = HTTPD_FOR_MONITORING,
		[HTTP_CONTROL] = HTTPD_FOR_ROOT,
	};

	if (!strcmp(address, "off"))
		return 0;
	agent->http_options[http] = (struct httpd_options){
		.listen = address,
		.pin_dir = agent->options.pin_dir,
		.metrics_backends = agent->options.metrics_backends,
		.node = agent->options.node,
		.watchers = http == HTTP_CONTROL ? &agent->watchers : NULL,
		.control = http == HTTP_CONTROL ? &agent->control : NULL,
		.is_for = whom[http],
		.checks =
			{
				{"hooks", hooks_are_well, agent},
				{"source", source_is_well, agent},
				{"node", node_is_well, agent},
				{"objects", objects_are_well, agent},
			},
		.check_count = 4,
	};
	return httpd_start(agent->base, &agent->http_options[http], &agent->http[http], message);
}

/*
 * What was asked for must be had. So must the default port in a cluster: whoever has it in our place
 * would answer for us. Elsewhere it is a convenience, as the default control socket is.
 */
static int start_https(struct agent *agent)
{
	const struct options *options = &agent->options;
	const struct {
		const char *option;
		const char *given;
		const char *preset;
		bool must_be_had;
	} all[] = {
		[HTTP_NODE] = {"--listen", options->listen, DEFAULT_LISTEN,
			       !options->manifest_count},
		[HTTP_MONITORING] = {"--metrics-listen", options->metrics_listen, "off", true},
		[HTTP_CONTROL] = {"--control", options->control, DEFAULT_CONTROL, false},
	};
	char message[HTTP_LISTEN_MESSAGE_MAX], text[HTTP_LISTEN_MESSAGE_MAX + 64];

	for (int i = 0; i < HTTP_MAX_; i++) {
		const char *address = all[i].given ? all[i].given : all[i].preset;

		if (!start_http(agent, address, (enum http)i, message))
			continue;
		snprintf(text, sizeof(text), "%s, or name another %s with %s", message,
			 i == HTTP_CONTROL ? "path" : "address", all[i].option);
		if (all[i].given || all[i].must_be_had)
			return fail(agent, text);
		log_warn("%s: going on without", text);
	}
	return 0;
}

static int start_watching(struct agent *agent)
{
	const struct watchers_options options = {
		.base = agent->base,
		.datapath = agent->datapath,
		.tables = agent->tables,
		.node = agent->options.node,
	};
	char message[128];
	int err = watchers_new(&options, &agent->watchers);

	if (!err)
		return 0;
	snprintf(message, sizeof(message), "cannot read what the hooks tell: %s", strerror(-err));
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
		.look = look,
		.arg = agent,
	};
	if (sync_new(agent->tables, &agent->sync_options, &agent->sync))
		return fail(agent, "cannot start: out of memory");
	for (int i = 0; i < HTTP_MAX_; i++)
		agent->http_options[i].stats = sync_stats(agent->sync);
	if (rebalance_new(agent->base, agent->options.pin_dir, agent->tables,
			  sync_stats(agent->sync), &agent->rebalance) ||
	    health_log_new(agent->datapath, agent->tables, &agent->health_log) ||
	    drain_log_new(agent->tables, &agent->drain_log) ||
	    certificates_new(agent->base, agent->tables, &agent->certificates) ||
	    checks_new(agent->base, agent->tables, agent->certificates, &agent->checks))
		return fail(agent, "cannot start: out of memory");
	if (start_watching(agent))
		return -1;
	agent->control =
		(struct control){agent->tables, agent->rebalance, agent->options.node, agent->sync};
	return agent->options.manifest_count ? start_manifests(agent) : start_kubernetes(agent);
}

static void stop(struct agent *agent)
{
	/* It replies to requests, so before they go. */
	rebalance_free(agent->rebalance);
	agent->rebalance = NULL;
	agent->control.rebalance = NULL;
	watchers_free(agent->watchers);
	agent->watchers = NULL;
	for (int i = 0; i < HTTP_MAX_; i++)
		httpd_stop(agent->http[i]);
	file_source_stop(agent->file);
	kube_source_stop(agent->kube);
	drain_log_free(agent->drain_log);
	health_log_free(agent->health_log);
	checks_free(agent->checks);
	certificates_free(agent->certificates);
	sync_free(agent->sync);
	hooks_free(agent->hooks);
	/* Last, and while the lock is held: the next agent writes its own there. */
	if (agent->tables)
		tables_meta(agent->tables)->agent_pid = 0;
	tables_close(agent->tables);
	if (agent->datapath && agent->status && !agent->is_in_force)
		datapath_undo(agent->datapath);
	datapath_close(agent->datapath);
	if (agent->signals)
		event_free(agent->signals);
	if (agent->tick)
		event_free(agent->tick);
	if (agent->go_on)
		event_free(agent->go_on);
	if (agent->look)
		event_free(agent->look);
	if (agent->signal_fd >= 0)
		close(agent->signal_fd);
	event_base_free(agent->base);
}

int agent_main(int argc, char **argv)
{
	struct agent agent = {.signal_fd = -1};
	int err;

	options_parse(argc, argv, &agent.options);
	log_configure(agent.options.log_level, agent.options.log_format);
	err = rights_drop();
	if (err)
		log_warn("cannot give up the rights that the agent has no use for: %s",
			 strerror(-err));
	agent.base = event_base_new();
	if (!agent.base) {
		log_error("cannot make the event loop: allow more open files (ulimit -n)");
		return 1;
	}
	events_begin();
	log_info("gwbpf " GWBPF_VERSION " starts on node '%s'", agent.options.node);
	/* The kernel comes last: what can fail before leaves nothing there. */
	if (!start_events(&agent) && !check_configuration(&agent) && !check_cover(&agent) &&
	    !start_https(&agent) && !start_kernel(&agent) && !start_source(&agent) && !agent.status)
		event_base_dispatch(agent.base);
	stop(&agent);
	return agent.status;
}
