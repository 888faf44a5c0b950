#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What Kubernetes' own tests need beside tests/cluster/deps.sh: what their pods run. ../../need.sh
# says how to call it.
set -eu
. "$(dirname "$0")/../../need.sh"

need busybox busybox
need ip iproute2
need ss iproute2
need nc.openbsd netcat-openbsd
need wget wget

needed "$@"
