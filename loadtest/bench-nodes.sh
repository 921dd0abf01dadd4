#!/usr/bin/env bash
# Three nodes beside one. The nodes are `wsedge serve --engine embedded`, a cluster by themselves; what is published at the first goes to all.
#
#   one        1 node with all connections
#   three      3 nodes with a third of them each: publish to last receiver is to be at most 1.5 times one's
#   large      3 nodes with --conns each, 2 publications a second
#   interest   3 nodes, and all connections at the first: the others hear nothing of the channel
#
#   loadtest/bench-nodes.sh [--conns N] [--rate PER_S] [--seconds N] [--rounds N] [--replicas N] [--rows "ROW ..."] [--port P] [--out DIR] [--no-build]
#
# one and three are run in turns. It exits with 1 where a ledger was not clean, or a node has heard of what it has no subscriber of. The servers are pinned to cores 0,1 and the
# load to 2,3 where the machine has four: three nodes have no more cores than one.
set -euo pipefail
. "$(dirname "$0")/common.sh"

conns=15000 rate=8 seconds=60 rounds=1 replicas=1 rows='one three large interest' port=18500 out='' build=yes
take_options "conns rate seconds rounds replicas rows port out" "$@"
cd "$(dirname "$0")/.."
[[ -n $out ]] || out=$(mktemp -d)
mkdir -p "$out"
[[ $build == no ]] || make --no-print-directory build >&2
pin 0,1 2,3

nodes=()
stop_nodes() {
	for server in "${nodes[@]}"; do stop_server; done
	nodes=()
}
trap stop_nodes EXIT

# start_nodes N RUN: so many nodes, on ports that follow each other.
start_nodes() {
	local routes='' cluster=() i
	for ((i = 0; i < $1; i++)); do routes+=,127.0.0.1:$((port + 50 + i)); done
	for ((i = 0; i < $1; i++)); do
		rm -rf "$out/$2.engine$i"
		(($1 == 1)) || cluster=(--cluster-listen "127.0.0.1:$((port + 50 + i))" --cluster-routes "${routes#,}" --engine-replicas "$replicas")
		"${serve_on[@]}" bin/wsedge serve --addr "127.0.0.1:$((port + i))" --engine embedded --engine-dir "$out/$2.engine$i" --history-size 100 --recover "${cluster[@]}" >"$out/$2.node$i.log" 2>&1 &
		nodes+=($!)
	done
	for ((i = 0; i < $1; i++)); do
		server=${nodes[i]}
		await_server wsedge "$out/$2.node$i.log" $((port + i))
	done
	for _ in {1..300}; do # until the members have agreed on who leads
		curl -sf "http://127.0.0.1:$port/api/publish" -d '{"channel":"begin","data":0}' >/dev/null && return
		sleep 0.1
	done
	echo "bench-nodes.sh: the nodes take no publication: $out" >&2
	exit 1
}

# heard NODE: how many publications the engine has sent to a node.
heard() { curl -s "http://127.0.0.1:$((port + $1))/metrics" | awk '/^wsedge_engine_received_total/ {print $2}'; }

# load RUN CONNS RATE NODE...: one run on the nodes named; prints its line.
load() {
	local run=$1 conns=$2 rate=$3 also='' node
	shift 4
	for node; do also+=,127.0.0.1:$((port + node)); done
	"${load_on[@]}" bin/wsload fanout "ws://127.0.0.1:$port/ws" ${also:+--also "${also#,}"} --conns "$conns" --rate "$rate" --payload 128 --duration "${seconds}s" --settle 3s --drain 20s --quiet \
		--pid "$(IFS=,; echo "${nodes[*]}")" --json "$out/$run.json" --expect 'ledger.lost==0' >"$out/$run.txt" 2>&1 || status=1
	echo "== $run"
	grep -E '^(ledger|latency|  last|last|server|  cpu|memory|expect|generator|result)' "$out/$run.txt" || tail -n 5 "$out/$run.txt"
}

status=0
for ((round = 1; round <= rounds; round++)); do
	for row in $rows; do
		run=$row.$round
		case $row in
		one) start_nodes 1 "$run"; load "$run" "$conns" "$rate" 0 ;;
		three) start_nodes 3 "$run"; load "$run" "$conns" "$rate" 0 1 2 ;;
		large) start_nodes 3 "$run"; load "$run" $((3 * conns)) 2 0 1 2 ;;
		interest)
			start_nodes 3 "$run"
			before=$(($(heard 1) + $(heard 2)))
			load "$run" 1000 "$rate" 0
			others=$(($(heard 1) + $(heard 2) - before))
			echo "publications that the two nodes without subscribers have heard: $others"
			((others == 0)) || status=1
			;;
		*) echo "bench-nodes.sh: no row $row" >&2; exit 2 ;;
		esac
		stop_nodes
	done
done
echo "all of it: $out"
exit "$status"
