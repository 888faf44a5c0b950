// SPDX-License-Identifier: Apache-2.0
#include "base/child.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

pid_t child_fork(void)
{
	pid_t parent = getpid(), child = fork();

	/* A parent that has ended already is not told of. */
	if (!child && (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent))
		_exit(1);
	return child;
}
