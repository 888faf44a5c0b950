#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
name=7 suite=sid processor=max processors=2 parameters= degraded=socket-walk \
	exec "$(dirname "$0")/boot.sh" "$@"
