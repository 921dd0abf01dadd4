#!/usr/bin/env bash
# Runs wsload and a bare receiver in C (peers/floor/receive.c) in turns against the same floor server and prints the client's CPU time per
# delivery of each round, the medians and their ratio: what the load generator spends beside the kernel. Of wsload it is the whole
# process, publishers and report included; of the receiver its receiving threads. The server is pinned to cores 0,1 and the client
# to 2,3 where the machine has four.
#
#   loadtest/compare-client.sh [--rounds R] [--conns N] [--rate PUB_PER_S] [--outstanding K] [--payload B] [--duration SECONDS]
#                              [--threads T] [--port P] [--out DIR] [--wsload BINARY] [--no-build]
#
# With --outstanding above 1 the floor joins what waits into one send per connection (floor --coalesce).
set -euo pipefail
. "$(dirname "$0")/common.sh"

rounds=5 conns=5000 rate=8 outstanding=1 payload=128 duration=5 threads=2 port=18090 out='' build=yes wsload=bin/wsload
take_options "rounds conns rate outstanding payload duration threads port out wsload" "$@"

cd "$(dirname "$0")/.."
[[ -n $out ]] || out=$(mktemp -d)
mkdir -p "$out"
if [[ $build == yes ]]; then
	make --no-print-directory build floor >&2
fi

pin 0,1 2,3
floor_flags=(--envelope)
((outstanding == 1)) || floor_flags+=(--coalesce)

trap stop_server EXIT

# start_server: the floor listens when it returns.
start_server() {
	"${serve_on[@]}" loadtest/peers/floor/floor --port "$port" --threads "$threads" "${floor_flags[@]}" 2>"$out/floor.log" &
	server=$!
	await_server "the floor" "$out/floor.log" "$port"
}


# Both print the CPU time per delivery, in µs, messages per read (of wsload less three reads of each connection, for the answers to
# upgrade, subscription and close), and "behind" where the server fell behind by more than a twentieth of the window: then deliveries and
# CPU time are not of the same seconds. The receiver sees that as messages of the window outside of it, wsload as mean latency.
run_receive() {
	"${load_on[@]}" loadtest/peers/floor/receive --port "$port" --threads "$threads" --conns "$conns" --rate "$rate" \
		--outstanding "$outstanding" --payload "$payload" --duration "$duration" >"$out/receive-$1.txt" || return 1
	sed -E 's/receive: ([0-9.]+) us per delivery, ([0-9]+) deliveries.*, ([0-9.]+) per read.*/\1 \3 \2/' "$out/receive-$1.txt" |
		awk -v all="$(awk "BEGIN { print $conns * $rate * $duration }")" '{ print $1, $2, ($3 < 0.95 * all || $3 > 1.05 * all ? "behind" : "ok") }'
}
run_wsload() {
	local json=$out/wsload-$1.json
	"${load_on[@]}" "$wsload" fanout "ws://127.0.0.1:$port/ws" --threads "$threads" --conns "$conns" --rate "$rate" --outstanding "$outstanding" \
		--payload "$payload" --duration "${duration}s" --json "$json" --quiet --accept-invalid >"$out/wsload-$1.txt" 2>&1 || return 1
	awk -v cpu="$(number "$json" generator_cpu_us_per_delivery)" -v reads="$(number "$json" reads)" -v conns="$conns" -v seconds="$duration" \
		-v n="$(number "$json" received)" -v mean="$(awk '/"latency":/ { f = 1 } f' "$json" | number /dev/stdin mean_us)" 'BEGIN {
		printf "%.3f %.2f %s\n", cpu, n / (reads - 3 * conns), (mean > seconds * 1e6 / 20 ? "behind" : "ok") }'
}

measure() {
	local result=(0 0 FAILED)
	start_server
	read -ra result < <("run_$1" "$2") || result=(0 0 "FAILED: see $out/$1-$2.txt")
	stop_server
	[[ ${result[2]} != ok ]] || echo "${result[0]}" >>"$out/$1.cpu"
	printf '%5d  %-7s  %12.3f  %14.2f  %s\n' "$2" "$1" "${result[@]}"
}

rm -f "$out"/{receive,wsload}.cpu
echo "$conns conns, $rate publications/s, $outstanding outstanding, $payload bytes, $duration s, $rounds rounds; kernel $(uname -r)"
printf '%5s  %-7s  %12s  %14s  %s\n' round client 'CPU µs/deliv' 'messages/read' result
for ((round = 1; round <= rounds; round++)); do
	measure receive "$round"
	measure wsload "$round"
done
[[ -s $out/receive.cpu && -s $out/wsload.cpu ]] || { echo "compare-client.sh: no round ended well; see $out" >&2; exit 1; }
c=$(median <"$out/receive.cpu") w=$(median <"$out/wsload.cpu")
printf 'median CPU per delivery of rounds that are ok: receive %s (%d), wsload %s (%d), ratio wsload/receive %.3f\n' \
	"$c" "$(wc -l <"$out/receive.cpu")" "$w" "$(wc -l <"$out/wsload.cpu")" "$(awk -v a="$w" -v b="$c" 'BEGIN { print a / b }')"
echo "results in $out"
