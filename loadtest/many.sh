#!/usr/bin/env bash
# Holds very many connections between wsload and floor servers, both on this machine, and prints what they cost: the rate of the setup,
# failures, user memory and CPU time of wsload's workers, kernel memory, and CPU time of wsload's first process with the live view
# and without it. A process has a limited number of files, so that there are several on either side; the floors share a port
# (SO_REUSEPORT). Connections are idle but for a ping each 25 s.
#
#   loadtest/many.sh [--conns N] [--floors F] [--workers W] [--connect-rate PER_S] [--hold SECONDS] [--ping SECONDS] [--port P]
#                    [--out DIR] [--no-build]
#
# A run with 100 connections a worker goes first: memory per connection is the difference to it. 200,000 connections take a minute and
# 2 GB for each of the two long runs.
set -euo pipefail
. "$(dirname "$0")/common.sh"

conns=200000 floors=12 workers=12 connect_rate=10000 hold=10 ping=25 port=18100 out='' build=yes
take_options "conns floors workers connect-rate hold ping port out" "$@"

cd "$(dirname "$0")/.."
[[ -n $out ]] || out=$(mktemp -d)
mkdir -p "$out"
if [[ $build == yes ]]; then
	make --no-print-directory build floor >&2
fi

# meminfo KEY, in kB.
meminfo() { awk -v key="$1:" '$1 == key { print $2 }' /proc/meminfo; }

each=$(((conns + (floors < workers ? floors : workers) - 1) / (floors < workers ? floors : workers)))
if ((each * 21 / 20 + 200 > $(ulimit -Hn))); then
	echo "many.sh: about $each connections for each process, but only $(ulimit -Hn) files (ulimit -n); more --floors and --workers" >&2
	exit 1
fi
if (($(meminfo MemAvailable) < conns * 16)); then
	echo "many.sh: $conns connections need about $((conns * 16 / 1024)) MB; $(($(meminfo MemAvailable) / 1024)) are free" >&2
	exit 1
fi

servers=() client=''
stop_all() {
	[[ -z $client ]] || kill "$client" 2>/dev/null || true
	((${#servers[@]} == 0)) || kill "${servers[@]}" 2>/dev/null || true
	wait 2>/dev/null || true
	servers=() client=''
}
trap stop_all EXIT

# All floors listen when it returns: the kernel spreads connections over those that do.
start_floors() {
	for ((i = 0; i < floors; i++)); do
		loadtest/peers/floor/floor --port "$port" --threads 1 --ping "$ping" 2>"$out/floor-$i.log" &
		servers+=($!)
	done
	for ((i = 0; i < floors; i++)); do
		for _ in {1..100}; do
			grep -q listening "$out/floor-$i.log" && continue 2
			sleep 0.05
		done
		echo "many.sh: a floor does not listen; see $out/floor-$i.log" >&2
		exit 1
	done
}

sockets() { awk '$1 == "TCP:" { print $3 }' /proc/net/sockstat; }
# await_sockets at-most|at-least N SECONDS
await_sockets() {
	local n deadline=$((SECONDS + $3))
	while n=$(sockets); [[ $1 == at-least && $n -lt $2 || $1 == at-most && $n -gt $2 ]]; do
		((SECONDS < deadline)) || { echo "many.sh: $n sockets of the machine after $3 s, waiting for $1 $2" >&2; return 1; }
		[[ -z $client ]] || kill -0 "$client" 2>/dev/null || return 1
		sleep 0.2
	done
}
# cpu PID…: user and system time so far, in ms.
cpu() { for p in "$@"; do cat "/proc/$p/stat"; done | awk -v hz="$(getconf CLK_TCK)" '{ t += $14 + $15 } END { print t * 1000 / hz }'; }
pss() { for p in "$@"; do cat "/proc/$p/smaps_rollup"; done | awk '$1 == "Pss:" { t += $2 } END { print t }'; }
kernel_kb() { echo $(($(meminfo Slab) + $(meminfo Percpu))); }
number() { awk -v key="\"$2\":" 'index($0, key) { sub(/.*: */, ""); sub(/,$/, ""); print; exit }' "$1"; }

# hold NAME CONNS VIEW: sets up so many connections, and measures for $hold seconds; "yes" runs wsload on a terminal of its own.
# Leaves pss_kb, kernel_used_kb, first_ms and workers_ms.
hold() {
	local name=$1 n=$2 quiet=--quiet kernel_before from_first from_workers pids
	[[ $3 == yes ]] && quiet=
	await_sockets at-most $((at_rest + 500)) 30 # the run before has left
	kernel_before=$(kernel_kb)
	rm -f "$out/pid"
	# The shell leaves its process id and becomes wsload. wsload rests longer than is measured, so that its end does not fall into it.
	TERM=xterm script -qec "stty cols 120 rows 40; echo \$\$ >$out/pid; exec bin/wsload idle ws://127.0.0.1:$port/ws --conns $n \
		--processes $workers --threads 1 --connect-rate $connect_rate --warmup 0 --settle 2s --duration $((hold + 4))s $quiet \
		--json $out/$name.json" /dev/null >"$out/$name.txt" 2>&1 </dev/null &
	client=$!
	# Other programs open and close sockets as well.
	await_sockets at-least $((at_rest + 2 * n * 99 / 100)) $((60 + n / connect_rate * 3)) || { tail -5 "$out/$name.txt" >&2; exit 1; }
	sleep 3
	mapfile -t pids < <(pgrep -P "$(cat "$out/pid")")
	pss_kb=$(pss "${pids[@]}") kernel_used_kb=$(($(kernel_kb) - kernel_before))
	from_first=$(cpu "$(cat "$out/pid")") from_workers=$(cpu "${pids[@]}")
	sleep "$hold"
	first_ms=$(awk -v a="$from_first" -v b="$(cpu "$(cat "$out/pid")")" 'BEGIN { print b - a }')
	workers_ms=$(awk -v a="$from_workers" -v b="$(cpu "${pids[@]}")" 'BEGIN { print b - a }')
	wait "$client" || { client=''; tail -5 "$out/$name.txt" >&2; exit 1; }
	client=''
	awk -v name="$name" -v n="$n" -v set="$(number "$out/$name.json" setup_s)" -v up="$(number "$out/$name.json" established)" \
		-v pings="$(number "$out/$name.json" pings)" -v hold="$hold" -v first="$first_ms" -v all="$workers_ms" 'BEGIN {
		printf "%-6s %7d of %d connections in %.1f s (%.0f a second), %d failed, %d pings answered; ", name, up, n, set, up / set, n - up, pings
		printf "CPU of a core: workers %.1f %%, first process %.2f %%\n", all / hold / 10, first / hold / 10 }'
}

echo "$conns connections, $floors floors, $workers workers, ping every $ping s; kernel $(uname -r), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)"
at_rest=$(sockets)
start_floors
hold few $((100 * workers)) no
few_pss=$pss_kb
hold quiet "$conns" no
quiet_pss=$pss_kb kernel=$kernel_used_kb quiet_ms=$first_ms
hold view "$conns" yes
awk -v pss="$((quiet_pss - few_pss))" -v all="$quiet_pss" -v few="$few_pss" -v kernel="$kernel" -v n="$conns" -v few_n=$((100 * workers)) \
	-v quiet="$quiet_ms" -v view="$first_ms" -v hold="$hold" 'BEGIN {
	printf "workers: PSS %.1f MB, %.1f MB with %d connections: %.0f B a connection\n", all / 1024, few / 1024, few_n, pss * 1024 / (n - few_n)
	printf "kernel: %.1f KB a pair of sockets (slab and per-cpu)\n", kernel / n
	printf "live view: %.2f %% of a core, %.2f %% in all of the first process\n", (view - quiet) / hold / 10, view / hold / 10 }'
echo "results in $out"
