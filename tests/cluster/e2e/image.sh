#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Make the one image that all pods of Kubernetes' tests run, from agnhost and Debian's programs:
#
#	image.sh DIRECTORY-OF-THE-PROGRAMS ARCHIVE.tar
set -eu
here=$(cd "$(dirname "$0")" && pwd)
programs=$1 archive=$(realpath -m "$2")
porter=$(cd "$here" && "$("$here/../k8s/go.sh" "${XDG_CACHE_HOME:-$HOME/.cache}/gwbpf")" list -mod=readonly \
	-f '{{.Dir}}' -m k8s.io/kubernetes)/test/images/agnhost/porter
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
buildah() {
	command buildah --root "$work/storage" --runroot "$work/run" "$@"
}

"$here/../../../deploy/image/collect.sh" "$work/files" "$programs/coredns" \
	"$(command -v busybox)" "$(command -v curl)" "$(readlink -f "$(command -v nc)")" \
	"$(command -v ss)" "$(command -v ip)" "$(command -v wget)" /bin/bash
cd "$work/files"
cp "$programs/agnhost" agnhost
ln -s agnhost agnhost-2
cp "$porter/localhost.crt" "$porter/localhost.key" .
mkdir -p etc tmp uploads var/lib
chmod 1777 tmp
# The tests name programs in either: without /bin/sleep a pod's preStop fails, and it ends at once.
ln -s usr/bin bin
ln -s nc.openbsd usr/bin/nc
# Those that the tests use; the others of busybox are worse than what is there.
for applet in cat date echo env false grep head hostname ls mkdir nslookup printf rm sed seq sleep sort \
	tail test touch tr true uniq wc; do
	ln -s /usr/bin/busybox "usr/bin/$applet"
done
# Its own shell would take its own nc, too.
ln -s /usr/bin/bash usr/bin/sh
echo 'root:x:0:0:root:/:/bin/sh' >etc/passwd
echo 'root:x:0:' >etc/group
container=$(buildah from scratch)
buildah copy --quiet "$container" "$work/files" / >/dev/null
buildah config --entrypoint '["/agnhost"]' --cmd pause --env PATH=/usr/bin:/bin "$container"
mkdir -p "$(dirname "$archive")"
rm -f "$archive"
buildah commit --quiet "$container" "docker-archive:$archive:localhost/e2e:test" >/dev/null
