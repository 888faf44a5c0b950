/* SPDX-License-Identifier: Apache-2.0 */
/* The pin directory: who may write to it, and the names below it. */
#ifndef GWBPF_KERNEL_PINS_H
#define GWBPF_KERNEL_PINS_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * Become the only writer of the pins. The descriptor in ret is the lock: it ends with its holder and the
 * children of that, so that nothing needs cleaning up after a crash. -EBUSY: an agent runs; where none
 * is seen that has the lock, only after 1 s. message says why.
 */
int pins_lock(const char *pin_dir, int *ret, char *message);

/* Who took the lock, by the kernel's word; that one may have ended since, and left the lock to a child
 * (pins_has_lock()). 0: nobody, or somebody in a process namespace that
 * cannot be seen from here. */
pid_t pins_lock_holder(const char *pin_dir);

/* Whether this process has the lock open: the kernel shows it at the descriptor (fdinfo). false also
 * where that may not be looked at. */
bool pins_has_lock(const char *pin_dir, pid_t pid);

#define PINS_HOLDER_MAX 40

/* "pid 4321". Returns buf. */
const char *pins_name_holder(pid_t pid, char buf[PINS_HOLDER_MAX]);

/* "PIN_DIR/maps/gw_vips" */
void pins_map_path(const char *pin_dir, const char *name, char path[PATH_MAX]);

/* Detach every hook and remove the pins, for who holds the lock. -errno of what failed first. */
int pins_remove_all(const char *pin_dir);

/* Write a message of at most DATAPATH_MESSAGE_MAX bytes and return err. */
int pins_fail(char *message, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
