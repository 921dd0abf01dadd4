package main

import (
	"flag"
	"fmt"
	"io"

	"github.com/wsedge/wsedge/loadtest"
)

const overview = `wsload puts load on a WebSocket push server and tells whether every message arrived.

  wsload fanout URL [flags]   publish to subscribers of one channel
  wsload echo URL [flags]     send messages that come back
  wsload idle URL [flags]     hold connections that do nothing
  wsload compare A B          tell two results' differences from chance

Flags may stand before or after the URL; "wsload fanout --help" lists them.
Exit status: 0 everything delivered, 1 something was not, 2 usage.
`

// helpTexts say what a scenario does, with an example.
var helpTexts = map[loadtest.Scenario]string{
	loadtest.Fanout: `Usage: wsload fanout URL [flags]

All connections subscribe to one channel, publications are posted to it over HTTP on a fixed
schedule, and each delivery is checked and timed from the intended time of publishing. URL is
ws://host:port/ws (a subscribe message is sent and its reply awaited) or
ws://host:port/ws/raw?channel=NAME (the URL subscribes).

Example:
  wsload fanout ws://127.0.0.1:8080/ws --conns 5000 --rate 8 --duration 30s --pid $(pidof wsedge)
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

func printHelp(w io.Writer, scenario loadtest.Scenario, set *flag.FlagSet) {
	fmt.Fprintf(w, "%s\nFlags:\n", helpTexts[scenario])
	set.SetOutput(w)
	set.PrintDefaults()
}
