// SPDX-License-Identifier: Apache-2.0
#include "report/status_texts.h"

#include <stdarg.h>
#include <stdio.h>

static void add(char texts[STATUS_TEXTS_MAX][LOOKUP_MESSAGE_MAX], size_t *count, size_t *left_out,
		const char *format, va_list arguments)
{
	if (*count < STATUS_TEXTS_MAX - 1)
		vsnprintf(texts[(*count)++], LOOKUP_MESSAGE_MAX, format, arguments);
	else
		++*left_out;
}

static void count_left_out(char texts[STATUS_TEXTS_MAX][LOOKUP_MESSAGE_MAX], size_t *count,
			   size_t left_out)
{
	if (left_out)
		snprintf(
			texts[(*count)++], LOOKUP_MESSAGE_MAX,
			"and %zu more: 'gwbpf services', 'gwbpf backends' and the agent's log name "
			"them",
			left_out);
}

void status_add_problem(struct status *status, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add(status->problems, &status->problem_count, &status->problems_left_out, format,
	    arguments);
	va_end(arguments);
}

void status_add_warning(struct status *status, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add(status->warnings, &status->warning_count, &status->warnings_left_out, format,
	    arguments);
	va_end(arguments);
}

void status_count_left_out(struct status *status)
{
	count_left_out(status->problems, &status->problem_count, status->problems_left_out);
	count_left_out(status->warnings, &status->warning_count, status->warnings_left_out);
}
