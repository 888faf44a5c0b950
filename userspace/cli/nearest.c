// SPDX-License-Identifier: Apache-2.0
#include "cli/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 24 /* longer ones are like none */
#define FARTHEST 2  /* so many typing errors are forgiven, in less than half of the letters */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool is_same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
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
			size_t cost = !is_same(a[i - 1], b[j - 1]);

			table[i][j] = least(least(table[i - 1][j], table[i][j - 1]) + 1,
					    table[i - 1][j - 1] + cost);
			if (i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) &&
			    is_same(a[i - 2], b[j - 1]))
				table[i][j] = least(table[i][j], table[i - 2][j - 2] + 1);
		}
	}
	return table[m][n];
}

void nearest_begin(struct nearest *nearest, const char *word)
{
	*nearest = (struct nearest){
		.word = word,
		.distance = least(FARTHEST + 1, (strlen(word) + 1) / 2),
	};
}

void nearest_offer(struct nearest *nearest, const char *name)
{
	size_t length = strlen(nearest->word), far;

	if (!length)
		return;
	far = length > 1 && !strncasecmp(name, nearest->word, length)
		      ? 0
		      : distance(nearest->word, name);
	if (far >= nearest->distance)
		return;
	nearest->distance = far;
	nearest->found = name;
}
