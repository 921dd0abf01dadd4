#!/usr/bin/env bash
# Runs wsedge and the floor program in turns under the same load and prints server CPU per delivery and p99 of each round,
# the medians and their ratios. Servers are pinned to cores 0,1 and the load to 2,3 where the machine has four.
#
#   loadtest/compare.sh [--rounds R] [--conns N] [--rate PUB_PER_S] [--outstanding K] [--payload B] [--duration D]
#                       [--threads T] [--port P] [--out DIR] [--no-build]
#
# With --outstanding above 1 the floor joins what waits into one send per connection (floor --coalesce).
set -euo pipefail
. "$(dirname "$0")/common.sh"

rounds=5 conns=5000 rate=8 outstanding=1 payload=128 duration=10s threads=2 port=18080 out='' build=yes
take_options "rounds conns rate outstanding payload duration threads port out" "$@"

cd "$(dirname "$0")/.."
[[ -n $out ]] || out=$(mktemp -d)
mkdir -p "$out"
if [[ $build == yes ]]; then
	make --no-print-directory build >&2
	make --no-print-directory -C loadtest/peers/floor >&2
fi

pin 0,1 2,3
floor_flags=(--envelope --ping 25)
((outstanding == 1)) || floor_flags+=(--coalesce)

trap stop_server EXIT

# start_server NAME: the server listens when it returns; its process is $server.
start_server() {
	case $1 in
	floor) "${serve_on[@]}" loadtest/peers/floor/floor --port "$port" --threads "$threads" "${floor_flags[@]}" 2>"$out/$1.log" & ;;
	wsedge) "${serve_on[@]}" bin/wsedge serve --addr "127.0.0.1:$port" >"$out/$1.log" 2>&1 & ;;
	esac
	server=$!
	await_server "$1" "$out/$1.log" "$port"
}

failed=no
measure() {
	local name=$1 round=$2 json=$out/$1-$2.json verdict=ok
	start_server "$name"
	"${load_on[@]}" bin/wsload fanout "ws://127.0.0.1:$port/ws" --conns "$conns" --rate "$rate" --outstanding "$outstanding" \
		--payload "$payload" --duration "$duration" --pid "$server" --json "$json" --quiet --accept-invalid >"$out/$name-$round.txt" 2>&1 ||
		{ verdict=FAILED failed=yes; }
	stop_server
	[[ -s $json ]] || { cat "$out/$name-$round.txt" >&2; exit 1; }
	[[ $(number "$json" bottleneck) == false ]] || verdict+=' (generator: BOTTLENECK)'
	local cpu p99
	cpu=$(number "$json" server_cpu_us_per_delivery) p99=$(number "$json" p99_us latency)
	echo "$cpu" >>"$out/$name.cpu"
	echo "$p99" >>"$out/$name.p99"
	printf '%5d  %-7s  %12.3f  %12d  %s\n' "$round" "$name" "$cpu" "$p99" "$verdict"
}

rm -f "$out"/{floor,wsedge}.{cpu,p99}
echo "$conns conns, $rate publications/s, $outstanding outstanding, $payload bytes, $duration, $rounds rounds; kernel $(uname -r)"
printf '%5s  %-7s  %12s  %12s  %s\n' round server 'CPU µs/deliv' 'p99 µs' result
for ((round = 1; round <= rounds; round++)); do
	measure floor "$round"
	measure wsedge "$round"
done
for what in cpu p99; do
	f=$(median <"$out/floor.$what") w=$(median <"$out/wsedge.$what")
	printf 'median %s: floor %s, wsedge %s, ratio wsedge/floor %s\n' "$what" "$f" "$w" "$(ratio "$w" "$f")"
done
echo "results in $out"
[[ $failed == no ]]
