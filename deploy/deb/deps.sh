#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make deb` needs, beside what building needs. need.sh says how to call it.
set -eu
. "$(dirname "$0")/../../tests/need.sh"

need git git
need dh debhelper
need dpkg-buildpackage dpkg-dev
need lintian lintian

needed "$@"
