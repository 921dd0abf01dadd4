#!/usr/bin/env bash
# The figures that wsedge is held to, each beside the floor (or beside itself without the disturbance), in turns, as medians of
# rounds. Servers are pinned to cores 0,1 and the load to 2,3 where the machine has four.
#
#   loadtest/bench-fanout.sh [--rounds R] [--duration D] [--rows "ROW ..."] [--port P] [--out DIR] [--no-build]
#
# Rows: one (1 outstanding, 5,000 and 18,000 subscribers), eight (8 outstanding), idle (memory, handshake, heartbeats), fair (a
# channel of 10 beside one of 18,000 that saturates the loops), stalled (1 % of the readers), budget (half of the readers stalled, 64 MiB).
set -euo pipefail
. "$(dirname "$0")/common.sh"

rounds=5 duration=10s rows='one eight idle fair stalled budget' port=18400 out='' build=yes
take_options "rounds duration rows port out" "$@"
cd "$(dirname "$0")/.."
[[ -n $out ]] || out=$(mktemp -d)
mkdir -p "$out"
[[ -z $(ls -A "$out") ]] || { echo "bench-fanout.sh: $out is not empty" >&2; exit 2; }
if [[ $build == yes ]]; then
	make --no-print-directory build floor >&2
fi
pin 0,1 2,3

trap stop_server EXIT

# start_server NAME [FLAG...]: it listens when this returns; its process is $server.
start_server() {
	local name=$1 command
	shift
	case $name in
	floor) command=(loadtest/peers/floor/floor --port "$port" --threads 2 --envelope --ping 25) ;;
	wsedge) command=(bin/wsedge serve --addr "127.0.0.1:$port") ;;
	esac
	"${serve_on[@]}" "${command[@]}" "$@" >"$out/$name.log" 2>&1 &
	server=$!
	await_server "$name" "$out/$name.log" "$port"
}

# load NAME COMMAND [FLAG...]: one run of wsload, whose result goes to $out/NAME.json. A run that lost something is told.
load() {
	local name=$1 scenario=$2
	shift 2
	"${load_on[@]}" bin/wsload "$scenario" "ws://127.0.0.1:$port/ws" --accept-invalid --quiet --json "$out/$name.json" "$@" \
		>"$out/$name.txt" 2>&1 || echo "  $name: $(sed -n 's/^result: *//p' "$out/$name.txt")"
}

# note NAME FIELD...: adds fields of a result, such as latency.p99_us, to $out/KEY.FIELD, a line each. KEY is NAME without its round.
note() {
	local name=$1 field
	shift
	for field; do
		node -e 'let v = JSON.parse(require("fs").readFileSync(process.argv[1])); for (const k of process.argv[2].split(".")) v = v?.[k]; console.log(v ?? 0)' \
			"$out/$name.json" "$field" >>"$out/${name%-*}.$field"
	done
}

# row WHAT FIELD KEY OF TARGET: the medians of both and their ratio.
row() {
	local a b
	a=$(median 2 <"$out/$3.$2") b=$(median 2 <"$out/$4.$2")
	printf '| %-58s | %10s | %10s | %6s | %s |\n' "$1" "$a" "$b" "$(ratio "$a" "$b")" "$5"
}

cpu=server.server_cpu_us_per_delivery p99=latency.p99_us last=completion.p99_us
heading() { printf '\n| %-58s | %10s | %10s | %6s | %s |\n|---|---|---|---|---|\n' "$1" "$2" "$3" ratio 'to reach'; }

# fanout KEY CONNS RATE OUTSTANDING: the floor and wsedge in turns.
fanout() {
	local key=$1 round name floor_flags=()
	(($4 == 1)) || floor_flags=(--coalesce)
	for ((round = 1; round <= rounds; round++)); do
		for name in floor wsedge; do
			if [[ $name == floor ]]; then start_server floor "${floor_flags[@]}"; else start_server wsedge; fi
			load "$name-$key-$round" fanout --conns "$2" --rate "$3" --outstanding "$4" --duration "$duration" --pid "$server"
			stop_server
			note "$name-$key-$round" $cpu $p99 $last
		done
	done
}

row_one() {
	local n
	heading '1 outstanding' wsedge floor
	for n in 5000 18000; do
		fanout "one$n" "$n" "$((40000 / n))" 1
		row "CPU per delivery, $n subscribers, µs" $cpu "wsedge-one$n" "floor-one$n" 1.05
		row "p99, $n subscribers, µs" $p99 "wsedge-one$n" "floor-one$n" 1.25
		row "publish to last receiver, p99, $n subscribers, µs" $last "wsedge-one$n" "floor-one$n" 1.25
	done
}

row_eight() {
	heading '8 outstanding' wsedge floor
	fanout eight 5000 64 8
	row 'CPU per delivery, 5000 subscribers, µs' $cpu wsedge-eight floor-eight 1.10
	row 'p99, 5000 subscribers, µs' $p99 wsedge-eight floor-eight 1.25
	row 'publish to last receiver, p99, 5000 subscribers, µs' $last wsedge-eight floor-eight 1.25
}

row_idle() {
	local name round
	for ((round = 1; round <= rounds; round++)); do
		for name in floor wsedge; do
			start_server "$name"
			load "$name-idle-$round" idle --conns 18000 --settle 5s --duration 30s --pid "$server"
			stop_server
			note "$name-idle-$round" server.server_rss_bytes_per_conn server.server_setup_cpu_us_per_conn server.server_cpu_us_per_conn_second
		done
	done
	heading 'idle, 18,000 subscribed, a ping every 25 s' wsedge floor
	row 'memory per connection, B' server.server_rss_bytes_per_conn wsedge-idle floor-idle '1000 B'
	row 'CPU of a handshake and a subscription, µs' server.server_setup_cpu_us_per_conn wsedge-idle floor-idle '40 µs'
	row 'CPU per connection and second, µs' server.server_cpu_us_per_conn_second wsedge-idle floor-idle 1.30
}

# The server has one core, which the flood saturates from two; the fourth is for the client whose latency is read.
row_fair() {
	local round flood
	pin 0 1,2
	for ((round = 1; round <= rounds; round++)); do
		start_server wsedge
		pin 0 3
		load "quiet-fair-$round" fanout --conns 10 --channel small --rate 20 --duration "$duration"
		pin 0 1,2
		load "flood-$round" fanout --conns 18000 --channel large --rate 30 --warmup 5s --duration 60s >/dev/null & # cut off, as it must be
		flood=$!
		sleep 15 # until it is set up and floods
		pin 0 3
		load "flooded-fair-$round" fanout --conns 10 --channel small --rate 20 --duration "$duration"
		stop_server # ends the flood as well
		wait "$flood" || true
		note "quiet-fair-$round" $p99
		note "flooded-fair-$round" $p99
	done
	pin 0,1 2,3
	heading '10 subscribers beside 18,000 that saturate the loops' flooded alone
	row 'p99, µs' $p99 flooded-fair quiet-fair '5000 µs'
}

row_stalled() {
	local round slow
	for ((round = 1; round <= rounds; round++)); do
		for slow in 0 100; do
			start_server wsedge
			if ((slow > 0)); then load "stall-$round" idle --conns "$slow" --stalled --settle 0s --duration 60s & fi
			load "with$slow-stalled-$round" fanout --conns 9900 --payload 4096 --rate 8 --duration "$duration"
			stop_server
			wait
			note "with$slow-stalled-$round" $p99
		done
	done
	heading '9,900 subscribers, 4 KiB, beside 100 that stall' stalled without
	row 'p99, µs' $p99 with100-stalled with0-stalled 1.10
}

row_budget() {
	local round peak
	for ((round = 1; round <= rounds; round++)); do
		start_server wsedge --memory $((64 << 20))
		load "stall-$round" idle --conns 1000 --stalled --settle 0s --duration 75s &
		load "healthy-budget-$round" fanout --conns 1000 --payload 4096 --rate 100 --duration 60s --drain 10s --pid "$server"
		peak=$(awk '/VmHWM/ { print $2 * 1024 }' "/proc/$server/status")
		curl -s "http://127.0.0.1:$port/metrics" | grep -E '^wsedge_(drops_total|ended_total|backlogged)' >"$out/budget-$round.metrics"
		stop_server
		wait
		note "healthy-budget-$round" ledger.lost server.server_rss_settled_bytes
		echo "$peak" >>"$out/budget.peak"
	done
	heading '2,000 connections, half stalled, 4 KiB × 100/s, 64 MiB' peak settled
	cp "$out/budget.peak" "$out/peak-budget.server.server_rss_settled_bytes"
	row 'RSS, B (at most 64 MiB + settled + 20 %)' server.server_rss_settled_bytes peak-budget healthy-budget "$(awk -v s="$(median <"$out/healthy-budget.server.server_rss_settled_bytes")" 'BEGIN { printf "%.0f B", 1.2 * (s + 67108864) }')"
	echo "healthy deliveries lost: $(paste -sd' ' "$out/healthy-budget.ledger.lost"); drops counted in the last round:"
	cat "$out/budget-$rounds.metrics"
}

echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc --all) cores, kernel $(uname -r), $(git rev-parse --short HEAD); load $(cut -d' ' -f1-3 /proc/loadavg); $rounds rounds of $duration"
for r in $rows; do "row_$r"; done
echo "load $(cut -d' ' -f1-3 /proc/loadavg) at the end; results in $out"
