// SPDX-License-Identifier: Apache-2.0
/*
 * `gwbpf report`: what the reading commands print, in one text, to attach to a question. Each section
 * is a process of its own: one that fails, or takes too long, says so, and the rest goes on.
 */
#include "cli/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/say.h"
#include "cli/usage.h"
#include "kernel/map_sizes.h"

#define SECTION_SECONDS 10
#define SECTION_BYTES_MAX (8u << 20) /* what is beyond is cut, and that is said */
#define ARGUMENTS_MAX 16

const struct argp_option report_options[] = {
	{.name = "file",
	 .key = OPTION_FILE,
	 .arg = "FILE",
	 .doc = "write it there, readable by root alone (default: standard output)"},
	{.name = "clients",
	 .key = OPTION_CLIENTS,
	 .doc = "also what names clients: their connections, with addresses and processes, and "
		"whose doing events are"},
	{0},
};

/* A command that this program does not have is left out. */
static const struct section {
	const char *command; /* NULL: the sizes of the maps */
	const char *output;
	bool names_clients;    /* it is nothing without them */
	const char *anonymous; /* the option by which it names none; NULL: it never does */
} sections[] = {
	{"version", "table", false, NULL},
	{"status", "wide", false, NULL},
	{"services", "wide", false, NULL},
	{"backends", "wide", false, NULL},
	{"events", "table", false, "--no-clients"},
	{"tls", "table", false, NULL},
	{"check", "table", false, NULL},
	{NULL, NULL, false, NULL},
	{"connections", "wide", true, NULL},
};
#define SECTIONS (sizeof(sections) / sizeof(*sections))

static int print_sizes(const struct cli *cli)
{
	struct map_size sizes[MAP_SIZES_MAX];
	size_t count;
	int err = map_sizes_read(cli->pin_dir, sizes, &count);

	if (err) {
		say_error("cannot read the maps: %s", strerror(-err));
		return EXIT_FAILURE;
	}
	printf("%-18s %10s %8s %14s\n", "MAP", "ENTRIES", "VALUE", "BYTES");
	for (size_t i = 0; i < count; i++)
		printf("%-18s %10u %8u %14llu\n", sizes[i].name, sizes[i].entries,
		       sizes[i].value_bytes, (unsigned long long)sizes[i].bytes);
	return EXIT_SUCCESS;
}

/* In a child, whose output goes to `to`. */
static void __attribute__((noreturn))
be_section(const struct cli *cli, const struct section *section, int to)
{
	char *arguments[ARGUMENTS_MAX] = {
		(char *)"gwbpf",      (char *)section->command, (char *)"--pin-dir",
		(char *)cli->pin_dir, (char *)"--control",      (char *)cli->control,
		(char *)"--output",   (char *)section->output,  (char *)"--color",
		(char *)"never",
	};
	int count = 10, status;

	if (section->anonymous && !cli->clients)
		arguments[count++] = (char *)section->anonymous;
	setpgid(0, 0);
	dup2(to, STDOUT_FILENO);
	dup2(to, STDERR_FILENO);
	status = section->command ? cli_main(cli->commands, cli->command_count, count, arguments)
				  : print_sizes(cli);
	fflush(NULL);
	_exit(status);
}

/* Returns false if it had to be cut, for length or for time. */
static bool copy(int from, FILE *to, const char **why)
{
	uint64_t until_ms = clock_now_ms() + SECTION_SECONDS * 1000;
	struct pollfd poller = {.fd = from, .events = POLLIN};
	size_t sum = 0;
	char text[65536];
	ssize_t length;

	for (;;) {
		uint64_t now_ms = clock_now_ms();

		*why = "it took too long";
		if (now_ms >= until_ms || poll(&poller, 1, (int)(until_ms - now_ms)) == 0)
			return false;
		length = read(from, text, sizeof(text));
		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			return true;
		fwrite(text, 1, (size_t)length, to);
		sum += (size_t)length;
		*why = "it is too long";
		if (sum > SECTION_BYTES_MAX)
			return false;
	}
}

static void finish(pid_t pid, bool is_whole, const char *why, FILE *to)
{
	int status = 0;

	if (!is_whole)
		kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (!is_whole)
		fprintf(to, "(this section ends here: %s)\n", why);
	else if (WIFSIGNALED(status))
		fprintf(to, "(this section was ended by signal %d)\n", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		fprintf(to, "(exit status %d)\n", WEXITSTATUS(status));
}

static void write_section(const struct cli *cli, const struct section *section, FILE *to)
{
	const char *name = section->command ? section->command : "maps", *why;
	int ends[2];
	pid_t pid;

	fprintf(to, "\n==== %s\n", name);
	fflush(to);
	if (pipe2(ends, O_CLOEXEC)) {
		fprintf(to, "(cannot make this section: %s)\n", strerror(errno));
		return;
	}
	pid = child_fork();
	if (!pid)
		be_section(cli, section, ends[1]);
	close(ends[1]);
	if (pid > 0) {
		bool is_whole = copy(ends[0], to, &why);

		finish(pid, is_whole, why, to);
	} else {
		fprintf(to, "(cannot make this section: %s)\n", strerror(errno));
	}
	close(ends[0]);
}

static void write_head(const struct cli *cli, FILE *to)
{
	char text[TEXT_TIME_MAX];
	struct utsname system;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	fprintf(to, "gwbpf report, %s\n", text_time(&now, text));
	if (!uname(&system))
		fprintf(to, "host %s, %s %s %s\n", system.nodename, system.sysname, system.release,
			system.machine);
	fprintf(to, "clients: %s\n",
		cli->clients ? "named" : "not named: --clients adds their connections");
}

static FILE *open_file(const struct cli *cli)
{
	int fd = open(cli->file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (!file)
		say_error("cannot write '%s': %s", cli->file, strerror(errno));
	return file;
}

int report_run(const struct cli *cli)
{
	FILE *to = cli->file ? open_file(cli) : stdout;
	int status = EXIT_SUCCESS;

	if (!to)
		return EXIT_FAILURE;
	write_head(cli, to);
	for (size_t i = 0; i < SECTIONS; i++) {
		const struct section *section = &sections[i];

		if ((section->command && !cli_find_command(cli, section->command)) ||
		    (section->names_clients && !cli->clients))
			continue;
		write_section(cli, section, to);
	}
	if (cli->file && fclose(to)) {
		say_error("cannot write '%s': %s", cli->file, strerror(errno));
		status = EXIT_FAILURE;
	}
	return status;
}
