# SPDX-License-Identifier: Apache-2.0
# A real Kubernetes control plane on this machine, for tests: etcd and the API server (and the
# controller manager on request) in a directory of their own. Source it; README.md names the
# functions. It knows nothing of gwbpf but the role that deploy/ ships. Every process has a pid
# file below $CLUSTER, and a keeper ends them all when the shell that started them is gone.

CLUSTER_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CLUSTER_TOP=$(cd "$CLUSTER_HERE/../.." && pwd)
CLUSTER_ADDRESS=${CLUSTER_ADDRESS:-127.0.0.1}
CLUSTER_START_SECONDS=${CLUSTER_START_SECONDS:-60}
CLUSTER_SERVICE_RANGES=10.96.0.0/16,fd00:10:96::/112
CLUSTER_PROGRAMS="etcd openssl curl jq ss"

. "$CLUSTER_HERE/objects.bash"
. "$CLUSTER_HERE/cgroup.bash"

# What is missing to run a cluster, as a sentence; nothing if all is there.
cluster_missing() {
	local program
	[ "$(id -u)" = 0 ] || echo "not root"
	for program in $CLUSTER_PROGRAMS; do
		command -v "$program" >/dev/null || echo "no $program (make cluster-deps)"
	done
	"$CLUSTER_HERE/k8s/build.sh" --find >/dev/null || echo "no Kubernetes (make kubernetes)"
}

cluster_can_start() {
	local missing
	missing=$("$1")
	[ -n "$missing" ] || return 0
	echo "cannot start a cluster: $missing" >&2
	return 1
}

# is SEEN EXPECTED: if they are not the same, say both.
is() {
	[ "$1" = "$2" ] && return
	printf "seen: '%s', expected: '%s'\n" "$1" "$2" >&2
	return 1
}

# Wait until a command succeeds, $1 seconds at most; then it says once what it sees.
cluster_wait() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $end ]; then
			echo "timed out waiting for: $*" >&2
			"$@" >&2 || return 1
			echo "too late, it is so now" >&2
			return 1
		fi
		sleep 0.1
	done
}

# In the network namespace of the control plane, if it has one.
cluster_exec() {
	if [ -n "${CLUSTER_NETNS:-}" ]; then
		nsenter --net="$CLUSTER_NETNS" "$@"
	else
		command "$@"
	fi
}

kubectl() {
	cluster_exec kubectl "$@"
}

# --- processes ---------------------------------------------------------------------------------

# Start a program in the background; its pid and its log are named after $1.
cluster_start() {
	local name=$1
	shift
	cluster_exec setsid --fork bash -c 'echo $$ >"$0" && exec "$@"' "$CLUSTER/run/$name" "$@" \
		</dev/null >>"$CLUSTER/log/$name" 2>&1 3>&- 4>&- 9>&-
	cluster_wait 60 test -s "$CLUSTER/run/$name"
}

# The pid is of use only while it is still ours: a stale file must not end somebody else's process.
cluster_is_running() {
	local pid
	pid=$(cat "$CLUSTER/run/$1" 2>/dev/null) || return 1
	grep -qaF "$CLUSTER" "/proc/$pid/cmdline" 2>/dev/null
}

# End a program: SIGTERM (or signal $2), and SIGKILL if it lingers: an API server waits up to a
# minute for its watchers. No error if it is not running.
cluster_stop() {
	local name=$1 signal
	for signal in "${2:-TERM}" KILL; do
		cluster_is_running "$name" || break
		# What it started without leaving its session ends with it. It may have ended just now.
		kill -s "$signal" -- "-$(cat "$CLUSTER/run/$name")" 2>/dev/null || :
		cluster_wait "${CLUSTER_END_SECONDS:-5}" cluster_has_ended "$name" 2>/dev/null || continue
	done
	rm -f "$CLUSTER/run/$name"
}

cluster_has_ended() {
	! cluster_is_running "$1"
}

# Ready, or dead already: then there is nothing to wait for.
cluster_wait_ready() {
	local name=$1
	shift
	cluster_wait "$CLUSTER_START_SECONDS" cluster_is_ready_or_dead "$name" "$@"
	"$@" >/dev/null 2>&1 && return
	echo "cannot start '$name': the end of its log follows" >&2
	tail -n 20 "$CLUSTER/log/$name" >&2
	return 1
}

cluster_is_ready_or_dead() {
	local name=$1
	shift
	"$@" || ! cluster_is_running "$name"
}

# When the shell $1 ends without having taken its cluster down, do it.
cluster_keep() {
	tail --pid="$1" -s 0.5 -f /dev/null
	rm -f "$CLUSTER/run/keeper"
	cluster_down
}

# --- certificates ------------------------------------------------------------------------------

# A certificate of the cluster's authority: name, subject, alternative names if any.
cluster_certificate() {
	local name=$1 subject=$2 alternatives=${3:-} options=()
	[ -z "$alternatives" ] || options=(-addext "subjectAltName=$alternatives")
	openssl req -x509 -CA "$CLUSTER/pki/ca.crt" -CAkey "$CLUSTER/pki/ca.key" -days 2 \
		-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "$subject" \
		"${options[@]}" -addext basicConstraints=critical,CA:FALSE \
		-keyout "$CLUSTER/pki/$name.key" -out "$CLUSTER/pki/$name.crt" 2>>"$CLUSTER/log/openssl"
}

cluster_make_pki() {
	local names=DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc
	openssl req -x509 -days 2 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
		-subj /CN=cluster-ca -keyout "$CLUSTER/pki/ca.key" -out "$CLUSTER/pki/ca.crt" \
		2>>"$CLUSTER/log/openssl"
	openssl genrsa -out "$CLUSTER/pki/accounts.key" 2048 2>>"$CLUSTER/log/openssl"
	cluster_certificate server /CN=kube-apiserver \
		"$names,IP:127.0.0.1,IP:10.96.0.1,IP:$CLUSTER_ADDRESS"
	cluster_certificate admin /O=system:masters/CN=admin
	cluster_certificate controllers /CN=system:kube-controller-manager
	cluster_certificate scheduler /CN=system:kube-scheduler
}

# --- kubeconfig files --------------------------------------------------------------------------

# cluster_write_kubeconfig FILE "user's lines as YAML" [NAMESPACE]
cluster_write_kubeconfig() {
	cat >"$1" <<-END
		apiVersion: v1
		kind: Config
		current-context: test
		clusters:
		- name: test
		  cluster: {server: "$CLUSTER_SERVER", certificate-authority: "$CLUSTER/pki/ca.crt"}
		contexts:
		- name: test
		  context: {cluster: test, user: test, namespace: "${3:-default}"}
		users:
		- name: test
		  user: $2
	END
	chmod 600 "$1"
}

# cluster_certificate_kubeconfig FILE CERTIFICATE: who uses a certificate of cluster_certificate.
cluster_certificate_kubeconfig() {
	local pair=$CLUSTER/pki/$2
	cluster_write_kubeconfig "$1" "{client-certificate: \"$pair.crt\", client-key: \"$pair.key\"}"
}

# cluster_token_kubeconfig FILE TOKEN
cluster_token_kubeconfig() {
	cluster_write_kubeconfig "$1" "{token: \"$2\"}"
}

# cluster_account NAMESPACE NAME: a service account without any rights.
cluster_account() {
	kube_namespace "$1"
	kubectl create serviceaccount -n "$1" "$2"
}

# A token of a service account; the API server grants no less than ten minutes.
cluster_token() {
	kubectl create token -n "$1" "$2" --duration "${3:-1h}"
}

# cluster_agent_kubeconfig FILE: the rights that deploy/base grants to the agent, and no others.
cluster_agent_kubeconfig() {
	kube_namespace gwbpf-system
	kube_apply <"$CLUSTER_TOP/deploy/base/rbac.yaml"
	cluster_token_kubeconfig "$1" "$(cluster_token gwbpf-system gwbpf)"
	cluster_wait 60 cluster_may "$1" yes watch nodes
}

# cluster_may KUBECONFIG yes|no VERB RESOURCE [NAMESPACE]: a right that is granted or taken away is in
# force when the API server has news of it, which is some time after it was written.
cluster_may() {
	local answer
	answer=$(kubectl --kubeconfig "$1" auth can-i "$3" "$4" ${5:+-n "$5"} 2>/dev/null) || :
	is "$answer" "$2"
}

# --- the control plane -------------------------------------------------------------------------

# One that nobody listens at, and that was not given out before: who is to listen there has yet to start.
cluster_free_port() {
	local port
	until port=$((20000 + RANDOM % 12000)) && [ -z "$(ss -Htln "sport = :$port")" ] &&
		mkdir "$CLUSTER/run/port-$port" 2>/dev/null; do
		:
	done
	echo "$port"
}

# The cluster's directory, its keeper, and what tests see of it in the environment.
cluster_new() {
	local base=${CLUSTER_BASE:-/dev/shm}
	cluster_can_start cluster_missing || return 1
	[ -w "$base" ] || base=${TMPDIR:-/tmp}
	CLUSTER=$(mktemp -d "$base/gwbpf-cluster.XXXXXX")
	mkdir "$CLUSTER/log" "$CLUSTER/run" "$CLUSTER/pki"
	cluster_start keeper bash -c '. "$1"; CLUSTER=$2; cluster_keep "$3"' \
		keeper "$CLUSTER_HERE/lib.bash" "$CLUSTER" $$

	CLUSTER_ETCD_PORT=$(cluster_free_port)
	CLUSTER_SERVER=https://$CLUSTER_ADDRESS:$(cluster_free_port)
	KUBECONFIG=$CLUSTER/admin.kubeconfig
	PATH=$("$CLUSTER_HERE/k8s/build.sh" --find):$PATH
	export CLUSTER CLUSTER_SERVER CLUSTER_ETCD_PORT KUBECONFIG PATH
	cluster_make_pki && cluster_certificate_kubeconfig "$KUBECONFIG" admin
}

cluster_up() {
	cluster_new && cluster_etcd_start && cluster_api_start && return
	cluster_down
	return 1
}

# End everything and leave nothing behind. Safe to call twice, and after a failure half-way.
cluster_down() {
	local name
	[ -n "${CLUSTER:-}" ] && [ -d "$CLUSTER/run" ] || return 0
	cluster_stop keeper
	cgroup_destroy "$(basename "$CLUSTER")"
	for name in agent scheduler controllers apiserver other-apiserver etcd fabric; do
		cluster_stop "$name" KILL
	done
	[ -z "${CLUSTER_KEEP_LOGS:-}" ] || cp -r "$CLUSTER/log/." "$CLUSTER_KEEP_LOGS"
	rm -rf "$CLUSTER"
}

cluster_etcd_start() {
	local url=http://127.0.0.1:$CLUSTER_ETCD_PORT peer
	peer=http://127.0.0.1:$(cluster_free_port)
	cluster_start etcd etcd --data-dir "$CLUSTER/etcd" --logger zap \
		--listen-client-urls "$url" --advertise-client-urls "$url" \
		--listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" \
		--initial-cluster "default=$peer"
	cluster_wait_ready etcd cluster_exec curl -fsS "$url/health"
}

# cluster_api_start [FLAG...]: flags come after those below, so they win.
cluster_api_start() {
	cluster_api_serve apiserver "$CLUSTER_SERVER" "$@"
}

# A second one on the same data: what changes through it while the first is away is news later.
cluster_api_start_other() {
	CLUSTER_OTHER_SERVER=https://$CLUSTER_ADDRESS:$(cluster_free_port)
	cluster_api_serve other-apiserver "$CLUSTER_OTHER_SERVER"
}

# cluster_api_serve NAME URL [FLAG...]
cluster_api_serve() {
	local name=$1 url=$2 pki=$CLUSTER/pki advertise=$CLUSTER_ADDRESS
	shift 2
	# A loopback address is refused as the address of the 'kubernetes' Service's endpoint.
	[ "$advertise" != 127.0.0.1 ] || advertise=192.0.2.1
	cluster_start "$name" kube-apiserver \
		--etcd-servers "http://127.0.0.1:$CLUSTER_ETCD_PORT" \
		--bind-address "$CLUSTER_ADDRESS" --secure-port "${url##*:}" \
		--advertise-address "$advertise" \
		--client-ca-file "$pki/ca.crt" \
		--tls-cert-file "$pki/server.crt" --tls-private-key-file "$pki/server.key" \
		--kubelet-client-certificate "$pki/admin.crt" --kubelet-client-key "$pki/admin.key" \
		--kubelet-preferred-address-types InternalIP \
		--service-account-issuer https://kubernetes.default.svc \
		--service-account-key-file "$pki/accounts.key" \
		--service-account-signing-key-file "$pki/accounts.key" \
		--service-cluster-ip-range "$CLUSTER_SERVICE_RANGES" \
		--authorization-mode Node,RBAC --allow-privileged \
		--etcd-compaction-interval 5s "$@"
	cluster_wait_ready "$name" cluster_exec curl -fsS --cacert "$pki/ca.crt" "$url/readyz"
}

# cluster_api_stop [SIGNAL]
cluster_api_stop() {
	cluster_stop apiserver "${1:-TERM}"
}

cluster_api_restart() {
	cluster_api_stop
	cluster_api_start "$@"
}

# The controller manager makes EndpointSlices from Services and pods, and the default accounts.
cluster_controllers_start() {
	cluster_certificate_kubeconfig "$CLUSTER/controllers.kubeconfig" controllers
	cluster_start controllers kube-controller-manager --bind-address 127.0.0.1 \
		--secure-port "$(cluster_free_port)" --kubeconfig "$CLUSTER/controllers.kubeconfig" \
		--leader-elect=false --use-service-account-credentials \
		--service-account-private-key-file "$CLUSTER/pki/accounts.key" \
		--root-ca-file "$CLUSTER/pki/ca.crt" "$@"
	kubectl wait --for=create --timeout=180s serviceaccount/default >/dev/null
}

# Forget the history: a watch or a list that wants to go on from before gets 410 Gone. What the
# API server still has in its own cache it goes on serving: restart it too for a watch's 410.
cluster_compact() {
	local url=http://127.0.0.1:$CLUSTER_ETCD_PORT/v3/kv revision
	revision=$(cluster_exec curl -fsS "$url/range" -d '{"key": "AA=="}' | jq -r .header.revision)
	cluster_exec curl -fsS "$url/compaction" -d "{\"revision\": \"$revision\", \"physical\": true}" >/dev/null
}
