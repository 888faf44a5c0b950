#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the tests with real clients need beside tests/deps.sh. Go is found by tests/cluster/k8s/go.sh.
# need.sh says how to call it.
set -eu
. "$(dirname "$0")/../need.sh"

need node nodejs
need npm npm
need /etc/ssl/certs/ca-certificates.crt ca-certificates

needed "$@"
