#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
name=6.1-preempt suite=bookworm processor=max processors=1 parameters=preempt=full degraded= \
	exec "$(dirname "$0")/boot.sh" "$@"
