// SPDX-License-Identifier: Apache-2.0
#include "kernel/datapath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gwbpf.skel.h>

#include "kernel/attach.h"
#include "kernel/attach_point.h"
#include "kernel/features.h"
#include "kernel/maps.h"
#include "kernel/mounts.h"
#include "kernel/pins.h"
#include "kernel/records.h"
#include "kernel/takeover.h"

struct datapath {
	struct gwbpf_bpf *object;
	char *pin_dir;
	int lock_fd;
	int cgroup_fd;
	int old_conns_fd; /* records of an earlier version, until ours run; -1: none */
	char *cgroup;     /* NULL: where attach_point_open() says */
	struct attach_point point;
	bool adopted;
	bool is_new; /* nothing was pinned there: what is now is this one's */
};

/* Whether no hook is attached by a link that is pinned there. */
static bool has_no_links(const char *pin_dir)
{
	struct hook_status hooks[GW_HOOK_MAX_] = {0};

	datapath_hooks(pin_dir, hooks);
	for (int i = 0; i < GW_HOOK_MAX_; i++)
		if (hooks[i].attached)
			return false;
	return true;
}

/* What libbpf last complained of: the reason behind the errno of a failed load. */
static char complaint[DATAPATH_MESSAGE_MAX / 2];

static int keep_complaint(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(complaint, sizeof(complaint), format, arguments);
	complaint[strcspn(complaint, "\n")] = '\0';
	return 0;
}

static bool is_pinned_kind(const struct bpf_map *map)
{
	return !strncmp(bpf_map__name(map), "gw_", 3);
}

static void set_sizes(struct gwbpf_bpf *object, uint32_t services, uint32_t backends)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object->obj) {
		if (is_pinned_kind(map))
			bpf_map__set_max_entries(map, maps_entries(bpf_map__name(map), services,
								   backends));
	}
}

static bool has_shape(int fd, const struct bpf_map *map)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &size) && info.type == bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       info.map_flags == bpf_map__map_flags(map) &&
	       (!bpf_map__max_entries(map) || info.max_entries == bpf_map__max_entries(map));
}

/* Go on with a pinned map if it has the shape that the programs expect. */
static int reuse(const char *pin_dir, struct bpf_map *map)
{
	int fd = maps_open_one(pin_dir, bpf_map__name(map));
	int err = -EPROTO;

	if (fd < 0)
		return fd;
	if (has_shape(fd, map))
		err = bpf_map__reuse_fd(map, fd);
	close(fd);
	return err;
}

static int reuse_all(const char *pin_dir, struct gwbpf_bpf *object)
{
	struct bpf_map *map;
	int err;

	bpf_object__for_each_map(map, object->obj) {
		err = is_pinned_kind(map) ? reuse(pin_dir, map) : 0;
		if (err)
			return err;
	}
	return 0;
}

/* Where it cannot be so, libbpf makes the map like all the others. */
static void make_records(struct gwbpf_bpf *object, char *message)
{
	struct bpf_map *map = object->maps.gw_conns;
	int fd = records_make_uncharged(bpf_map__name(map), bpf_map__value_size(map));

	if (fd < 0 && !message[0])
		pins_fail(message, fd,
			  "the memory of connections is charged to this agent's memory cgroup: "
			  "cannot enter the root: %s: 'gwbpf check' tells what follows",
			  strerror(-fd));
	if (fd < 0)
		return;
	bpf_map__reuse_fd(map, fd);
	close(fd);
}

/*
 * Decide which maps to go on with. All of them, if they are of this ABI and whole. If not, the
 * records of live connections at least, so that these go on showing their Service's address: in
 * their map, or copied into ours.
 */
static int open_object(struct datapath *datapath, const struct datapath_options *options,
		       char *message)
{
	struct maps_identity pinned;
	int err = maps_identify(options->pin_dir, &pinned);

	if (err && err != -ENOENT && err != -EPROTO)
		return pins_fail(message, err, "cannot read the pins below '%s': %s",
				 options->pin_dir, strerror(-err));
	datapath->is_new = err == -ENOENT && has_no_links(options->pin_dir);
	datapath->object = gwbpf_bpf__open();
	if (!datapath->object)
		return pins_fail(message, -errno, "cannot open the BPF object: %s", complaint);
	if (!err && pinned.abi == GW_ABI_VERSION) {
		set_sizes(datapath->object, pinned.max_services, pinned.max_backends);
		if (!reuse_all(options->pin_dir, datapath->object)) {
			datapath->adopted = true;
			if (pinned.max_services != options->max_services ||
			    pinned.max_backends != options->max_backends)
				pins_fail(
					message, 0,
					"the limits stay at %u services and %u backends, as pinned: "
					"'gwbpf detach' first to change them",
					pinned.max_services, pinned.max_backends);
			return 0;
		}
		gwbpf_bpf__destroy(datapath->object);
		datapath->object = gwbpf_bpf__open();
		if (!datapath->object)
			return pins_fail(message, -errno, "cannot open the BPF object: %s",
					 complaint);
	}
	if (!err && pinned.abi == GW_ABI_VERSION)
		pins_fail(
			message, 0,
			"a map below '%s' is not as this version makes it: all are replaced; live "
			"connections go on, their counts begin anew",
			options->pin_dir);
	else if (err != -ENOENT)
		pins_fail(
			message, 0,
			"the pins below '%s' are of another version (ABI %u, this is %u): replaced; "
			"live connections go on, their counts begin anew",
			options->pin_dir, err ? 0 : pinned.abi, GW_ABI_VERSION);
	set_sizes(datapath->object, options->max_services, options->max_backends);
	if (!reuse(options->pin_dir, datapath->object->maps.gw_conns))
		return 0;
	if (!err || err == -ENOENT)
		datapath->old_conns_fd =
			takeover_find(options->pin_dir, err ? TAKEOVER_ABI : pinned.abi);
	make_records(datapath->object, message);
	return 0;
}

/* The old hooks go on writing the old records until ours take their places: copied once before the
 * old ones are no longer pinned, and once more when ours run. */
static int copy_old_records(struct datapath *datapath)
{
	if (datapath->old_conns_fd < 0)
		return 0;
	return takeover_run(datapath->old_conns_fd, bpf_map__fd(datapath->object->maps.gw_conns));
}

static void take_old_records(struct datapath *datapath, const char *pin_dir, char *message)
{
	int err = copy_old_records(datapath);

	if (err)
		pins_fail(message, err,
			  "the pins below '%s' are of another version: replaced; live connections "
			  "go on, but show their pod's address, for this kernel does not let their "
			  "records be copied: %s",
			  pin_dir, strerror(-err));
}

static void forget_old_records(struct datapath *datapath)
{
	if (datapath->old_conns_fd >= 0)
		close(datapath->old_conns_fd);
	datapath->old_conns_fd = -1;
}

static int load(struct datapath *datapath, char *message)
{
	int err;

	features_set(datapath->object);
	complaint[0] = '\0';
	err = gwbpf_bpf__load(datapath->object);
	if (err)
		return pins_fail(
			message, err,
			"cannot load the BPF programs: %s: %s: 'gwbpf check' tells what this "
			"node lacks",
			strerror(-err), complaint);
	return 0;
}

static int write_meta(struct datapath *datapath, const struct datapath_options *options)
{
	int fd = bpf_map__fd(datapath->object->maps.gw_meta);
	struct gw_meta meta = {
		.magic = GW_MAGIC,
		.abi = GW_ABI_VERSION,
		.max_services = options->max_services,
		.max_backends = options->max_backends,
	};
	__u32 key = 0;

	/* Records of an earlier set of maps must not fit a backend of this one by chance. */
	if (getrandom(&meta.next_generation, sizeof(meta.next_generation), 0) < 0)
		return -errno;
	return bpf_map_update_elem(fd, &key, &meta, BPF_ANY) ? -errno : 0;
}

static int replace_pin(const char *pin_dir, struct bpf_map *map)
{
	char path[PATH_MAX];

	pins_map_path(pin_dir, bpf_map__name(map), path);
	if (unlink(path) && errno != ENOENT)
		return -errno;
	return bpf_obj_pin(bpf_map__fd(map), path) ? -errno : 0;
}

/* gw_meta goes first and comes last: pins without it are those of an agent that was interrupted,
 * and count for nothing. */
static int pin_maps(struct datapath *datapath, const struct datapath_options *options,
		    char *message)
{
	struct bpf_map *meta = datapath->object->maps.gw_meta;
	char path[PATH_MAX];
	struct bpf_map *map;
	int err;

	pins_map_path(options->pin_dir, "gw_meta", path);
	err = unlink(path) && errno != ENOENT ? -errno : write_meta(datapath, options);
	bpf_object__for_each_map(map, datapath->object->obj) {
		if (!err && map != meta && is_pinned_kind(map))
			err = replace_pin(options->pin_dir, map);
	}
	if (!err)
		err = replace_pin(options->pin_dir, meta);
	if (err)
		return pins_fail(message, err, "cannot pin the maps below '%s': %s",
				 options->pin_dir, strerror(-err));
	return 0;
}

static int open_cgroup(struct datapath *datapath, int *ret, char *message)
{
	int fd = datapath->cgroup ? mounts_open_cgroup(datapath->cgroup)
				  : attach_point_open(datapath->pin_dir, false, &datapath->point);

	if (fd >= 0) {
		*ret = fd;
		return 0;
	}
	if (!datapath->cgroup)
		return pins_fail(
			message, fd,
			"cannot find a cgroup v2 mount: %s: mount one (mount -t cgroup2 none "
			"/sys/fs/cgroup/unified)",
			strerror(-fd));
	return pins_fail(message, fd, "cannot use cgroup '%s': %s", datapath->cgroup,
			 fd == -ENOTSUP ? "it is not a cgroup v2 directory" : strerror(-fd));
}

int datapath_open(const struct datapath_options *options, struct datapath **ret,
		  char message[DATAPATH_MESSAGE_MAX])
{
	struct datapath *datapath = calloc(1, sizeof(*datapath));
	int err = -ENOMEM;

	message[0] = '\0';
	if (!datapath)
		return pins_fail(message, err, "cannot start: %s", strerror(ENOMEM));
	datapath->lock_fd = -1;
	datapath->cgroup_fd = -1;
	datapath->old_conns_fd = -1;
	datapath->pin_dir = strdup(options->pin_dir);
	libbpf_set_print(keep_complaint);
	datapath->cgroup = options->cgroup ? strdup(options->cgroup) : NULL;
	if (!datapath->pin_dir || (options->cgroup && !datapath->cgroup))
		goto fail;
	err = geteuid() ? pins_fail(message, -EPERM, "cannot load BPF programs: run as root") : 0;
	/* Before anything is made. */
	if (!err)
		err = open_cgroup(datapath, &datapath->cgroup_fd, message);
	if (!err)
		err = mounts_make_pin_dir(options->pin_dir, message, DATAPATH_MESSAGE_MAX);
	if (!err)
		err = pins_lock(options->pin_dir, &datapath->lock_fd, message);
	if (!err)
		err = open_object(datapath, options, message);
	if (!err)
		err = load(datapath, message);
	if (!err)
		take_old_records(datapath, options->pin_dir, message);
	if (!err && !datapath->adopted)
		err = pin_maps(datapath, options, message);
	if (err)
		goto fail;
	*ret = datapath;
	return 0;
fail:
	datapath_undo(datapath);
	datapath_close(datapath);
	return err;
}

void datapath_undo(struct datapath *datapath)
{
	if (datapath->is_new)
		pins_remove_all(datapath->pin_dir);
	datapath->is_new = false;
}

void datapath_close(struct datapath *datapath)
{
	if (!datapath)
		return;
	gwbpf_bpf__destroy(datapath->object);
	forget_old_records(datapath);
	if (datapath->cgroup_fd >= 0)
		close(datapath->cgroup_fd);
	if (datapath->lock_fd >= 0)
		close(datapath->lock_fd);
	free(datapath->pin_dir);
	free(datapath->cgroup);
	free(datapath);
}

bool datapath_is_adopted(const struct datapath *datapath)
{
	return datapath->adopted;
}

int datapath_cgroup_fd(const struct datapath *datapath)
{
	return datapath->cgroup_fd;
}

const char *datapath_pin_dir(const struct datapath *datapath)
{
	return datapath->pin_dir;
}

struct gwbpf_bpf *datapath_object(struct datapath *datapath)
{
	return datapath->object;
}

/* One that was removed may have been made anew at the same place. */
static int find_cgroup_again(struct datapath *datapath, char *message)
{
	int fd, err;

	if (!faccessat(datapath->cgroup_fd, "cgroup.procs", F_OK, 0))
		return 0;
	err = open_cgroup(datapath, &fd, message);
	if (err)
		return err;
	close(datapath->cgroup_fd);
	datapath->cgroup_fd = fd;
	return 0;
}

bool datapath_choose_cgroup(struct datapath *datapath, bool is_taken)
{
	uint64_t before, now;
	int fd;

	if (datapath->cgroup)
		return false;
	fd = attach_point_open(datapath->pin_dir, is_taken, &datapath->point);
	if (fd < 0)
		return false;
	if (mounts_cgroup_id(datapath->cgroup_fd, &before) || mounts_cgroup_id(fd, &now) ||
	    before == now) {
		close(fd);
		return false;
	}
	close(datapath->cgroup_fd);
	datapath->cgroup_fd = fd;
	return true;
}

const char *datapath_cgroup_text(const struct datapath *datapath)
{
	return datapath->point.text;
}

int datapath_attach(struct datapath *datapath, char message[DATAPATH_MESSAGE_MAX])
{
	int err = find_cgroup_again(datapath, message);

	if (!err)
		err = attach_hooks(datapath->pin_dir, datapath->object, datapath->cgroup_fd,
				   message);
	if (err)
		return err;
	copy_old_records(datapath);
	forget_old_records(datapath);
	return 0;
}

int datapath_lost_hooks(const struct datapath *datapath)
{
	return attach_lost(datapath->pin_dir, datapath->object, datapath->cgroup_fd);
}
