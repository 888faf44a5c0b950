// SPDX-License-Identifier: Apache-2.0
/* Taking everything away: the last part of datapath.h. */
#include "kernel/datapath.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/libbpf.h>
#include <gwbpf.skel.h>

#include "kernel/links.h"
#include "kernel/mounts.h"
#include "kernel/pins.h"

#define END_WAIT_MS 10000 /* how long a forced end of an agent may take */

/* The kernel names whoever took the lock, also when that one has ended, its lock lives on in a child,
 * and its pid is somebody else's by now. So it is looked at again once the pidfd holds the process:
 * one that has the lock can be ended. */
static int end_agent(const char *pin_dir, pid_t pid, char *message)
{
	struct pollfd exit = {.events = POLLIN};
	int err = 0;

	exit.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (exit.fd < 0)
		return pins_fail(message, -errno, "cannot end the agent with pid %d: %s", pid,
				 strerror(errno));
	if (!pins_has_lock(pin_dir, pid))
		err = pins_fail(
			message, -ESRCH,
			"cannot end the agent: the lock of '%s' was taken by pid %d, which "
			"does not hold it now: see who has the directory open (fuser -v '%s') "
			"and end that one",
			pin_dir, pid, pin_dir);
	else if (syscall(SYS_pidfd_send_signal, exit.fd, SIGTERM, NULL, 0))
		err = pins_fail(message, -errno, "cannot end the agent with pid %d: %s", pid,
				strerror(errno));
	else if (poll(&exit, 1, END_WAIT_MS) != 1)
		err = pins_fail(message, -ETIMEDOUT,
				"cannot end the agent with pid %d: it does not stop", pid);
	close(exit.fd);
	return err;
}

static int remove_pins(const char *pin_dir)
{
	static const char *const directories[] = {"/maps", "/links", ""};
	struct gwbpf_bpf *object = gwbpf_bpf__open();
	char path[PATH_MAX];
	struct bpf_map *map;

	if (!object)
		return -errno;
	pins_map_path(pin_dir, "gw_meta", path);
	unlink(path);
	bpf_object__for_each_map(map, object->obj) {
		pins_map_path(pin_dir, bpf_map__name(map), path);
		unlink(path);
	}
	gwbpf_bpf__destroy(object);
	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++) {
		snprintf(path, sizeof(path), "%s%s", pin_dir, directories[i]);
		if (rmdir(path) && errno != ENOENT)
			return -errno;
	}
	return 0;
}

int pins_remove_all(const char *pin_dir)
{
	int err = 0;

	for (int i = GW_HOOK_MAX_ - 1; i >= 0 && !err; i--)
		err = links_detach(pin_dir, (enum gw_hook)i);
	return err ? err : remove_pins(pin_dir);
}

/* Who holds the lock, and not whom the maps name: an agent that starts or ends has not written its
 * pid there yet, or not any more, and that of a killed one may be anybody's by now. */
static int lock_for_detach(const char *pin_dir, bool force, int *ret, char *message)
{
	int err = pins_lock(pin_dir, ret, message);
	char who[PINS_HOLDER_MAX];
	pid_t holder;

	if (err != -EBUSY)
		return err;
	holder = pins_lock_holder(pin_dir);
	if (!force)
		return pins_fail(
			message, err,
			"cannot detach: the agent with %s runs: end it first, or use --force",
			pins_name_holder(holder, who));
	/* One that cannot be seen may just have ended by itself. */
	err = holder ? end_agent(pin_dir, holder, message) : 0;
	if (!err)
		err = pins_lock(pin_dir, ret, message);
	if (!err && holder)
		pins_fail(message, 0, "the agent with %s was ended", pins_name_holder(holder, who));
	else if (!err)
		message[0] = '\0';
	return err;
}

int datapath_detach(const char *pin_dir, bool force, char message[DATAPATH_MESSAGE_MAX])
{
	int err, lock_fd;

	message[0] = '\0';
	if (access(pin_dir, F_OK))
		return errno == ENOENT ? 0
				       : pins_fail(message, -errno,
						   "cannot look into pin directory '%s': %s",
						   pin_dir, strerror(errno));
	err = mounts_check_pin_dir(pin_dir, message, DATAPATH_MESSAGE_MAX);
	if (err == -EXDEV)
		return err;
	err = lock_for_detach(pin_dir, force, &lock_fd, message);
	if (err)
		return err;
	err = pins_remove_all(pin_dir);
	if (err)
		pins_fail(message, err, "cannot remove the pins below '%s': %s", pin_dir,
			  strerror(-err));
	close(lock_fd);
	return err;
}
