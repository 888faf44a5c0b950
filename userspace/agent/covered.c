// SPDX-License-Identifier: Apache-2.0
#include "agent/covered.h"

#include <stdbool.h>

#include "base/log.h"
#include "kernel/cover.h"

/* Whoever names a cgroup for manifests knows why; but the Services of a cluster are there for its
 * pods. */
static enum gw_cover judge(const struct options *options, int cgroup_fd)
{
	bool is_file = options->manifest_count > 0;
	enum gw_cover cover = cover_of_cgroup(cgroup_fd);

	if (is_file && options->cgroup && cover == GW_COVER_NO)
		return GW_COVER_UNKNOWN;
	if (!is_file && cover == GW_COVER_UNKNOWN && cover_misses_pods(cgroup_fd))
		return GW_COVER_NO;
	return cover;
}

static void log_missed(const struct options *options)
{
	if (options->cgroup)
		log_error("pods are not covered: cgroup '%s' does not hold the pods of this node: "
			  "none of their connections will be balanced: give --cgroup another one, "
			  "or leave it out",
			  options->cgroup);
	else
		log_error("pods are not covered: the cgroup namespace of this process is private, "
			  "and the pods of this node are outside of it: none of their connections "
			  "will be balanced: mount the node's /sys/fs/cgroup into the pod, or name "
			  "the node's cgroup with --cgroup");
}

const char *covered_check(const struct options *options, int cgroup_fd, enum gw_cover *ret)
{
	*ret = judge(options, cgroup_fd);
	if (*ret != GW_COVER_NO)
		return NULL;
	if (!options->cgroup && cover_is_alone(cgroup_fd))
		return "cannot balance here, pods are not covered: the cgroup v2 root that this "
		       "process sees holds nobody but itself: mount the node's /sys/fs/cgroup into "
		       "the pod, or name the node's cgroup with --cgroup";
	log_missed(options);
	return NULL;
}

void covered_check_again(const struct options *options, int cgroup_fd, enum gw_cover *cover)
{
	enum gw_cover before = *cover;

	if (before != GW_COVER_NO)
		return;
	*cover = judge(options, cgroup_fd);
	if (*cover == before)
		return;
	if (*cover == GW_COVER_YES)
		log_info("the cgroup of the hooks holds pods of this node now");
}
