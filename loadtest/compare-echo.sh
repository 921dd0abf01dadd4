#!/usr/bin/env bash
# Runs the echo servers of wsedge, gws and nbio in turns under the same closed loop, each with one loop on one core, and prints
# round trips per second of the server's CPU time of each round, the medians and their ratios. The server is pinned to core 0
# and the load to cores 2,3 where the machine has four; large messages take the load tool more than two cores to saturate it.
#
#   loadtest/compare-echo.sh [--rounds R] [--conns N] [--payloads "B B ..."] [--duration D] [--warmup D]
#                            [--rivals "gws nbio"] [--threads T] [--load-cores LIST] [--port P] [--out DIR] [--no-build]
#
# One message is outstanding on every connection: each answer sends the next. A round proves something about the server where
# the server used 90 % of its core, or at least the generator was not the bottleneck; one that does neither is marked UNPROVEN.
set -euo pipefail
. "$(dirname "$0")/common.sh"

rounds=5 conns=256 payloads='128 16384' duration=5s warmup=1s rivals='gws nbio' threads=2 load_cores=2,3 port=18090 out='' build=yes
take_options "rounds conns payloads duration warmup rivals threads load-cores port out" "$@"

cd "$(dirname "$0")/.."
[[ -n $out ]] || out=$(mktemp -d)
mkdir -p "$out"
if [[ $build == yes ]]; then
	make --no-print-directory build >&2
	CGO_ENABLED=0 go build -C loadtest/peers -trimpath -ldflags='-s -w' -o "$PWD/bin/peers/" ./echo/...
fi

pin 0 "$load_cores"

trap stop_server EXIT

# start_server NAME PAYLOAD: the server listens when it returns; its process is $server. GOMAXPROCS makes wsedge run one loop.
start_server() {
	local command
	case $1 in
	wsedge) command=(bin/wsedge echo) ;;
	# Room for a whole message, so that it takes one read as the others' does: the library's 4 KiB would take two.
	gws) command=(bin/peers/gws --read-buffer $(($2 < 4000 ? 4096 : $2 + 96))) ;;
	*) command=("bin/peers/$1") ;;
	esac
	GOMAXPROCS=1 "${serve_on[@]}" "${command[@]}" --addr "127.0.0.1:$port" >"$out/$1.log" 2>&1 &
	server=$!
	await_server "$1" "$out/$1.log" "$port"
}

quotient() { awk -v a="$1" -v b="$2" -v digits="$3" 'BEGIN { printf "%.*f", digits, (b > 0 ? a / b : 0) }'; }

failed=no
measure() {
	local name=$1 payload=$2 round=$3 verdict=ok
	local run=$out/$name-$payload-$round
	start_server "$name" "$payload"
	"${load_on[@]}" bin/wsload echo "ws://127.0.0.1:$port/" --conns "$conns" --payload "$payload" \
		--duration "$duration" --warmup "$warmup" --threads "$threads" --pid "$server" \
		--json "$run.json" --quiet --accept-invalid >"$run.txt" 2>&1 || { verdict=FAILED failed=yes; }
	stop_server
	[[ -s $run.json ]] || { cat "$run.txt" >&2; exit 1; }
	local trips cpu window share busy
	trips=$(number "$run.json" measured) cpu=$(number "$run.json" server_cpu_s) window=$(number "$run.json" server_window_s)
	share=$(quotient "$cpu" "$window" 2) busy=$(number "$run.json" loop_busy)
	if [[ $(number "$run.json" bottleneck) == true ]]; then
		verdict+=' (generator: BOTTLENECK)'
		awk -v s="$share" 'BEGIN { exit !(s < 0.9) }' && verdict+=' UNPROVEN'
	fi
	quotient "$trips" "$cpu" 0 >>"$out/$name-$payload.efficiency"
	echo >>"$out/$name-$payload.efficiency"
	printf '%5d  %7d  %-7s  %12.0f  %8.3f  %12.0f  %10.2f  %14.2f  %s\n' "$round" "$payload" "$name" \
		"$(quotient "$trips" "$window" 0)" "$cpu" "$(quotient "$trips" "$cpu" 0)" "$share" "$busy" "$verdict"
}

rm -f "$out"/*.efficiency
echo "$conns conns, one message outstanding on each, $duration, $rounds rounds; kernel $(uname -r)"
printf '%5s  %7s  %-7s  %12s  %8s  %12s  %10s  %14s  %s\n' round bytes server trips/s 'CPU s' trips/CPU-s 'core share' 'generator busy' result
for payload in $payloads; do
	for ((round = 1; round <= rounds; round++)); do
		for name in wsedge $rivals; do measure "$name" "$payload" "$round"; done
	done
done
for payload in $payloads; do
	ours=$(median 0 <"$out/wsedge-$payload.efficiency")
	printf 'median of %d bytes: wsedge %d trips/CPU-s' "$payload" "$ours"
	for name in $rivals; do
		theirs=$(median 0 <"$out/$name-$payload.efficiency")
		printf ', %s %d, ratio wsedge/%s %s' "$name" "$theirs" "$name" "$(quotient "$ours" "$theirs" 3)"
	done
	echo
done
echo "results in $out"
[[ $failed == no ]]
