#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
name=6.1 suite=bookworm processor=max processors=2 parameters= degraded= \
	exec "$(dirname "$0")/boot.sh" "$@"
