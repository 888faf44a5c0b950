#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Make a container image from nothing, without a registry: the given programs and the libraries
# that they load. The first program is what the image runs.
#
#	[other=ROOT architecture=arm64] scratch.sh NAME:TAG ARCHIVE.tar PROGRAM...
set -eu
here=$(cd "$(dirname "$0")" && pwd)
name=$1 archive=$2
shift 2
command -v buildah >/dev/null || {
	echo "cannot build image '$name': buildah is missing (make image-deps)" >&2
	exit 1
}

# Neither a user namespace nor a storage driver of the kernel, so that it works in a container too.
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
buildah() {
	command buildah --root "$work/storage" --runroot "$work/run" "$@"
}

"$here/collect.sh" "$work/files" "$@"
container=$(buildah from scratch)
buildah copy --quiet "$container" "$work/files" / >/dev/null
buildah config ${architecture:+--arch "$architecture"} --entrypoint "[\"/usr/bin/$(basename "$1")\"]" --cmd '' --env PATH=/usr/bin "$container"
mkdir -p "$(dirname "$archive")"
rm -f "$archive"
buildah commit --quiet "$container" "docker-archive:$archive:$name" >/dev/null
