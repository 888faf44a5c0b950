# SPDX-License-Identifier: Apache-2.0
# Cgroups in every hierarchy of this machine at once: v2 alone, or v1 controllers beside v2.

# Each hierarchy where it belongs: a chroot may have mounts of its own elsewhere.
cgroup_hierarchies() {
	findmnt -rn -t "${1:-cgroup,cgroup2}" -o TARGET | grep '^/sys/fs/cgroup\(/\|$\)'
}

# A v1 cpuset takes no process before it is told its CPUs and memory.
cgroup_make_one() {
	local dir=$1 file
	[ ! -d "$dir" ] || return 0
	mkdir "$dir"
	[ ! -e "$dir/cgroup.controllers" ] || return 0
	for file in cpuset.cpus cpuset.mems; do
		[ ! -e "$dir/$file" ] || cat "$dir/../$file" >"$dir/$file"
	done
}

# Make the cgroup $1 with its parents, in the hierarchies of type $2 or in all.
cgroup_make() {
	local path=$1 hierarchy part dir
	for hierarchy in $(cgroup_hierarchies "${2:-}"); do
		dir=$hierarchy
		for part in ${path//\// }; do
			dir=$dir/$part
			cgroup_make_one "$dir"
		done
	done
}

# Make it and put the process $1 into it.
cgroup_enter() {
	local pid=$1 path=$2 types=${3:-} hierarchy part dir
	cgroup_make "$path" "$types"
	for hierarchy in $(cgroup_hierarchies "$types"); do
		echo "$pid" >"$hierarchy/$path/cgroup.procs"
	done
	for hierarchy in $(cgroup_hierarchies cgroup2); do
		dir=$hierarchy
		for part in ${path//\// }; do
			cgroup_enable "$dir"
			dir=$dir/$part
		done
	done
}

# In v2 a controller is off unless the parent hands it on, which it may not while it has processes.
cgroup_enable() {
	local controller
	for controller in $(cat "$1/cgroup.controllers"); do
		echo "+$controller" >"$1/cgroup.subtree_control"
	done
}

# End every process below the cgroup $1, then remove it.
cgroup_destroy() {
	local path=$1 hierarchy
	for hierarchy in $(cgroup_hierarchies); do
		[ ! -e "$hierarchy/$path/cgroup.kill" ] || echo 1 >"$hierarchy/$path/cgroup.kill"
	done
	for hierarchy in $(cgroup_hierarchies); do
		[ ! -d "$hierarchy/$path" ] || cluster_wait 60 cgroup_remove "$hierarchy/$path"
	done
}

cgroup_remove() {
	find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
	[ ! -d "$1" ]
}
