// SPDX-License-Identifier: Apache-2.0
/* Where a report comes from: the pins, or why they cannot be read, and the node. */
#include "report/lookup.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/datapath.h"
#include "kernel/mounts.h"
#include "kernel/view.h"

static void explain_abi(const char *pin_dir, char buf[LOOKUP_MESSAGE_MAX])
{
	uint32_t abi;

	if (mounts_check_pin_dir(pin_dir, buf, LOOKUP_MESSAGE_MAX) == -EXDEV)
		return;
	if (datapath_pinned_abi(pin_dir, &abi))
		snprintf(buf, LOOKUP_MESSAGE_MAX,
			 "cannot read '%s': what is pinned there is not gwbpf's: "
			 "give the directory of the agent with --pin-dir",
			 pin_dir);
	else if (abi == GW_ABI_VERSION)
		snprintf(
			buf, LOOKUP_MESSAGE_MAX,
			"cannot read '%s': a map there is not as gwbpf makes it: restart the agent, "
			"which replaces what is not",
			pin_dir);
	else
		snprintf(buf, LOOKUP_MESSAGE_MAX,
			 "cannot read '%s': it has ABI %u and this gwbpf reads ABI %u: use the "
			 "gwbpf that installed it, or restart the agent with this version",
			 pin_dir, abi, GW_ABI_VERSION);
}

const char *lookup_message(const char *pin_dir, int err, char buf[LOOKUP_MESSAGE_MAX])
{
	switch (err) {
	case -ENOENT:
		snprintf(buf, LOOKUP_MESSAGE_MAX,
			 "nothing is installed in '%s': run 'gwbpf agent', or give its directory "
			 "with --pin-dir",
			 pin_dir);
		break;
	case -EPROTO:
		explain_abi(pin_dir, buf);
		break;
	case -EPERM:
	case -EACCES:
		snprintf(buf, LOOKUP_MESSAGE_MAX, "cannot read '%s': not permitted: run it as root",
			 pin_dir);
		break;
	default:
		snprintf(buf, LOOKUP_MESSAGE_MAX, "cannot read '%s': %s", pin_dir, strerror(-err));
	}
	return buf;
}

const char *lookup_host(void)
{
	static char name[HOST_NAME_MAX + 1];

	if (gethostname(name, sizeof(name)) || !*name)
		return "unknown";
	return name;
}

const char *lookup_node(const struct view *view)
{
	return view && *view_meta(view)->node ? view_meta(view)->node : lookup_host();
}
