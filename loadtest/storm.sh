#!/usr/bin/env bash
# Everybody comes back at once, and is to have missed nothing. Three runs of `wsload … --recover`:
#
#   cut      all connections are reset (RST), and back at once
#   away     the same, but they stay away for 12.5 s: 100 publications at 8/s
#   killed   the server is killed (kill -9) and started again: its history is gone, so that nobody can recover, and all are told so
#   wss      over TLS, with tokens: --share of the connections are reset, and back at once; the others go on
#   ticket   the same, and who comes back does so by a resume ticket; with --jitter each waits a random time up to that before, as clients do
#
#   loadtest/storm.sh [--conns N] [--rate PER_S] [--share PERCENT] [--jitter TIME] [--rows "ROW ..."] [--port P] [--out DIR] [--no-build]
#
# The server is pinned to cores 0,1 and the load to 2,3 where the machine has four. It exits with 1 where somebody was not back and caught up
# within 10 s of the time that it began to come back at, or a delivery was lost.
set -euo pipefail
. "$(dirname "$0")/common.sh"

conns=18000 rate=8 share=84 jitter=0s rows='cut away killed' port=18480 out='' build=yes
take_options "conns rate share jitter rows port out" "$@"
cd "$(dirname "$0")/.."
[[ -n $out ]] || out=$(mktemp -d)
mkdir -p "$out"
[[ $build == no ]] || make --no-print-directory build >&2
pin 0,1 2,3

load=''
stop_all() {
	[[ -z $load ]] || kill "$load" 2>/dev/null || true
	stop_server
}
trap stop_all EXIT

start_server() {
	"${serve_on[@]}" bin/wsedge serve --addr "127.0.0.1:$port" --history-size 1000 --recover >>"$out/$1.serve.log" 2>&1 &
	server=$!
	await_server wsedge "$out/$1.serve.log" "$port"
}

# The generator opens all connections in one go, and may miss a send time over it: what counts is what arrived, so --accept-invalid.
flags=(--conns "$conns" --payload 128 --recover --max-in-flight "$conns" --drain 20s --accept-invalid)

# storm ROW AWAY LIMIT: one run in which the connections stay away for so many seconds, with a limit for all to have caught up.
storm() {
	"${load_on[@]}" bin/wsload storm "ws://127.0.0.1:$port/ws" "${flags[@]}" --rate "$rate" --drop-by reset --return-after "$2s" --duration 30s --warmup 2s --quiet \
		--pid "$server" --json "$out/$1.json" --expect "recovery.caught_up.max<$3s" --expect 'phases.storm.not_back==0' >"$out/$1.txt" 2>&1
}

# killed ends the server behind six seconds, and starts another.
killed() {
	printf 'url: ws://127.0.0.1:%s/ws\nphases:\n  - {name: killed, duration: 28s, rate: %s/s}\n' "$port" "$rate" >"$out/killed.yaml"
	"${load_on[@]}" bin/wsload run "$out/killed.yaml" "${flags[@]}" --plain --json "$out/killed.json" --expect 'recovery.back.max<10s' \
		--expect 'ledger.lost==0' >"$out/killed.txt" 2>"$out/killed.progress" &
	load=$!
	until (($(sed -n 's/.* published \([0-9]*\) .*/\1/p' "$out/killed.progress" | tail -n 1)0 > 60 * rate)); do
		kill -0 "$load" 2>/dev/null || { cat "$out/killed.progress" >&2; return 1; }
		sleep 0.1
	done
	kill -9 "$server"
	wait "$server" 2>/dev/null || true
	start_server killed
	wait "$load" || true # connections that the server has ended are failures of the run
	load=''
	! grep '^expect: .*FAILED' "$out/killed.txt"
}

# secure ROW FLAG...: a storm over TLS. The server lets in whoever has a token, which all connections share.
secure() {
	local row=$1
	shift
	head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$out/secret"
	bin/wsedge token --secret-file "$out/secret" --user load --ttl 1h --grant 'load=subscribe,publish' >"$out/token"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$out/key.pem" -out "$out/cert.pem" 2>/dev/null
	"${serve_on[@]}" bin/wsedge serve --addr "127.0.0.1:$port" --history-size 1000 --recover --auth-secret-file "$out/secret" --admin-addr off \
		--conns-per-user 100000 --conns-per-address 100000 --accept-rate 100000 --user-message-rate 100000 --publish-rate 10000 \
		--tls-cert "$out/cert.pem" --tls-key "$out/key.pem" --tls-compact >>"$out/$row.serve.log" 2>&1 &
	server=$!
	await_server wsedge "$out/$row.serve.log" "$port"
	"${load_on[@]}" bin/wsload storm "wss://127.0.0.1:$port/ws" --ca "$out/cert.pem" --connect-token "$out/token" --publish-by websocket "${flags[@]}" --connect-rate 600 "$@" \
		--rate "$rate" --drop "$share%" --drop-by reset --return-jitter "$jitter" --duration 45s --warmup 5s --settle 5s --quiet --pid "$server" --json "$out/$row.json" \
		--expect 'recovery.caught_up.max<30s' --expect 'phases.storm.not_back==0' >"$out/$row.txt" 2>&1
}

status=0
for row in $rows; do
	: >"$out/$row.serve.log"
	[[ $row == wss || $row == ticket ]] || start_server "$row"
	case $row in
	wss) secure wss || status=1 ;;
	ticket) secure ticket --ticket || status=1 ;;
	cut) storm cut 0 10 || status=1 ;;
	away) storm away 12.5 22.5 || status=1 ;;
	killed) killed || status=1 ;;
	*) echo "storm.sh: no row $row" >&2; exit 2 ;;
	esac
	stop_server
	echo "== $row"
	grep -E '^(ledger|  dropped|retries|  recovery|  back |  caught|  NOT|  memory|expect|generator|result)|unrecovered$' "$out/$row.txt"
done
echo "all of it: $out"
exit "$status"
