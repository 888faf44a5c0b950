/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent with many Services of ten endpoints each, read from manifests in a directory of memory.
 * Knows nothing of what is measured.
 */
#ifndef GWBPF_BENCH_MANY_H
#define GWBPF_BENCH_MANY_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#define MANY_ENDPOINTS 10
#define MANY_PATIENCE_US 120e6

/* The directory of the manifests is there from open to close. */
void many_open(void);
int many_close(void);
const char *many_directory(void);

/* Service `number` of the namespace bench, at 10.96.x.y:7051, with so many of its endpoints, which
 * are in 10.128.0.0/9. */
void many_write_service(FILE *file, int number, int endpoints);

/* Run build/gwbpf with these options, which NULL ends, and this room. */
pid_t many_start_agent(int services, const char *const *options);

/* Wait until its hooks are attached: all is in force. */
void many_await_ready(pid_t pid);

/* Fail if it has ended, or if this has taken too long. */
void many_check_alive(pid_t pid, double since_us);

/* End it, and remove all that it has put into the kernel. */
void many_stop_agent(pid_t pid);

double many_cpu_seconds(pid_t pid);

#endif
