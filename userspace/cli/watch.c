// SPDX-License-Identifier: Apache-2.0
#include "cli/watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/args.h"
#include "cli/cli.h"
#include "cli/say.h"

#define PERIOD_MS 1000
#define ROWS_DEFAULT 24
#define CURSOR_HOME "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_REST "\033[J"

static size_t terminal_rows(void)
{
	struct winsize size;

	return !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row ? size.ws_row : ROWS_DEFAULT;
}

/* Over what is on the screen, line by line, so that nothing flickers. */
static void draw(const char *text, size_t size)
{
	size_t rows = terminal_rows();
	const char *end;

	fputs(CURSOR_HOME, stdout);
	for (; size && rows > 1; rows--) {
		end = memchr(text, '\n', size);
		fwrite(text, 1, end ? (size_t)(end - text) : size, stdout);
		fputs(CLEAR_LINE "\n", stdout);
		if (!end)
			break;
		size -= (size_t)(end + 1 - text);
		text = end + 1;
	}
	fputs(CLEAR_REST, stdout);
}

/* Run it with its output, and what it complains about, in a file in memory, and draw that. */
static int run_on_terminal(const struct cli *cli, const struct command *command)
{
	int file = memfd_create("gwbpf-watch", MFD_CLOEXEC), out = dup(STDOUT_FILENO);
	int err = dup(STDERR_FILENO), status = EXIT_FAILURE;
	char *text = MAP_FAILED;
	off_t size = 0;

	if (file < 0 || out < 0 || err < 0)
		goto out;
	fflush(stdout);
	dup2(file, STDOUT_FILENO);
	dup2(file, STDERR_FILENO);
	status = command->run(cli);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	size = lseek(file, 0, SEEK_END);
	if (size > 0)
		text = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, file, 0);
	if (text != MAP_FAILED) {
		draw(text, (size_t)size);
		munmap(text, (size_t)size);
	}
out:
	if (file >= 0)
		close(file);
	if (out >= 0)
		close(out);
	if (err >= 0)
		close(err);
	return status;
}

/* Whether to go on after a second: no signal has come, and somebody reads. */
static bool wait_second(int signals)
{
	struct pollfd polled[] = {
		{.fd = signals, .events = POLLIN},
		{.fd = STDOUT_FILENO}, /* POLLERR: nobody reads the pipe; POLLHUP: no terminal */
	};
	int count = poll(polled, 2, PERIOD_MS);

	return count >= 0 ? !count : errno == EINTR;
}

int watch_run(const struct cli *cli, const struct command *command)
{
	bool is_terminal = isatty(STDOUT_FILENO), is_first = true;
	int signals, status = EXIT_FAILURE;
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signal(SIGPIPE, SIG_IGN);
	signals = signalfd(-1, &mask, SFD_CLOEXEC);
	if (signals < 0) {
		say_error("cannot watch: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	if (is_terminal)
		fputs(CURSOR_HOME CLEAR_REST, stdout);
	do {
		if (!is_terminal && !is_first)
			putchar('\n');
		is_first = false;
		status = is_terminal ? run_on_terminal(cli, command) : command->run(cli);
		/* Nobody reads any more: that is an end, and no failure. */
		if (fflush(stdout) && errno == EPIPE) {
			status = EXIT_SUCCESS;
			fclose(stdout);
			break;
		}
		/* What was asked for wrongly stays wrong. */
	} while (status != ARGS_EXIT_USAGE && !ferror(stdout) && wait_second(signals));
	close(signals);
	return status;
}
