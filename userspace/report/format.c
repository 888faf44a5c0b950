// SPDX-License-Identifier: Apache-2.0
/* Quantities as short text. */
#include "report/format.h"

#include <stddef.h>
#include <stdio.h>

#include <netinet/tcp.h>

#define MINUTE 60u
#define HOUR (60u * MINUTE)
#define DAY (24u * HOUR)

/* Two units at most: more is noise. */
static const struct age_unit {
	uint64_t seconds;
	char name;
	uint64_t minor_seconds;
	char minor_name;
} age_units[] = {
	{DAY, 'd', HOUR, 'h'},
	{HOUR, 'h', MINUTE, 'm'},
	{MINUTE, 'm', 1, 's'},
};

const char *format_age(double seconds, char buf[FORMAT_MAX])
{
	const struct age_unit *unit = age_units;
	uint64_t whole;

	if (seconds < 0) {
		snprintf(buf, FORMAT_MAX, "-");
		return buf;
	}
	whole = (uint64_t)seconds;
	if (whole < 10) {
		snprintf(buf, FORMAT_MAX, "%.1fs", seconds);
		return buf;
	}
	if (whole < MINUTE) {
		snprintf(buf, FORMAT_MAX, "%us", (unsigned int)whole);
		return buf;
	}
	while (whole < unit->seconds)
		unit++;
	snprintf(buf, FORMAT_MAX, "%llu%c%llu%c", (unsigned long long)(whole / unit->seconds),
		 unit->name, (unsigned long long)(whole % unit->seconds / unit->minor_seconds),
		 unit->minor_name);
	return buf;
}

const char *format_bytes(uint64_t bytes, char buf[FORMAT_MAX])
{
	static const char units[] = "KMGTPE";
	double value = (double)bytes;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(buf, FORMAT_MAX, "%u", (unsigned int)bytes);
		return buf;
	}
	/* 1023.5 would be printed as 1024. */
	for (value /= 1024; value >= 1023.5; value /= 1024)
		i++;
	snprintf(buf, FORMAT_MAX, value < 9.95 ? "%.1f%c" : "%.0f%c", value, units[i]);
	return buf;
}

const char *format_rtt(uint32_t us, char buf[FORMAT_MAX])
{
	if (us)
		snprintf(buf, FORMAT_MAX, "%.3fms", us / 1000.0);
	else
		snprintf(buf, FORMAT_MAX, "-");
	return buf;
}

const char *format_tcp_state(uint8_t state)
{
	static const char *const names[] = {
		[TCP_ESTABLISHED] = "established",
		[TCP_SYN_SENT] = "syn-sent",
		[TCP_SYN_RECV] = "syn-recv",
		[TCP_FIN_WAIT1] = "fin-wait-1",
		[TCP_FIN_WAIT2] = "fin-wait-2",
		[TCP_TIME_WAIT] = "time-wait",
		[TCP_CLOSE] = "closed",
		[TCP_CLOSE_WAIT] = "close-wait",
		[TCP_LAST_ACK] = "last-ack",
		[TCP_LISTEN] = "listen",
		[TCP_CLOSING] = "closing",
	};

	if (state >= sizeof(names) / sizeof(names[0]) || !names[state])
		return "unknown";
	return names[state];
}
