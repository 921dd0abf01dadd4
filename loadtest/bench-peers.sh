#!/usr/bin/env bash
# Runs the floor, wsedge and broadcast servers on other libraries in turns under the same loads, then the echo servers, and
# makes a page of the medians. Servers are pinned to cores 0,1 (echo: 0) and the load to 2,3 where the machine has four.
#
#   loadtest/bench-peers.sh [--rounds R] [--conns "N N ..."] [--outstanding "K K ..."] [--payloads "B B ..."]
#                           [--servers "floor wsedge ..."] [--offered DELIVERIES_PER_S] [--duration D] [--warmup D]
#                           [--echo "B B ..."|none] [--threads T] [--port P] [--note TEXT] [--out DIR] [--no-build]
#   loadtest/bench-peers.sh --page DIR      only make the page again
#
# Every server is offered the same deliveries a second at every size: publications a second are that over the subscribers. A
# round lasts longer than --duration (whole seconds, such as 10s) where that takes eight bursts of what is outstanding.
# What stands in DIR beside the page: runs.jsonl (each report of wsload) and machine.txt. A whole run takes about two hours.
set -euo pipefail
. "$(dirname "$0")/common.sh"

rounds=5 conns='500 5000 18000' outstanding='1 8' payloads='128 4096' duration=10s warmup=2s threads=2 port=18100
servers='floor wsedge gorilla gws coder nbio centrifuge' offered=40000 echo='128 16384' note='' out='' page='' build=yes
take_options "rounds conns outstanding payloads servers offered duration warmup echo threads port note out page" "$@"

[[ $duration =~ ^[1-9][0-9]*s$ ]] || { echo "bench-peers.sh: want a duration in whole seconds such as 10s, not $duration" >&2; exit 2; }

started_in=$PWD
cd "$(dirname "$0")/.."
absolute() { [[ $1 == /* ]] && echo "$1" || echo "$started_in/$1"; }
if [[ $build == yes ]]; then
	make --no-print-directory build >&2
	make --no-print-directory -C loadtest/peers/floor >&2
	mkdir -p bin/peers/broadcast
	CGO_ENABLED=0 go build -C loadtest/peers -trimpath -ldflags='-s -w' -o "$PWD/bin/peers/broadcast/" ./broadcast/...
	CGO_ENABLED=0 go build -C loadtest/peers -trimpath -ldflags='-s -w' -o "$PWD/bin/peers/" ./echo/... ./table
fi
if [[ -n $page ]]; then
	page=$(absolute "$page")
	bin/peers/table page "$page" >"$page/README.md"
	exit
fi
[[ -n $out ]] || out=$PWD/docs/benchmarks/$(date -u +%F)-peers
out=$(absolute "$out")
mkdir -p "$out"
work=$(mktemp -d)

pin 0,1 2,3

trap 'stop_server; rm -rf "$work"' EXIT

# start_server NAME OUTSTANDING: the server listens when it returns; its process is $server. The floor joins what waits only where more
# than one publication is outstanding. gws publishes on a port of its own.
start_server() {
	local command
	case $1 in
	floor)
		command=(loadtest/peers/floor/floor --port "$port" --threads "$threads" --envelope --ping 25)
		(($2 == 1)) || command+=(--coalesce)
		;;
	wsedge) command=(bin/wsedge serve --addr "127.0.0.1:$port") ;;
	gws) command=(bin/peers/broadcast/gws --addr "127.0.0.1:$port" --publish-addr "127.0.0.1:$((port + 1))") ;;
	*) command=("bin/peers/broadcast/$1" --addr "127.0.0.1:$port") ;;
	esac
	"${serve_on[@]}" "${command[@]}" >"$work/$1.log" 2>&1 &
	server=$!
	await_server "$1" "$work/$1.log" "$port"
}

# window CONNS OUTSTANDING: how long a round measures.
window() { awk -v n="$1" -v k="$2" -v o="$offered" -v d="${duration%s}" 'BEGIN { s = 8 * n * k / o; if (s < d) s = d; printf "%ds", s + 0.999 }'; }

# measure NAME CONNS OUTSTANDING PAYLOAD ROUND: one run, one line.
measure() {
	local name=$1 n=$2 k=$3 payload=$4 round=$5 json=$work/run.json status=0 verdict=ok publish_port=$port
	[[ $name == gws ]] && publish_port=$((port + 1))
	rm -f "$json"
	start_server "$name" "$k"
	"${load_on[@]}" bin/wsload fanout "ws://127.0.0.1:$port/ws" --publish-url "http://127.0.0.1:$publish_port/api/publish" \
		--conns "$n" --outstanding "$k" --payload "$payload" --rate "$(awk -v o="$offered" -v n="$n" 'BEGIN { printf "%.4g", o / n }')" \
		--duration "$(window "$n" "$k")" --warmup "$warmup" --threads "$threads" --pid "$server" --json "$json" --quiet >"$work/run.txt" 2>&1 || status=$?
	stop_server
	[[ -s $json ]] || { cat "$work/run.txt" >&2; exit 1; }
	((status == 0 || status == 4)) || verdict="FAILED: $(sed -n 's/^result: *//p' "$work/run.txt")"
	[[ $(number "$json" bottleneck) == false ]] || verdict+=' (generator: BOTTLENECK)'
	bin/peers/table add "$name" "$round" "$status" "$json" >>"$out/runs.jsonl"
	printf '%5d  %6d  %3d  %5d  %-10s  %9.3f  %9d  %s\n' "$round" "$n" "$k" "$payload" "$name" \
		"$(number "$json" server_cpu_us_per_delivery)" "$(number "$json" p99_us latency)" "$verdict"
}

# measure_echo leaves the turns to compare-echo.sh and takes its reports over. Centrifuge is a publish-subscribe library: it has no echo.
measure_echo() {
	local rivals='' name payload round json
	for name in $servers; do [[ $name =~ ^(gorilla|gws|coder|nbio)$ ]] && rivals+=" $name"; done
	[[ -n $rivals && " $servers " == *' wsedge '* ]] || return 0
	loadtest/compare-echo.sh --no-build --rounds "$rounds" --payloads "$echo" --duration "$duration" --warmup "$warmup" \
		--rivals "$rivals" --port "$port" --out "$work/echo" || true # a failed run is told in its report
	for payload in $echo; do
		for ((round = 1; round <= rounds; round++)); do
			for name in wsedge $rivals; do
				json=$work/echo/$name-$payload-$round.json
				[[ -s $json ]] || continue
				bin/peers/table add "$name" "$round" "$([[ $(number "$json" ok verdict) == true ]] && echo 0 || echo 1)" "$json" >>"$out/runs.jsonl"
			done
		done
	done
}

# describe_machine: what the figures depend on, beside the code.
describe_machine() {
	[[ -z $note ]] || printf 'note      %s\n\n' "$note"
	printf 'started   %s\n' "$(date -u +%FT%TZ)"
	printf 'commit    %s%s\n' "$(git rev-parse HEAD)" "$(git diff --quiet HEAD || echo ', with changes')"
	printf 'machine   %s, %s cores, %s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)" "$(nproc --all)" \
		"$(awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)"
	printf 'kernel    %s %s\n' "$(uname -sr)" "$(uname -m)"
	printf 'go        %s; floor: %s -O2\n' "$(go env GOVERSION)" "$(cc --version | head -1)"
	printf 'settings  GOGC and GOMAXPROCS as they are; %s\n' "$(cd /proc/sys/net && for f in core/somaxconn ipv4/tcp_rmem ipv4/tcp_wmem; do
		printf '%s = %s; ' "${f//\//.}" "$(tr '\t' ' ' <"$f")"; done)"
	go -C loadtest/peers list -m -f 'library   {{.Path}} {{.Version}}' github.com/gorilla/websocket github.com/lxzan/gws \
		github.com/coder/websocket github.com/lesismal/nbio github.com/centrifugal/centrifuge
	printf 'offered   %s deliveries a second; %s rounds of %s after %s\n' "$offered" "$rounds" "$duration" "$warmup"
	printf 'load      %s at the start (1, 5 and 15 minutes)\n' "$(cut -d' ' -f1-3 /proc/loadavg)"
}

describe_machine >"$out/machine.txt"
: >"$out/runs.jsonl"
printf '%5s  %6s  %3s  %5s  %-10s  %9s  %9s  %s\n' round conns out bytes server 'CPU µs' 'p99 µs' result
for n in $conns; do
	for k in $outstanding; do
		for payload in $payloads; do
			for ((round = 1; round <= rounds; round++)); do
				for name in $servers; do measure "$name" "$n" "$k" "$payload" "$round"; done
			done
		done
	done
done
[[ $echo == none ]] || measure_echo
printf 'load      %s at the end\n' "$(cut -d' ' -f1-3 /proc/loadavg)" >>"$out/machine.txt"
bin/peers/table page "$out" >"$out/README.md"
echo "page and raw results in $out; $(sed -n 's/^It was the bottleneck in/the generator was the bottleneck in/p' "$out/README.md")"
