/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that messages name, for people to copy into a shell. A name that Kubernetes would not take
 * could be a command itself: where one is not plain, there is no command. Pure.
 */
#ifndef GWBPF_REPORT_COMMANDS_H
#define GWBPF_REPORT_COMMANDS_H

#define COMMANDS_MAX 384

/* All return buf; "": a name is not plain, or empty. */

/* "kubectl VERB -n NAMESPACE POD" */
const char *commands_pod(const char *verb, const char *namespace, const char *pod,
			 char buf[COMMANDS_MAX]);

/* "kubectl annotate --overwrite service -n NAMESPACE NAME WHAT": what is ours. */
const char *commands_annotate(const char *namespace, const char *name, const char *what,
			      char buf[COMMANDS_MAX]);

/* The same that takes away the annotation of ours that a message names in quotes. */
const char *commands_unannotate(const char *namespace, const char *name, const char *message,
				char buf[COMMANDS_MAX]);

/* "kubectl label service -n NAMESPACE NAME WHAT" */
const char *commands_label(const char *namespace, const char *name, const char *what,
			   char buf[COMMANDS_MAX]);

/* "gwbpf VERB NAMESPACE/NAME" */
const char *commands_service(const char *verb, const char *namespace, const char *name,
			     char buf[COMMANDS_MAX]);

#endif
