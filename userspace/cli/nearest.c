// SPDX-License-Identifier: Apache-2.0
/* What a person meant who mistyped the name of a command. */
#include "cli/cli.h"

#include <string.h>

#define WORD_MAX 24   /* longer ones are like none */
#define FARTHEST 2    /* so many typing errors are forgiven, in a word of more letters than that */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters to insert, delete, replace or swap with the next one make a into b (the optimal
 * string alignment distance). */
static size_t distance(const char *a, const char *b)
{
	size_t table[WORD_MAX + 1][WORD_MAX + 1];
	size_t m = strlen(a), n = strlen(b);

	if (m > WORD_MAX || n > WORD_MAX)
		return WORD_MAX;
	for (size_t i = 0; i <= m; i++)
		table[i][0] = i;
	for (size_t j = 0; j <= n; j++)
		table[0][j] = j;
	for (size_t i = 1; i <= m; i++) {
		for (size_t j = 1; j <= n; j++) {
			size_t cost = a[i - 1] != b[j - 1];

			table[i][j] = least(least(table[i - 1][j], table[i][j - 1]) + 1,
					    table[i - 1][j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				table[i][j] = least(table[i][j], table[i - 2][j - 2] + 1);
		}
	}
	return table[m][n];
}

const struct command *cli_nearest_command(const struct cli *cli, const char *word)
{
	const struct command *nearest = NULL;
	size_t length = strlen(word), best = least(FARTHEST + 1, length);

	for (size_t i = 0; i < cli->command_count && length; i++) {
		const char *name = cli->commands[i].name;
		bool is_start = length > 1 && !strncmp(name, word, length);
		size_t far = is_start ? 0 : distance(word, name);

		if (far >= best)
			continue;
		best = far;
		nearest = &cli->commands[i];
	}
	return nearest;
}
