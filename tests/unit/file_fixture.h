/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of the file source: a directory of its own, a store that writes down what comes of it,
 * and waiting for a commit. Real inotify, no sleeps.
 */
#ifndef GWBPF_TESTS_UNIT_FILE_FIXTURE_H
#define GWBPF_TESTS_UNIT_FILE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

/* Setup and teardown of the group: the event loop; of each test: a directory, and the source. */
int fixture_open(void **state);
int fixture_close(void **state);
int fixture_begin(void **state);
int fixture_end(void **state);

const char *in_directory(const char *name); /* one of four buffers in turn */
void write_file(const char *name, const char *text);
void replace_file(const char *name, const char *text); /* by rename */

/* Manifest text. Up to four texts of each in turn. */
const char *service(const char *name, unsigned int port);
const char *slice(const char *name, unsigned int endpoints);
const char *joined(const char *first, const char *second); /* two documents */

/* Watch these (names in the directory) and take in the first commit. */
void start(const char *first, const char *second);
void reload(void);
void wait_for_commit(void);    /* fails after ten seconds */
void take_what_is_there(void); /* events that are there now; does not wait for any */

/* What the sink was told since it was last asked: a line each, in order, names in the directory
 * without it: "put Service gw 7051", "put EndpointSlice gw 2" (endpoints), "remove Service gw",
 * "accept a.yaml", "commit". Refusals are only in refused(). */
void expect(const char *lines);
bool was_refused(const char *origin, const char *what, const char *more);

#endif
