/* SPDX-License-Identifier: Apache-2.0 */
/* Backends that are far away, in another network namespace, and the ways in which they are lost. */
#ifndef GWBPF_TESTS_ROADS_H
#define GWBPF_TESTS_ROADS_H

#define ROADS_FAR "10.3.0.2:7051"         /* reached, until roads_break() */
#define ROADS_HOLE "10.3.0.3:7051"        /* packets vanish */
#define ROADS_UNREACHABLE "10.4.0.1:7051" /* a router says so */
#define ROADS_NOWHERE "10.5.0.1:7051"     /* no route: connect(2) fails before its first packet */

void roads_open(void);
void roads_close(void);

/* For group set-up: the roads, then lab_start(); and undo it. */
int roads_start(void **state);
int roads_stop(void **state);

/* A socket that listens over there. */
int roads_listen(const char *address);

/* From now on packets to ROADS_FAR vanish; until roads_mend(). */
void roads_break(void);
void roads_mend(void);

#endif
