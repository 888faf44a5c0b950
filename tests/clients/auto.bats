# SPDX-License-Identifier: Apache-2.0
# rebalance: auto from end to end, with real client libraries: what it learns takes ten minutes.

load ../cli/lib
load clients

learnt_seconds()
{
	lab_gwbpf services -o json | jq '.items[0].rebalanceSeconds // 0'
}

has_learnt()
{
	[ "$(learnt_seconds)" != 0 ]
}

# CommitStatus is silent for two seconds: half as long again is what must be learnt, or somewhat more.
@test "auto moves nothing while it learns; then 4, 4, 4, and no call fails" {
	serve 'gwbpf.io/rebalance: auto' 10.1.0.1 10.1.0.2
	start_agent
	start_clients 3 3000
	spread_is 6 6
	serve 'gwbpf.io/rebalance: auto' 10.1.0.1 10.1.0.2 10.1.0.3
	sleep 570
	spread_is 6 6 0
	[ "$(moved)" -eq 0 ]
	ends_in 60 has_learnt
	echo "learnt: $(learnt_seconds) s" >&3
	[ "$(jq -n "$(learnt_seconds) >= 3 and $(learnt_seconds) < 6")" = true ]
	ends_in 60 spread_is 4 4 4
	echo "moved $(moved), $(tally -c .)" >&3
	[ "$(moved)" -ge 4 ]
	[ "$(moved)" -le 6 ]
	before=$(moved)
	sleep 60
	[ "$(moved)" -eq "$before" ]
	[ "$(tally .failed)" -eq 0 ]
}
