package main

import (
	"flag"
	"fmt"
	"io"

	"github.com/wsedge/wsedge/loadtest"
)

const overview = `wsload puts load on a WebSocket push server and tells whether every message arrived.

  wsload fanout URL [flags]   publish to the subscribers of one channel, or of many
  wsload echo URL [flags]     send messages that come back
  wsload idle URL [flags]     hold connections that do nothing
  wsload churn URL [flags]    end connections and open new ones during a fan-out
  wsload storm URL [flags]    end all connections at once, and let them come back
  wsload slow URL [flags]     a share of the connections reads nothing, or little
  wsload mixed URL [flags]    all of this, one after the other
  wsload run FILE [flags]     the phases of a scenario file (YAML); "wsload check FILE" only reads it
  wsload search URL [flags]   find the highest rate, or the most connections, that meet a goal
  wsload curve URL [flags]    show latency and throughput up to saturation
  wsload floor [flags]        measure what the kernel alone takes on this machine
  wsload compare A B          tell two results' differences from chance
  wsload agent                hold connections for a wsload on another machine (--agents there)

Flags may stand before or after the URL; "wsload fanout --help" lists those of a command.
Exit status: 0 everything delivered, 1 something was not, 2 usage, 3 an expectation was not met,
4 INVALID: the generator was the bottleneck, so that latencies and rates are not the server's, or
clocks of several machines were not known well enough. At Ctrl-C a run ends early, with a report of
what there was; at a second one, at once.
`

// expectHelp stands below the help of each scenario.
const expectHelp = `
In CI, let expectations decide. Each names a number of the JSON (--json): a bare percentile is of
latency, a bare name is enough where only one number has it, a map of counts is its sum. Times need
a unit (ns, us, ms, s). A failed one is told in a line of its own:

  wsload fanout ws://127.0.0.1:8080/ws --conns 2000 --rate 20 --quiet --json result.json \
    --expect 'p99<50ms' --expect 'completion.p99<80ms' --expect 'errors.total==0' \
    --expect 'errors.http_status.503==0' --expect 'lost==0'

Exit status: 0 as it should be; 1 deliveries or connections failed; 2 usage; 3 an expectation was not
met; 4 INVALID, the generator was the bottleneck: give it more cores, or ask for less. A runner that
is always short of cores can still check what was delivered, with --accept-invalid.
`

// helpTexts say what a scenario does, with an example.
var helpTexts = map[loadtest.Scenario]string{
	loadtest.Fanout: `Usage: wsload fanout URL [flags]

All connections subscribe to one channel, or are divided among --topics, publications go to it
over HTTP or by WebSocket on a fixed schedule, and each delivery is checked and timed from the
intended time of publishing. URL is ws://host:port/ws (a subscribe message is sent and its reply
awaited) or ws://host:port/ws/raw?channel=NAME (the URL subscribes); other servers are spoken to
as --protocol says. With wss:// all of it goes over TLS.

Examples:
  wsload fanout ws://127.0.0.1:8080/ws --conns 5000 --rate 8 --duration 30s --pid $(pidof wsedge)
  wsload fanout ws://127.0.0.1:8080/ws --topics 500 --topic-sizes zipf:1 --publish-by websocket
  wsload fanout ws://127.0.0.1:8000/connection/websocket --protocol centrifugo
`,
	loadtest.Echo: `Usage: wsload echo URL [flags]

Messages are sent on all connections in turns; each has to come back unchanged on the same one.

Example:
  wsload echo ws://127.0.0.1:8080/echo --conns 1000 --rate 20000 --payload 256
`,
	loadtest.Idle: `Usage: wsload idle URL [flags]

Holds connections that only answer pings, and reports what they cost the server.

Example:
  wsload idle ws://127.0.0.1:8080/ws --conns 18000 --duration 60s --settle 5s --pid $(pidof wsedge)
`,
}

// shapeHelp is the same for the scenarios that are lists of phases.
var shapeHelp = map[string]string{
	"churn": `Usage: wsload churn URL [flags]

A fan-out, during which connections are ended and opened anew in an open loop: what the server does
not get done in time counts from its time. Each life of a connection is owed what is published after
its subscription was confirmed.

Example:
  wsload churn ws://127.0.0.1:8080/ws --conns 5000 --churn 500 --duration 20s --pid $(pidof wsedge)
`,
	"storm": `Usage: wsload storm URL [flags]

A fan-out, in the middle of which all connections (--drop) are ended at once and come back. A setup
that fails is tried again after a random pause that doubles. Reported is the time until the first,
half, 99 % and the last of them were back.

Example:
  wsload storm ws://127.0.0.1:8080/ws --conns 5000 --drop-by reset --return-jitter 2s --duration 20s
`,
	"slow": `Usage: wsload slow URL [flags]

A fan-out, first with healthy connections, then with a share of them that reads nothing, or --trickle
bytes per second. The slow ones have a ledger of their own: that the server ends them or leaves out
messages is reported, and no failure. Compare the healthy ones' latencies in the two phases.

Example:
  wsload slow ws://127.0.0.1:8080/ws --conns 5000 --slow 1% --duration 20s
`,
	"mixed": `Usage: wsload mixed URL [flags]

A fan-out in five phases of a fifth of the duration each: steady, churn, slow, storm, after.

Example:
  wsload mixed ws://127.0.0.1:8080/ws --conns 5000 --churn 100 --slow 1% --duration 60s
`,
	"run": `Usage: wsload run FILE [flags]

Runs the phases of a scenario file (YAML; see docs/WSLOAD.md). Flags take the place of what the file says.
"wsload check FILE" only reads it, and tells all that is wrong with it.

Example:
  wsload run nightly.yaml --conns 10000 --json result.json
`,
	"check": `Usage: wsload check FILE [flags]

Reads a scenario file (YAML; see docs/WSLOAD.md), with the same flags in the place of what it says as
"wsload run", tells all that is wrong with it, and connects to nothing.

Example:
  wsload check nightly.yaml
`,
}

// printHelp is the help of a command that makes a run.
func printHelp(w io.Writer, text string, set *flag.FlagSet) {
	fmt.Fprint(w, text)
	printFlags(w, set)
	fmt.Fprint(w, expectHelp)
}
