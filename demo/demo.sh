#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Watch connections being balanced. One function is one scene; each ends by comparing what the
# clients say they hold with what gwbpf counts, and the demo fails if they ever differ.
set -eu
cd "$(dirname "$0")/.."
. demo/stage.sh
. demo/cast.sh

scene_spread() {
	scene "Three clients open 15 connections each to $service_address"
	look "the clients know only the Service's address. Watch ACTIVE: every peer gets its share."
	start_clients client1 15
	start_clients client2 15
	start_clients client3 15
	compare
	show services
	show backends
	compare_even
	compare_shown
	compare_page
}

scene_add_peer() {
	scene "The organization adds org1-peer4"
	look "open connections stay where they are; new ones go to the newcomer until it has caught up."
	start_peer org1-peer4
	put_slice org1-peer1 org1-peer2 org1-peer3 org1-peer4
	wait_for "org1-peer4 to be usable" backend_is org1-peer4 usable
	start_clients client1 5
	start_clients client2 5
	start_clients client3 5
	compare
	compare_even
}

scene_remove_peer() {
	scene "org1-peer2 is taken out of the EndpointSlice"
	look "it is 'leaving': its connections live on and are answered, and it gets no new ones."
	put_slice org1-peer1 org1-peer3 org1-peer4
	wait_for "org1-peer2 to leave" backend_is org1-peer2 leaving
	start_clients client2 12
	compare
	show backends
	compare_even
}

scene_kill_agent() {
	scene "The agent is killed with -9, and clients come and go without it"
	look "the kernel goes on balancing and counting by itself."
	{ kill -KILL "$agent_pid"; wait "$agent_pid"; } 2>/dev/null || true
	start_applications client3 12
	stop_clients client1 5
	compare

	scene "A new agent starts"
	look "it takes over what is in the kernel: nothing is lost, nothing is counted twice."
	run_agent
	compare
	show services
}

scene_return() {
	scene "org1-peer2 comes back"
	look "it has fewer connections than the others, and nobody opens a new one."
	put_slice org1-peer1 org1-peer2 org1-peer3 org1-peer4
	wait_for "org1-peer2 to be usable" backend_is org1-peer2 usable
	compare

	scene "The Service is annotated with gwbpf.io/rebalance: 800ms"
	look "connections that are quiet for so long move, a few at a time. Every question gets its answer."
	sed 's|^  annotations:|&\n    gwbpf.io/rebalance: 800ms|' demo/service.yaml | put_manifest service.yaml
	patience=120 wait_for "the connections to be even" usable_are_even
	put_manifest service.yaml <demo/service.yaml
	wait_for "the annotation to be gone" is_not_moving
	compare
	compare_even
	compare_answered
}

scene_kill_peer() {
	scene "org1-peer3 is killed with -9: its port is closed"
	look "its clients open their connections again. They meet it once each; then it is 'ejected'."
	expect_broken org1-peer3
	kill_peer org1-peer3
	wait_for "org1-peer3 to be ejected" backend_is org1-peer3 ejected
	show backends
	start_clients client1 6
	compare
	bring_back org1-peer3 start_peer org1-peer3
}

scene_black_hole() {
	scene "org1-peer1's cable is pulled: nobody answers, and nobody says so"
	look "within 3 s its clients notice, and open their connections again. What is on its way there fails."
	expect_broken org1-peer1
	set_cable org1-peer1 down
	wait_for "org1-peer1 to be ejected" backend_is org1-peer1 ejected
	show backends
	compare
	bring_back org1-peer1 set_cable org1-peer1 up
}

# Afterwards the first new connection tries it, and the rest follow.
bring_back() { # PEER COMMAND...
	say "$1 is brought back. Nobody has tried it yet:"
	"${@:2}"
	wait_for "the time of $1 to be over" may_be_tried "$1"
	show backends
	say "The first new connection of a client that does not suspect it any more tries it:"
	for client in client{3,1,2} client{3,1,2} client{3,1,2} client{3,1,2}; do
		start_clients "$client" $((++newcomers))
		sleep 1
		! backend_is "$1" usable || break
	done
	wait_for "$1 to be usable" backend_is "$1" usable
	show backends
	compare
}

scene_end() {
	scene "All clients close, and gwbpf is taken out of the kernel"
	look "ACTIVE is 0 again, and every connection was counted once, on one peer."
	stop_all_clients
	wait_for "the counts to be 0" nothing_is_active
	show backends
	compare_totals
	{ kill "$agent_pid"; wait "$agent_pid"; } 2>/dev/null || true
	show detach
}

hold() {
	cat <<-END

		Everything stays up until you press Enter or Ctrl-C. The status page, in a browser on this machine:

		  http://$page/

		From another root shell in $PWD:

		  export GWBPF_PIN_DIR=$pins
		  build/gwbpf services
		  build/gwbpf backends -w
		  build/gwbpf connections
		  \$EDITOR $manifests/slice.yaml        # remove a peer, add it again
		  tail -f $run/log/agent

		A shell on a client (it ends with the demo):

		  sh -c 'echo \$\$ >$cgroup/cgroup.procs; exec nsenter --net=$run/net/client1 bash'
		  exec 3<>/dev/tcp/${service_address/:/\/}; echo who >&3; head -n 1 <&3

	END
	# Without a terminal there is no Enter: until a signal comes.
	read -r _ || read -r _ <> <(:)
}

stage_up
cast_up
scene_spread
scene_add_peer
scene_remove_peer
scene_kill_agent
scene_return
scene_kill_peer
scene_black_hole
# Who plays opens connections of their own: then the totals prove nothing.
if [ -n "${HOLD:-}" ]; then
	hold
else
	scene_end
	say "Done in $SECONDS s: the counts of the clients and of gwbpf were equal at every step."
fi
