// SPDX-License-Identifier: Apache-2.0
#include "agent/metrics.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/lines.h"
#include "base/addr.h"
#include "base/clock.h"
#include "model/evenness.h"
#include "model/tls_names.h"
#include "report/backends.h"
#include "report/certificates.h"

#define LABELS_MAX 1024

static void family(struct evbuffer *to, const char *name, const char *type, const char *help)
{
	evbuffer_add_printf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_head(struct lines *to, const char *name, const char *type, const char *help)
{
	lines_flush(to);
	family(to->to, name, type, help);
}

/* A family of one series without labels. */
static void single(struct evbuffer *to, const char *name, const char *type, const char *help,
		   unsigned long long value)
{
	family(to, name, type, help);
	evbuffer_add_printf(to, "%s %llu\n", name, value);
}

/* Names of Kubernetes objects hold nothing that needs escaping, except what a broken map says. */
static const char *service_labels(const struct view_service *service, char *buf)
{
	char address[ADDR_TEXT_MAX];

	/* The address tells the two of a dual-stack Service apart. */
	snprintf(buf, LABELS_MAX,
		 "service_namespace=\"%s\",service_name=\"%s\",service_port=\"%s\","
		 "service_address=\"%s\"",
		 service->namespace, service->name, service->port_name,
		 addr_format(&service->address, address));
	return buf;
}

static const char *backend_labels(const struct view_backend *backend, char *buf)
{
	char address[ADDR_PORT_TEXT_MAX];

	snprintf(buf, LABELS_MAX,
		 "service_namespace=\"%s\",service_name=\"%s\",service_port=\"%s\","
		 "backend=\"%s\",backend_pod=\"%s\"",
		 backend->namespace, backend->service, backend->service_port_name,
		 addr_port_format(&backend->address, backend->port, address), backend->pod);
	return buf;
}

static uint64_t active(const struct view_backend *b)
{
	return b->active;
}

static uint64_t attempts(const struct view_backend *b)
{
	return b->counters.attempts;
}

static uint64_t established(const struct view_backend *b)
{
	return b->counters.established;
}

static uint64_t refused(const struct view_backend *b)
{
	return b->counters.refused;
}

static uint64_t timed_out(const struct view_backend *b)
{
	return b->counters.timed_out;
}

static uint64_t unreachable(const struct view_backend *b)
{
	return b->counters.unreachable;
}

static uint64_t other_failed(const struct view_backend *b)
{
	return b->counters.other_failed;
}

static uint64_t canceled(const struct view_backend *b)
{
	return b->counters.canceled;
}

static uint64_t closed_normally(const struct view_backend *b)
{
	uint64_t abnormal = b->counters.reset + b->counters.lost;

	/* The three are read one after the other while they change. */
	return b->counters.closed > abnormal ? b->counters.closed - abnormal : 0;
}

static uint64_t reset(const struct view_backend *b)
{
	return b->counters.reset;
}

static uint64_t lost(const struct view_backend *b)
{
	return b->counters.lost;
}

static uint64_t weight(const struct view_backend *b)
{
	return b->weight;
}

static uint64_t ejections(const struct view_backend *b)
{
	return b->ejections;
}

/* The series of a backend; rows of one family stand together, its help on the first. */
static const struct {
	const char *name;
	const char *type;
	const char *help;
	const char *reason;
	uint64_t (*value)(const struct view_backend *backend);
} backend_series[] = {
	{"gwbpf_connections_active", "gauge", "Connections that exist now.", NULL, active},
	{"gwbpf_connection_attempts_total", "counter", "Connects that sent a SYN.", NULL, attempts},
	{"gwbpf_connections_established_total", "counter", "Connects that succeeded.", NULL,
	 established},
	{"gwbpf_connection_failures_total", "counter", "Connects that did not, by reason.",
	 "refused", refused},
	{"gwbpf_connection_failures_total", NULL, NULL, "timeout", timed_out},
	{"gwbpf_connection_failures_total", NULL, NULL, "unreachable", unreachable},
	{"gwbpf_connection_failures_total", NULL, NULL, "other", other_failed},
	{"gwbpf_connection_failures_total", NULL, NULL, "canceled", canceled},
	{"gwbpf_connections_closed_total", "counter", "Connections that ended, by reason.",
	 "normal", closed_normally},
	{"gwbpf_connections_closed_total", NULL, NULL, "reset", reset},
	{"gwbpf_connections_closed_total", NULL, NULL, "lost", lost},
	{"gwbpf_backend_weight", "gauge", "Weight; 0 takes no new connections.", NULL, weight},
	{"gwbpf_backend_ejections_total", "counter", "Times it was passed over for all clients.",
	 NULL, ejections},
};

/* A backend that was ever connected to, and its labels: they are in dozens of lines. */
struct series {
	const struct view_backend *backend;
	char *labels;
	size_t length;
};

static void write_backend_series(struct lines *to, const struct series *series, size_t count,
				 size_t row)
{
	const char *reason = backend_series[row].reason;

	if (backend_series[row].type)
		write_head(to, backend_series[row].name, backend_series[row].type,
			   backend_series[row].help);
	for (size_t i = 0; i < count; i++) {
		lines_add_text(to, backend_series[row].name);
		lines_add(to, "{", 1);
		lines_add(to, series[i].labels, series[i].length);
		if (reason) {
			lines_add_text(to, ",reason=\"");
			lines_add_text(to, reason);
			lines_add(to, "\"", 1);
		}
		lines_add(to, "} ", 2);
		lines_add_number(to, backend_series[row].value(series[i].backend));
		lines_add(to, "\n", 1);
	}
}

/* Upper bounds in seconds, as text. */
struct bounds {
	char text[GW_HISTOGRAM_MAX][16];
};

static void print_bounds(struct bounds *bounds)
{
	static const uint32_t bounds_us[] = GW_HISTOGRAM_US;

	for (size_t i = 0; i < GW_HISTOGRAM_MAX - 1; i++)
		snprintf(bounds->text[i], sizeof(bounds->text[i]), "%g", bounds_us[i] / 1e6);
	strcpy(bounds->text[GW_HISTOGRAM_MAX - 1], "+Inf");
}

/* "name_part{labels" */
static void begin_part(struct lines *to, const char *name, const char *part,
		       const struct series *series)
{
	lines_add_text(to, name);
	lines_add_text(to, part);
	lines_add(to, series->labels, series->length);
}

/* How long connects took, of a Service or of a backend. */
static void write_connects(struct lines *to, const char *name, const struct series *series,
			   const struct gw_counters *counters, const struct bounds *bounds)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < GW_HISTOGRAM_MAX; i++) {
		sum += counters->connect_buckets[i];
		begin_part(to, name, "_bucket{", series);
		lines_add_text(to, ",le=\"");
		lines_add_text(to, bounds->text[i]);
		lines_add_text(to, "\"} ");
		lines_add_number(to, sum);
		lines_add(to, "\n", 1);
	}
	begin_part(to, name, "_sum{", series);
	lines_add(to, "} ", 2);
	lines_add_seconds(to, counters->connect_ns);
	lines_add(to, "\n", 1);
	begin_part(to, name, "_count{", series);
	lines_add(to, "} ", 2);
	lines_add_number(to, sum);
	lines_add(to, "\n", 1);
}

static void write_backend_states(struct lines *to, const struct series *series, size_t count)
{
	write_head(to, "gwbpf_backend_state", "gauge", "1 for the state that it is in.");
	for (size_t i = 0; i < count; i++) {
		begin_part(to, "gwbpf_backend_state", "{", &series[i]);
		lines_add_text(to, ",state=\"");
		lines_add_text(to, view_backend_state_name(series[i].backend->state));
		lines_add_text(to, "\"} 1\n");
	}
}

/* Of those whose certificates were seen. What Go refuses as a whole carries no name. */
static void write_certificates(struct evbuffer *to, const struct view_backend *backends,
			       size_t count)
{
	char labels[LABELS_MAX];

	family(to, "gwbpf_tls_name_valid", "gauge",
	       "1: the backend's certificate carries this name (gwbpf.io/tls-names).");
	for (size_t i = 0; i < count; i++) {
		const struct gw_certificate *certificate = &backends[i].certificate;
		bool is_read = certificate->read == GW_CERTIFICATE_READ;
		struct tls_names names;

		if (!is_read && certificate->read != GW_CERTIFICATE_MALFORMED)
			continue;
		certificates_wanted(&backends[i], &names);
		for (size_t j = 0; j < names.count; j++)
			evbuffer_add_printf(to, "gwbpf_tls_name_valid{%s,name=\"%s\"} %d\n",
					    backend_labels(&backends[i], labels), names.text[j],
					    is_read && !(certificate->missing & 1u << j));
	}
	family(to, "gwbpf_tls_certificate_expiry_timestamp_seconds", "gauge",
	       "When the backend's certificate expires.");
	for (size_t i = 0; i < count; i++)
		if (backends[i].certificate.read == GW_CERTIFICATE_READ)
			evbuffer_add_printf(
				to, "gwbpf_tls_certificate_expiry_timestamp_seconds{%s} %lld\n",
				backend_labels(&backends[i], labels),
				(long long)backends[i].certificate.not_after);
}

/* Those that were looked at. */
static void write_checks(struct evbuffer *to, const struct view_backend *backends, size_t count)
{
	char labels[LABELS_MAX];

	family(to, "gwbpf_backend_check_up", "gauge", "1: the last check found that it answers.");
	for (size_t i = 0; i < count; i++)
		if (backends[i].checked.time_ns)
			evbuffer_add_printf(to, "gwbpf_backend_check_up{%s} %d\n",
					    backend_labels(&backends[i], labels),
					    view_seen_is_good(backends[i].checked.seen));
	family(to, "gwbpf_backend_check_duration_seconds", "gauge",
	       "How long the last check took to know.");
	for (size_t i = 0; i < count; i++)
		if (backends[i].checked.time_ns)
			evbuffer_add_printf(to, "gwbpf_backend_check_duration_seconds{%s} %.6f\n",
					    backend_labels(&backends[i], labels),
					    (double)backends[i].checked.duration_ns / 1e9);
	family(to, "gwbpf_backend_checks_total", "counter", "Checks, by what they found.");
	for (size_t i = 0; i < count; i++)
		for (uint32_t seen = GW_SEEN_OK; seen < GW_SEEN_MAX_; seen++)
			if (backends[i].checked.time_ns)
				evbuffer_add_printf(
					to, "gwbpf_backend_checks_total{%s,result=\"%s\"} %llu\n",
					backend_labels(&backends[i], labels), view_seen_name(seen),
					(unsigned long long)backends[i].checked.count[seen]);
}

static void write_backend_connects(struct lines *to, const struct series *series, size_t count,
				   const struct bounds *bounds)
{
	const char *name = "gwbpf_backend_connect_duration_seconds";

	write_head(to, name, "histogram", "From connect(2) to the connection, of one backend.");
	for (size_t i = 0; i < count; i++)
		write_connects(to, name, &series[i], &series[i].backend->counters, bounds);
}

static void free_series(struct series *series, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(series[i].labels);
	free(series);
}

static int list_series(const struct view_backend *backends, size_t count, struct series **ret,
		       size_t *ret_count)
{
	struct series *series = calloc(count + 1, sizeof(*series));
	char labels[LABELS_MAX];
	size_t used = 0;

	for (size_t i = 0; series && i < count; i++) {
		if (!backends[i].counters.attempts)
			continue;
		series[used].backend = &backends[i];
		series[used].labels = strdup(backend_labels(&backends[i], labels));
		if (!series[used].labels) {
			free_series(series, used);
			return -ENOMEM;
		}
		series[used].length = strlen(series[used].labels);
		used++;
	}
	*ret = series;
	*ret_count = used;
	return series ? 0 : -ENOMEM;
}

static int write_backends(struct evbuffer *to, const struct metrics_input *input,
			  const struct bounds *bounds)
{
	const struct view_backend *backends;
	size_t count = view_backends(input->view, &backends), series_count;
	size_t omitted = count > input->backends_max ? count : 0;
	struct series *series;
	struct lines lines;
	int err;

	single(to, "gwbpf_backends_omitted", "gauge",
	       "Backends without series of their own: there are more than --metrics-backends.",
	       omitted);
	if (omitted)
		return 0;
	err = list_series(backends, count, &series, &series_count);
	if (err)
		return err;
	lines_init(&lines, to);
	for (size_t i = 0; i < sizeof(backend_series) / sizeof(*backend_series); i++)
		write_backend_series(&lines, series, series_count, i);
	write_backend_states(&lines, series, series_count);
	lines_flush(&lines);
	write_certificates(to, backends, count);
	write_checks(to, backends, count);
	write_backend_connects(&lines, series, series_count, bounds);
	free_series(series, series_count);
	return lines_flush(&lines);
}

/* Of the backends that take new connections. 1 where they have none. */
static double balance_ratio(const struct view_service *service, const struct view_backend *backends,
			    size_t count)
{
	struct evenness evenness = {0};

	for (size_t i = 0; i < count && backends[i].service_index == service->index; i++)
		backends_add_evenness(&backends[i], &evenness);
	return evenness.connections ? evenness_ratio(&evenness) : 1;
}

/* Backends are ordered as their Services are; there may be some whose Service is gone. */
static void write_balance(struct evbuffer *to, const struct view_service *services, size_t count,
			  const struct view *view)
{
	const struct view_backend *backends;
	size_t backend_count = view_backends(view, &backends), next = 0;
	char labels[LABELS_MAX];

	family(to, "gwbpf_service_balance_ratio", "gauge",
	       "Most connections of a backend, for its weight, to the mean; 1 is even.");
	for (size_t i = 0; i < count; i++) {
		while (services[i].backends && next < backend_count &&
		       backends[next].service_index != services[i].index)
			next++;
		evbuffer_add_printf(to, "gwbpf_service_balance_ratio{%s} %.3f\n",
				    service_labels(&services[i], labels),
				    balance_ratio(&services[i], backends + next,
						  backend_count - next));
	}
}

static void write_service_states(struct evbuffer *to, const struct view_service *services,
				 size_t count)
{
	char labels[LABELS_MAX];

	family(to, "gwbpf_service_state", "gauge", "1 for the state that it is in.");
	for (size_t i = 0; i < count; i++)
		evbuffer_add_printf(to, "gwbpf_service_state{%s,state=\"%s\"} 1\n",
				    service_labels(&services[i], labels),
				    view_service_state_name(services[i].state));
}

static void write_services(struct evbuffer *to, const struct metrics_input *input)
{
	const struct view_service *services;
	size_t count = view_services(input->view, &services);
	char labels[LABELS_MAX];

	family(to, "gwbpf_service_backends_usable", "gauge", "Backends that take new connections.");
	for (size_t i = 0; i < count; i++)
		evbuffer_add_printf(to, "gwbpf_service_backends_usable{%s} %u\n",
				    service_labels(&services[i], labels), services[i].usable);
	write_service_states(to, services, count);
	write_balance(to, services, count, input->view);
	family(to, "gwbpf_service_refused_total", "counter",
	       "Connects that were refused, by reason.");
	for (size_t i = 0; i < count; i++)
		evbuffer_add_printf(to,
				    "gwbpf_service_refused_total{%s,reason=\"no-backends\"} %llu\n",
				    service_labels(&services[i], labels),
				    (unsigned long long)services[i].no_backends);
}

static int write_service_connects(struct evbuffer *to, const struct view *view,
				  const struct bounds *bounds)
{
	const char *name = "gwbpf_connect_duration_seconds";
	const struct view_service *services;
	size_t count = view_services(view, &services);
	char labels[LABELS_MAX];
	struct lines lines;

	lines_init(&lines, to);
	write_head(&lines, name, "histogram", "From connect(2) to the connection.");
	for (size_t i = 0; i < count; i++) {
		struct series series = {.labels = labels};

		if (!services[i].counters.attempts)
			continue;
		series.length = strlen(service_labels(&services[i], labels));
		write_connects(&lines, name, &series, &services[i].counters, bounds);
	}
	return lines_flush(&lines);
}

static void write_decisions(struct evbuffer *to, const struct metrics_input *input)
{
	const uint64_t *reasons = view_reasons(input->view);

	family(to, "gwbpf_decisions_total", "counter", "Every way out of the hooks.");
	for (int i = 0; i < GW_REASON_MAX_; i++)
		evbuffer_add_printf(to, "gwbpf_decisions_total{reason=\"%s\"} %llu\n",
				    view_reason_name((enum gw_reason)i),
				    (unsigned long long)reasons[i]);
}

static void write_source(struct evbuffer *to, const struct metrics_input *input)
{
	const struct stats *stats = input->stats;

	single(to, "gwbpf_source_synced", "gauge", "1: all that there is was read once.",
	       view_meta(input->view)->source_synced);
	family(to, "gwbpf_source_last_event_timestamp_seconds", "gauge",
	       "When the source last said something.");
	evbuffer_add_printf(to, "gwbpf_source_last_event_timestamp_seconds %.3f\n",
			    stats->last_event_time);
	family(to, "gwbpf_source_errors_total", "counter", "Failed attempts to read, by reason.");
	for (int i = 0; i < SOURCE_ERROR_MAX_; i++)
		evbuffer_add_printf(to, "gwbpf_source_errors_total{reason=\"%s\"} %llu\n",
				    source_error_name((enum source_error)i),
				    (unsigned long long)stats->source_errors[i]);
	single(to, "gwbpf_objects_refused", "gauge",
	       "Objects, and parts of them, that are refused now.",
	       store_refusal_count(stats->store) + stats->services_refused);
	single(to, "gwbpf_objects_refused_total", "counter",
	       "Objects, and parts of them, that were refused.", stats->objects_refused_total);
}

struct histogram {
	const char *name;
	const char *help;
	const double *bounds; /* one fewer than buckets */
	const uint64_t *buckets;
	size_t count;
	double sum;
};

static void write_times(struct evbuffer *to, const struct histogram *histogram)
{
	unsigned long long sum = 0;

	family(to, histogram->name, "histogram", histogram->help);
	for (size_t i = 0; i < histogram->count; i++) {
		sum += histogram->buckets[i];
		if (i < histogram->count - 1)
			evbuffer_add_printf(to, "%s_bucket{le=\"%g\"} %llu\n", histogram->name,
					    histogram->bounds[i], sum);
	}
	evbuffer_add_printf(to, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.9f\n%s_count %llu\n",
			    histogram->name, sum, histogram->name, histogram->sum, histogram->name,
			    sum);
}

static void write_delays(struct evbuffer *to, const struct stats *stats)
{
	static const double apply_bounds[] = STATS_APPLY_BOUNDS;
	static const double programming_bounds[] = STATS_PROGRAMMING_BOUNDS;
	const struct histogram histograms[] = {
		{"gwbpf_apply_duration_seconds", "From the bytes of a change to the kernel.",
		 apply_bounds, stats->apply_buckets, STATS_APPLY_BUCKETS, stats->apply_seconds},
		{"gwbpf_network_programming_duration_seconds",
		 "From a change in the cluster to the kernel.", programming_bounds,
		 stats->programming_buckets, STATS_PROGRAMMING_BUCKETS, stats->programming_seconds},
	};

	for (size_t i = 0; i < sizeof(histograms) / sizeof(*histograms); i++)
		write_times(to, &histograms[i]);
}

static void write_moves(struct evbuffer *to, const struct stats *stats)
{
	family(to, "gwbpf_moves_total", "counter",
	       "Connections that were to be moved, by what came of it.");
	for (int i = 0; i < MOVE_RESULT_MAX_; i++)
		evbuffer_add_printf(to, "gwbpf_moves_total{result=\"%s\"} %llu\n",
				    move_result_name((enum move_result)i),
				    (unsigned long long)stats->moves[i]);
}

static bool all_hooks_are_live(const struct view_meta *meta)
{
	for (int i = 0; i < GW_HOOK_MAX_; i++)
		if (meta->live_age_seconds[i] < 0 || meta->live_age_seconds[i] > VIEW_LIVE_SECONDS)
			return false;
	return true;
}

static void write_agent(struct evbuffer *to, const struct metrics_input *input)
{
	const struct view_meta *meta = view_meta(input->view);
	const struct view_service *services;
	const struct view_backend *backends;

	single(to, "gwbpf_hooks_live", "gauge", "1: a connection was seen to pass every hook.",
	       all_hooks_are_live(meta));
	family(to, "gwbpf_agent_heartbeat_timestamp_seconds", "gauge",
	       "When the agent last said that it is there.");
	evbuffer_add_printf(to, "gwbpf_agent_heartbeat_timestamp_seconds %.3f\n",
			    clock_read_seconds(CLOCK_REALTIME) - meta->heartbeat_age_seconds);
	family(to, "gwbpf_map_entries", "gauge", "Entries in use.");
	evbuffer_add_printf(to,
			    "gwbpf_map_entries{map=\"services\"} %zu\n"
			    "gwbpf_map_entries{map=\"backends\"} %zu\n",
			    view_services(input->view, &services),
			    view_backends(input->view, &backends));
	family(to, "gwbpf_map_entries_max", "gauge", "Room for entries.");
	evbuffer_add_printf(to,
			    "gwbpf_map_entries_max{map=\"services\"} %u\n"
			    "gwbpf_map_entries_max{map=\"backends\"} %u\n",
			    meta->max_services, meta->max_backends);
	family(to, "gwbpf_build_info", "gauge", "Always 1.");
	evbuffer_add_printf(to, "gwbpf_build_info{version=\"%s\",abi=\"%d\"} 1\n", GWBPF_VERSION,
			    GW_ABI_VERSION);
}

static void write_process(struct evbuffer *to, const struct process *process)
{
	family(to, "process_cpu_seconds_total", "counter", "Time on the CPU.");
	evbuffer_add_printf(to, "process_cpu_seconds_total %.6f\n", process->cpu_seconds);
	family(to, "process_start_time_seconds", "gauge", "When it began.");
	evbuffer_add_printf(to, "process_start_time_seconds %.2f\n", process->start_time);
	single(to, "process_virtual_memory_bytes", "gauge", "Address space.",
	       process->virtual_bytes);
	single(to, "process_resident_memory_bytes", "gauge", "Memory, mapped tables included.",
	       process->resident_bytes);
	single(to, "process_open_fds", "gauge", "Open descriptors.", process->open_files);
	single(to, "process_max_fds", "gauge", "Most descriptors that may be open.",
	       process->max_files);
}

int metrics_write(const struct metrics_input *input, struct evbuffer *to)
{
	struct bounds bounds;
	int err;

	print_bounds(&bounds);
	write_services(to, input);
	err = write_service_connects(to, input->view, &bounds);
	if (!err)
		err = write_backends(to, input, &bounds);
	if (err)
		return err;
	write_decisions(to, input);
	write_source(to, input);
	write_delays(to, input->stats);
	write_moves(to, input->stats);
	write_agent(to, input);
	write_process(to, input->process);
	return evbuffer_get_length(to) ? 0 : -ENOMEM;
}
