/* SPDX-License-Identifier: Apache-2.0 */
/* What this process uses, under the names that every Prometheus client library gives it. */
#ifndef GWBPF_AGENT_PROCESS_H
#define GWBPF_AGENT_PROCESS_H

struct process {
	double cpu_seconds;
	double start_time; /* since 1970 */
	unsigned long virtual_bytes;
	unsigned long resident_bytes;
	unsigned long open_files;
	unsigned long max_files;
};

/* What cannot be read is 0. */
void process_look(struct process *ret);

#endif
