#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
name=6.12 suite=trixie processor=max,-cx16 processors=2 parameters= degraded= \
	exec "$(dirname "$0")/boot.sh" "$@"
