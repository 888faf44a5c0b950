// SPDX-License-Identifier: Apache-2.0
/*
 * `gwbpf top`: the backends on a full screen, as they are now, by ncurses, which writes only what has
 * changed. It reads the maps once a second, as the other commands do, and needs no agent. A terminal
 * that is slow to take a screen misses the next ones.
 */
#include "cli/commands.h"

#include <langinfo.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/lookup.h"
#include "cli/naming.h"
#include "cli/say.h"
#include "cli/top_rows.h"
#include "kernel/view.h"

#define SAMPLE_NS 1000000000ull
#define HEAD_LINES 3
#define NAME_MIN 12
#define NAME_MAX_WIDTH 48
#define NUMBERS_WIDTH 38 /* of the columns between the name and the line of rates */
#define TEXT_MAX 1024
#define CONTROL_L 12 /* whatever others have written there: draw all anew */

enum color {
	COLOR_GOOD = 1,
	COLOR_DOUBTFUL,
	COLOR_BAD,
};

struct top {
	const struct cli *cli;
	struct service_filter filter;
	struct view *view; /* that the rows are of */
	const struct view_backend **chosen;
	struct top_rows rows;
	enum top_sort sort;
	size_t first; /* the row that is shown first */
	bool is_over;
	char message[LOOKUP_MESSAGE_MAX]; /* why the last sample could not be taken; "": it was */
};

static volatile sig_atomic_t is_ended;

static void end(int number)
{
	(void)number;
	is_ended = 1;
}

/* The terminal is given back first. A second one ends it at once: the terminal may be stuck. */
static void catch_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	const struct sigaction action = {.sa_handler = end, .sa_flags = (int)SA_RESETHAND};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigaction(numbers[i], &action, NULL);
}

/* --- samples ------------------------------------------------------------------------------- */

static int choose(struct top *top, struct view *view, size_t *ret)
{
	const struct view_backend *backends;
	size_t count = view_backends(view, &backends), chosen = 0;
	const struct view_backend **all = reallocarray(top->chosen, count + 1, sizeof(*all));

	if (!all)
		return -1;
	top->chosen = all;
	for (size_t i = 0; i < count; i++) {
		const struct named_port port = {backends[i].namespace, backends[i].service,
						backends[i].service_port_name,
						backends[i].service_port};

		if (naming_is_service(&top->filter, &port))
			all[chosen++] = &backends[i];
	}
	*ret = chosen;
	return 0;
}

/* If it cannot be taken the last one stays, and the screen says why. */
static void take_sample(struct top *top)
{
	struct view *view;
	size_t count;
	int err = view_open(top->cli->pin_dir, &view);

	*top->message = '\0';
	if (err) {
		lookup_message(top->cli->pin_dir, err, top->message);
		return;
	}
	if (choose(top, view, &count) ||
	    top_rows_take(&top->rows, top->chosen, count, clock_now_ns())) {
		snprintf(top->message, sizeof(top->message), "out of memory");
		view_close(view);
		return;
	}
	view_close(top->view);
	top->view = view;
	top_rows_sort(&top->rows, top->sort);
}

/* --- the screen ---------------------------------------------------------------------------- */

/* Text of a stranger, in so many columns: cut, or filled with spaces. */
static void put(int width, const char *text)
{
	char escaped[TEXT_MAX], *to = escaped, *end;

	while (*text && to - escaped < TEXT_MAX - TEXT_ESCAPE_MAX) {
		end = text_escape(to, &text);
		if (end - escaped > width)
			break;
		to = end;
	}
	*to = '\0';
	printw("%-*s", width, escaped);
}

static int color_of(enum view_backend_state state)
{
	switch (state) {
	case VIEW_BACKEND_USABLE:
		return COLOR_GOOD;
	case VIEW_BACKEND_EJECTED:
		return COLOR_BAD;
	default:
		return COLOR_DOUBTFUL;
	}
}

static void put_colored(const struct top *top, int width, enum view_backend_state state)
{
	attr_t attribute = top->cli->color && has_colors() ? COLOR_PAIR(color_of(state)) : A_NORMAL;

	attron(attribute);
	put(width, view_backend_state_name(state));
	attroff(attribute);
}

/* The newest at the right end. */
static void put_history(const struct top *top, const struct top_history *history, int width)
{
	static const char *const blocks[] = {" ",
					     "\xe2\x96\x81",
					     "\xe2\x96\x82",
					     "\xe2\x96\x83",
					     "\xe2\x96\x84",
					     "\xe2\x96\x85",
					     "\xe2\x96\x86",
					     "\xe2\x96\x87",
					     "\xe2\x96\x88"};
	static const char *const letters[] = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};
	bool has_blocks = !strcmp(nl_langinfo(CODESET), "UTF-8");

	for (int i = width; i > 0; i--) {
		unsigned int level = (size_t)i > history->count
					     ? 0
					     : top_level(history->rates[history->count - (size_t)i],
							 top->rows.most);

		addstr(has_blocks ? blocks[level] : letters[level]);
	}
}

struct widths {
	int name;
	int history;
};

static struct widths measure(void)
{
	struct widths widths = {.name = COLS - NUMBERS_WIDTH - TOP_HISTORY};

	if (widths.name > NAME_MAX_WIDTH)
		widths.name = NAME_MAX_WIDTH;
	if (widths.name < NAME_MIN * 2)
		widths.name = NAME_MIN * 2;
	if (widths.name > COLS - NUMBERS_WIDTH)
		widths.name = COLS - NUMBERS_WIDTH;
	if (widths.name < NAME_MIN)
		widths.name = NAME_MIN;
	widths.history = COLS - NUMBERS_WIDTH - widths.name - 1;
	if (widths.history > TOP_HISTORY)
		widths.history = TOP_HISTORY;
	return widths;
}

static void draw_row(const struct top *top, int line, const struct top_row *row)
{
	const struct view_backend *backend = row->backend;
	const struct widths widths = measure();
	char address[ADDR_PORT_TEXT_MAX], name[TEXT_MAX];

	addr_port_format(&backend->address, backend->port, address);
	/* Of one Service its name would be the same in each line. */
	snprintf(name, sizeof(name), "%s%s%s", *top->filter.name ? "" : backend->service,
		 *top->filter.name ? "" : " ", *backend->pod ? backend->pod : address);
	move(line, 0);
	put(widths.name, name);
	addstr(" ");
	put_colored(top, 9, backend->state);
	printw(" %7u %8.1f %8.1f ", backend->active, row->connects, row->failures);
	if (widths.history > 0)
		put_history(top, row->history, widths.history);
}

static void draw_head(const struct top *top)
{
	const struct top_rows *rows = &top->rows;
	const struct widths widths = measure();
	char text[TEXT_MAX];

	snprintf(text, sizeof(text), "NODE: %s (this node only)  q: quit  s: sort  arrows: scroll",
		 lookup_node(top->view));
	move(0, 0);
	put(COLS, text);
	if (*top->message)
		snprintf(text, sizeof(text), "as it was: %s", top->message);
	else
		snprintf(text, sizeof(text),
			 "%zu backends, %llu connections, %.1f connects/s, %.1f failures/s",
			 rows->count, (unsigned long long)rows->active, rows->connects,
			 rows->failures);
	move(1, 0);
	put(COLS, text);
	move(2, 0);
	attron(A_REVERSE);
	snprintf(text, sizeof(text), "%-*.*s %-9s %7s %8s %8s by %s", widths.name, widths.name,
		 "BACKEND", "STATE", "ACTIVE", "CONN/S", "FAIL/S", top_sort_name(top->sort));
	put(COLS, text);
	attroff(A_REVERSE);
}

/* The rows of the screen, beside the head. */
static size_t page(void)
{
	return LINES > HEAD_LINES ? (size_t)(LINES - HEAD_LINES) : 0;
}

static void keep_within(struct top *top)
{
	size_t last = top->rows.count > page() ? top->rows.count - page() : 0;

	if (top->first > last)
		top->first = last;
}

static void draw(struct top *top)
{
	size_t shown;

	keep_within(top);
	erase();
	draw_head(top);
	for (shown = 0; shown < page() && top->first + shown < top->rows.count; shown++)
		draw_row(top, HEAD_LINES + (int)shown, &top->rows.rows[top->first + shown]);
	/* On a narrow screen a line goes over into the next one, which is drawn over it. */
	if (shown < page()) {
		move(HEAD_LINES + (int)shown, 0);
		clrtobot();
	}
	refresh();
}

/* --- keys ---------------------------------------------------------------------------------- */

static void scroll_by(struct top *top, size_t lines, bool is_down)
{
	if (is_down)
		top->first += lines;
	else
		top->first = top->first > lines ? top->first - lines : 0;
}

static void handle_key(struct top *top, int key)
{
	switch (key) {
	case 'q':
		top->is_over = true;
		break;
	case 's':
		top->sort = (top->sort + 1) % TOP_SORT_MAX_;
		top_rows_sort(&top->rows, top->sort);
		break;
	case CONTROL_L:
		clearok(curscr, TRUE);
		break;
	case KEY_DOWN:
	case KEY_UP:
		scroll_by(top, 1, key == KEY_DOWN);
		break;
	case KEY_NPAGE:
	case KEY_PPAGE:
		scroll_by(top, page(), key == KEY_NPAGE);
		break;
	case KEY_HOME:
		top->first = 0;
		break;
	case KEY_END:
		top->first = top->rows.count;
		break;
	}
}

static void run(struct top *top)
{
	uint64_t now = clock_now_ns(), next = now + SAMPLE_NS;

	while (!top->is_over && !is_ended) {
		int key;

		draw(top);
		now = clock_now_ns();
		timeout(next > now ? (int)((next - now) / 1000000) + 1 : 0);
		key = getch();
		/* Also of a terminal that is gone: then every read fails at once. */
		if (key == ERR && !isatty(STDIN_FILENO))
			return;
		handle_key(top, key);
		now = clock_now_ns();
		if (now < next)
			continue;
		take_sample(top);
		next = clock_now_ns() + SAMPLE_NS;
	}
}

static int show(struct top *top)
{
	SCREEN *screen = newterm(NULL, stdout, stdin);

	if (!screen) {
		say_error(
			"cannot draw on this terminal: '%s' is not known here: set TERM, such as to "
			"xterm or vt100, or use 'gwbpf backends'",
			getenv("TERM") ? getenv("TERM") : "");
		return EXIT_FAILURE;
	}
	catch_signals();
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	if (top->cli->color && has_colors()) {
		start_color();
		use_default_colors();
		init_pair(COLOR_GOOD, COLOR_GREEN, -1);
		init_pair(COLOR_DOUBTFUL, COLOR_YELLOW, -1);
		init_pair(COLOR_BAD, COLOR_RED, -1);
	}
	take_sample(top);
	run(top);
	endwin();
	delscreen(screen);
	return EXIT_SUCCESS;
}

int top_run(const struct cli *cli)
{
	struct top top = {.cli = cli};
	int status = EXIT_FAILURE;

	if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO)) {
		say_error("cannot draw a screen: this is no terminal: use 'gwbpf backends'");
		return EXIT_FAILURE;
	}
	if (lookup_open(cli, &top.view))
		return EXIT_FAILURE;
	if (!lookup_service(cli, top.view, &top.filter))
		status = show(&top);
	view_close(top.view);
	top_rows_done(&top.rows);
	free(top.chosen);
	return status;
}
