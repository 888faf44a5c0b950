/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file source: manifests on disk, read again when inotify tells of a change, also when an
 * editor or a ConfigMap replaces them by rename. A file that cannot be read or parsed keeps the
 * objects that it had; so does a path of --manifests that vanishes. A file gone from a directory
 * takes its objects with it. An object that is refused whole keeps its last good version.
 */
#ifndef GWBPF_SOURCE_FILE_H
#define GWBPF_SOURCE_FILE_H

#include <stddef.h>

#include "source/sink.h"

struct event_base;
struct file_source;

/*
 * Read all that there is into the sink's store (ended by a commit), and watch. paths and sink must outlive
 * the source. -ENOMEM, or what inotify says; a path that cannot be read, or is not there yet, is
 * refused, not an error. The sink is called from here and from base's loop; it must not stop the
 * source from there. Of two files with the same object the one of the earlier path, then of the
 * lesser name has it; the other one is told, and takes over when the first lets go. An object whose file is gone is removed a tenth of a second later, all other
 * changes are delivered at once.
 */
int file_source_start(struct event_base *base, const char *const *paths, size_t count,
		      const struct sink *sink, struct file_source **ret);
void file_source_stop(struct file_source *source); /* takes NULL; what was read stays */

/* Look at everything again (SIGHUP). */
void file_source_reload(struct file_source *source);

#endif
