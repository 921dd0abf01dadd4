#!/usr/bin/env bash
# Runs `wsedge echo` and examples/echo, a program that embeds the reactor, at the same time, on the same core and under the same load, and prints the CPU time
# that each takes for a round trip, the median of the rounds' ratios, and that of all rounds together. What else the machine does, it does to both.
#
#   loadtest/compare-embedded.sh [--rounds R] [--conns N] [--rate M] [--payload B] [--duration D] [--port P] [--out DIR] [--no-build]
#
# The load starts with one and with the other in turns. Both have the collector's usual pace (GOGC=100) and the monitor of Go's runtime as it is
# (WSEDGE_MONITOR=off): what `wsedge` changes of these for itself any program can, and is not the API's.
set -euo pipefail
. "$(dirname "$0")/common.sh"

rounds=4 conns=256 rate=6000 payload=128 duration=10s port=18190 out='' build=yes
take_options "rounds conns rate payload duration port out" "$@"

cd "$(dirname "$0")/.."
[[ -n $out ]] || out=$(mktemp -d)
mkdir -p "$out"
[[ $build == no ]] || CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o bin/ ./cmd/wsedge ./cmd/wsload ./examples/echo

pin 0 2,3
export GOGC=100 WSEDGE_MONITOR=off

servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true' EXIT

# start NAME PORT COMMAND...: the server listens when it returns; its process is $server.
start() {
	local name=$1 at=$2
	shift 2
	GOMAXPROCS=1 "${serve_on[@]}" "$@" "127.0.0.1:$at" >"$out/$name.log" 2>&1 &
	server=$!
	servers+=("$server")
	await_server "$name" "$out/$name.log" "$at"
}

# load NAME PORT PROCESS: a run of wsload.
load() {
	"${load_on[@]}" bin/wsload echo "ws://127.0.0.1:$2/" --conns "$conns" --rate "$rate" --payload "$payload" --duration "$duration" --threads 1 --pid "$3" \
		--json "$out/$1.json" --quiet --accept-invalid >"$out/$1.txt" 2>&1
}

# cost NAME: microseconds of the server's CPU time for a round trip.
cost() { awk -v cpu="$(number "$out/$1.json" server_cpu_s)" -v n="$(number "$out/$1.json" measured)" 'BEGIN { printf "%.2f", cpu / n * 1e6 }'; }

rm -f "$out"/{ratios,wsedge,embedded}
echo "$conns conns, $rate messages of $payload bytes a second to each, $duration, $rounds rounds; kernel $(uname -r)"
for ((round = 1; round <= rounds; round++)); do
	servers=()
	start wsedge "$port" bin/wsedge echo --addr
	start embedded "$((port + 1))" bin/echo -addr
	runs=("wsedge $port ${servers[0]}" "embedded $((port + 1)) ${servers[1]}")
	((round % 2)) || runs=("${runs[1]}" "${runs[0]}")
	pids=()
	for run in "${runs[@]}"; do
		load $run & # three words
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	kill "${servers[@]}"
	wait "${servers[@]}" || true
	cost wsedge >>"$out/wsedge"; echo >>"$out/wsedge"
	cost embedded >>"$out/embedded"; echo >>"$out/embedded"
	ratio "$(cost embedded)" "$(cost wsedge)" >>"$out/ratios"; echo >>"$out/ratios"
	echo "round $round: wsedge $(cost wsedge) us a round trip, embedded $(cost embedded), ratio $(tail -n1 "$out/ratios")"
done
sum() { awk '{ s += $1 } END { print s }' "$1"; }
echo "median of the ratios $(median <"$out/ratios"), all rounds together $(ratio "$(sum "$out/embedded")" "$(sum "$out/wsedge")"); results in $out"
