/* SPDX-License-Identifier: Apache-2.0 */
/* One line a message on standard error: logfmt or JSON. Only the agent and the CLI log. */
#ifndef GWBPF_BASE_LOG_H
#define GWBPF_BASE_LOG_H

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

enum log_format {
	LOG_FORMAT_LOGFMT,
	LOG_FORMAT_JSON,
};

void log_configure(enum log_level level, enum log_format format);

/* "error", "warn", "info", "debug"; "logfmt", "json". -EINVAL */
int log_level_parse(const char *text, enum log_level *ret);
int log_format_parse(const char *text, enum log_format *ret);

/* The message is escaped as the format asks; it may hold what a stranger wrote. errno survives. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
