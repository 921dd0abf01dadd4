#!/usr/bin/env bash
# Measures what TLS costs in the loops: memory at rest, handshakes, deliveries, round trips, stalled handshakes and a flood of
# ClientHellos, each beside plain text or beside crypto/tls with a goroutine for each connection. Modes are run in turns; the
# medians and their ratios follow. The server is pinned to cores 0,1 and the client to cores 2,3 where the machine has four.
#
#   loadtest/compare-tls.sh [--rounds R] [--parts "memory stall handshake delivery echo flood"] [--conns N] [--settle D]
#                           [--duration D] [--port P] [--out DIR] [--no-build]
#
# --conns and --settle are those of the part memory; heartbeats come after a quarter of --settle seconds there. GOGC is what the
# environment has.
set -euo pipefail
. "$(dirname "$0")/common.sh"

rounds=5 parts='memory stall handshake delivery echo flood' conns=15000 settle=16 duration=5s port=18443 out='' build=yes
take_options "rounds parts conns settle duration port out" "$@"

cd "$(dirname "$0")/.."
[[ -n $out ]] || out=$(mktemp -d)
mkdir -p "$out"
[[ $build == no ]] || CGO_ENABLED=0 go build -C loadtest/peers -trimpath -ldflags='-s -w' -o "$PWD/bin/peers/" ./tls

pin 0,1 2,3
target=(--addr "127.0.0.1:$port" --admin "127.0.0.1:$((port + 1))")

trap stop_server EXIT

# start_server MODE [FLAG...]: the server listens when it returns.
start_server() {
	local mode=$1
	shift
	"${serve_on[@]}" bin/peers/tls serve --mode "$mode" "${target[@]}" "$@" >>"$out/$mode.log" 2>&1 &
	server=$!
	await_server "$mode" "$out/$mode.log" $((port + 1))
}

# client MODE FLAG...: runs the client, against what start_server has started.
client() {
	local command=$2 speak=()
	case $1 in
	plain) speak=(--plain) ;;
	tls12) speak=(--tls12) ;;
	esac
	shift 2
	"${load_on[@]}" bin/peers/tls "$command" "${target[@]}" "${speak[@]}" "$@"
}

# note PART MODE ROUND LINE: prints a result and keeps its figures.
note() {
	local part=$1 mode=$2 round=$3 pair
	printf '%-10s %2d  %-10s %s\n' "$part" "$round" "$mode" "$4"
	for pair in $4; do echo "${pair#*=}" >>"$out/$part.$mode.${pair%%=*}"; done
}


# table PART BASE KEY MODE...: medians of KEY, what they have over BASE, and the ratio to it.
table() {
	local part=$1 base=$2 key=$3 mode value of
	shift 3
	[[ -s $out/$part.$base.$key ]] || return 0
	of=$(median <"$out/$part.$base.$key")
	for mode; do
		value=$(median <"$out/$part.$mode.$key")
		awk -v p="$part" -v k="$key" -v m="$mode" -v v="$value" -v o="$of" -v b="$base" 'BEGIN {
			printf "median %-10s %-20s %-10s %12.3f", p, k, m, v
			if (m != b) printf "   %s %+.3f, x %.3f", b, v - o, (o > 0 ? v / o : 0)
			print "" }'
	done
}

measure_memory() {
	local mode
	for mode in plain std compact tls12 goroutine; do
		start_server "$mode" --ping "$((settle / 4))s"
		note memory "$mode" "$1" "$(client "$mode" idle --conns "$conns" --settle "${settle}s")"
		stop_server
	done
}

measure_stall() {
	local mode
	for mode in std compact tls12 goroutine; do
		start_server "$mode"
		note stall "$mode" "$1" "$(client "$mode" stall --conns 1000 --settle 3s --gone 8s)"
		stop_server
	done
}

# A handshake and nothing else; and a visit: handshake, upgrade, a message and its echo, end.
measure_handshake() {
	local mode
	for mode in std compact goroutine plain; do
		start_server "$mode"
		[[ $mode == plain ]] || note handshake "$mode" "$1" "$(client "$mode" churn --handshake-only --duration "$duration")"
		note visit "$mode" "$1" "$(client "$mode" churn --duration "$duration")"
		stop_server
	done
}

measure_delivery() {
	local mode
	for mode in plain std compact tls12; do
		start_server "$mode"
		note delivery "$mode" "$1" "$(client "$mode" fanout --conns 5000 --duration "$duration")"
		stop_server
	done
}

measure_echo() {
	local mode
	for mode in plain std compact tls12 goroutine; do
		start_server "$mode"
		note echo "$mode" "$1" "$(client "$mode" echo --conns 256 --duration "$duration")"
		stop_server
	done
}

# Latency of 64 connections that send 50 messages a second each, without and with 3,000 ClientHellos a second beside.
measure_flood() {
	local mode flood
	for mode in std compact goroutine; do
		start_server "$mode"
		note calm "$mode" "$1" "$(client "$mode" echo --conns 64 --every 20ms --duration "$duration")"
		client "$mode" flood --rate 3000 --duration "$((${duration%s} * 6 / 5 + 2))s" >"$out/flood.line" &
		flood=$!
		sleep 1
		note flood "$mode" "$1" "$(client "$mode" echo --conns 64 --every 20ms --duration "$duration")"
		wait "$flood"
		note hellos "$mode" "$1" "$(<"$out/flood.line")"
		stop_server
	done
}

rm -f "$out"/*.*.*
echo "$rounds rounds; kernel $(uname -r), $(go env GOVERSION), GOGC=${GOGC:-100}; memory: $conns conns, read after $settle s"
for part in $parts; do
	for ((round = 1; round <= rounds; round++)); do "measure_$part" "$round"; done
done
for key in rss_per_conn freed_per_conn heap_per_conn stack_per_conn goroutines_per_conn; do table memory plain "$key" plain std compact tls12 goroutine; done
for key in rss_each heap_each stack_each goroutines_each heap_after_each goroutines_after_each; do
	table stall goroutine "$key" std compact tls12 goroutine
done
table handshake goroutine cpu_us std compact goroutine
table handshake goroutine per_second std compact goroutine
table visit goroutine cpu_us std compact goroutine plain
table delivery plain cpu_us plain std compact tls12
table echo plain cpu_us plain std compact tls12 goroutine
for key in p50_us p90_us p99_us max_us waited_ms_per_s; do
	table calm goroutine "$key" std compact goroutine
	table flood goroutine "$key" std compact goroutine
done
table hellos goroutine answered_per_second std compact goroutine
echo "results in $out"
