#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what the tests with real clients need beside tests/deps.sh (Debian, Ubuntu). Go is found
# by tests/cluster/k8s/go.sh. A program that is there already is taken as it is.
set -eu
missing=
command -v node >/dev/null || missing="$missing nodejs"
command -v npm >/dev/null || missing="$missing npm"
[ -e /etc/ssl/certs/ca-certificates.crt ] || missing="$missing ca-certificates"

[ -n "$missing" ] || exit 0
echo "installing:$missing"
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
