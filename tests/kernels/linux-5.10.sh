#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The oldest kernel that gwbpf runs on.
name=5.10 suite=bullseye processor=max processors=2 parameters= degraded=refusal \
	exec "$(dirname "$0")/boot.sh" "$@"
