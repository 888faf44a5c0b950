// SPDX-License-Identifier: Apache-2.0
/* What states and reasons are called. */
#include "kernel/view.h"

#include <errno.h>

static const char *const service_states[] = {
#define NAME(id, name) [VIEW_SERVICE_##id] = name,
	VIEW_SERVICE_STATES(NAME)
#undef NAME
};

static const char *const backend_states[] = {
#define NAME(id, name) [VIEW_BACKEND_##id] = name,
	VIEW_BACKEND_STATES(NAME)
#undef NAME
};

static const char *const drains[] = {
#define NAME(id, name) [VIEW_DRAIN_##id] = name,
	VIEW_DRAINS(NAME)
#undef NAME
};

static const struct {
	const char *name;
	const char *text;
} reasons[] = {
#define REASON(id, name, text) [GW_REASON_##id] = {name, text},
	GW_REASONS(REASON)
#undef REASON
};

static const struct {
	const char *name;
	const char *text;
} certificates[] = {
#define CERTIFICATE(id, name, text) [GW_CERTIFICATE_##id] = {name, text},
	GW_CERTIFICATES(CERTIFICATE)
#undef CERTIFICATE
};

const char *view_certificate_name(uint32_t read)
{
	return certificates[read < GW_CERTIFICATE_MAX_ ? read : GW_CERTIFICATE_NONE].name;
}

const char *view_certificate_text(uint32_t read)
{
	return certificates[read < GW_CERTIFICATE_MAX_ ? read : GW_CERTIFICATE_NONE].text;
}

static const char *const check_kinds[] = {
#define NAME(id, name) [GW_CHECK_##id] = name,
	GW_CHECK_KINDS(NAME)
#undef NAME
};

enum means {
	NOTHING,
	BAD,
	GOOD,
};

static const struct {
	const char *name;
	const char *text;
	enum means means;
} seen_names[] = {
#define SEEN(id, name, means, text) [GW_SEEN_##id] = {name, text, means},
	GW_SEEN(SEEN)
#undef SEEN
};

const char *view_check_kind_name(uint32_t kind)
{
	return check_kinds[kind < GW_CHECK_KIND_MAX_ ? kind : GW_CHECK_OFF];
}

const char *view_seen_name(uint32_t seen)
{
	return seen_names[seen < GW_SEEN_MAX_ ? seen : GW_SEEN_NONE].name;
}

const char *view_seen_text(uint32_t seen)
{
	return seen_names[seen < GW_SEEN_MAX_ ? seen : GW_SEEN_NONE].text;
}

bool view_seen_is_good(uint32_t seen)
{
	return seen < GW_SEEN_MAX_ && seen_names[seen].means == GOOD;
}

bool view_seen_speaks(uint32_t seen)
{
	return seen < GW_SEEN_MAX_ && seen_names[seen].means != NOTHING;
}

const char *view_service_state_name(enum view_service_state state)
{
	return service_states[state];
}

const char *view_drain_name(enum view_drain drain)
{
	return drains[drain];
}

const char *view_backend_state_name(enum view_backend_state state)
{
	return backend_states[state];
}

bool view_backend_takes(const struct view_backend *backend)
{
	return backend->state == VIEW_BACKEND_USABLE || backend->state == VIEW_BACKEND_SUSPECT;
}

const char *view_error_name(uint32_t error)
{
	switch (error) {
	case 0:
		return NULL;
	case ECONNREFUSED:
		return "refused";
	case ETIMEDOUT:
		return "timeout";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "unreachable";
	default:
		return "other";
	}
}

const char *view_reason_name(enum gw_reason reason)
{
	return reasons[reason].name;
}

const char *view_reason_text(enum gw_reason reason)
{
	return reasons[reason].text;
}
