# SPDX-License-Identifier: Apache-2.0
# Packages of a Debian release and architecture that need not be this system's. They come from the
# mirror that its own apt uses and are checked against Debian's keys; apt's state is a private one, so
# nothing of the system changes. The caller sets $cache, which all share, $work, a directory of its own,
# $suite and $architecture.

keys=/usr/share/keyrings/debian-archive-keyring.gpg

# private PROGRAM ARGUMENT...: apt-get, apt-cache.
private() {
	"$1" -q=2 -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" \
		-o Dir::State="$work/apt" -o Dir::Cache="$work/apt" \
		-o Dir::State::status="$work/apt/status" -o Dir::Etc::sourcelist="$work/apt/sources" \
		-o Dir::Etc::sourceparts=/dev/null -o APT::Sandbox::User=root \
		-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "${@:2}"
}

mirror() {
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' |
		head -n 1
}

# The lists of the release.
private_update() {
	local from
	from=$(mirror)
	if [ -z "$from" ]; then
		echo "cannot fetch packages of '$suite': apt on this system has no source of Debian" >&2
		return 1
	fi
	rm -rf "$work"
	mkdir -p "$work/apt/lists/partial" "$work/apt/archives/partial"
	: >"$work/apt/status"
	echo "deb [arch=$architecture signed-by=$keys] $from $suite main" >"$work/apt/sources"
	private apt-get update >&2
}

# once FILE: call fetch unless FILE is there; whoever comes meanwhile waits for it.
once() {
	[ ! -e "$1" ] || return 0
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock 9
	[ -e "$1" ] || fetch
}
