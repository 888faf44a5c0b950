// SPDX-License-Identifier: Apache-2.0
#include "model/evenness.h"

static double larger(double a, double b)
{
	return a > b ? a : b;
}

void evenness_add(struct evenness *evenness, uint32_t connections, uint32_t weight)
{
	if (!weight)
		return;
	evenness->backends++;
	evenness->connections += connections;
	evenness->weights += weight;
	evenness->most = larger(evenness->most, (double)connections / weight);
	evenness->most_but_one = larger(evenness->most_but_one, (connections - 1.0) / weight);
}

static double mean(const struct evenness *evenness)
{
	return (double)evenness->connections / (double)evenness->weights;
}

double evenness_ratio(const struct evenness *evenness)
{
	return evenness->connections ? evenness->most / mean(evenness) : 0;
}

bool evenness_is_even(const struct evenness *evenness)
{
	return !evenness->connections || evenness->most_but_one <= mean(evenness);
}
