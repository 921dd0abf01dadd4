package console

// Stats are a node's figures of one moment, as the page gets them. What is called total counts since the node began; the page makes rates of
// the differences, by AtMs.
type Stats struct {
	Node     string `json:"node"`  // another one is another process, whose counters began anew
	AtMs     int64  `json:"at_ms"` // milliseconds since the node began, by a clock that is never set
	Draining bool   `json:"draining"`
	Auth     bool   `json:"auth"`

	Connections int64 `json:"connections"` // WebSockets
	HTTP        int64 `json:"http"`        // connections handed over to HTTP
	Sockets     int64 `json:"sockets"`     // all, those in a handshake or closing included
	Congested   int64 `json:"congested"`   // connections that take no bytes at the moment
	Loops       int64 `json:"loops"`
	Pressure    int64 `json:"pressure"` // how often the limit of slow connections is halved
	Channels    int64 `json:"channels"`

	QueuedBytes   int64 `json:"queued_bytes"`    // waiting for congested connections
	InFlightBytes int64 `json:"in_flight_bytes"` // memory of all output on its way
	HistoryBytes  int64 `json:"history_bytes"`

	Accepted    int64 `json:"accepted_total"`
	Deliveries  int64 `json:"deliveries_total"`
	MessagesIn  int64 `json:"messages_in_total"`
	MessagesOut int64 `json:"messages_out_total"` // to single clients, such as replies
	BytesIn     int64 `json:"bytes_in_total"`
	BytesOut    int64 `json:"bytes_out_total"`
	Sends       int64 `json:"sends_total"` // system calls that wrote

	// LagBounds are the buckets' upper bounds in seconds of how long ticks waited for their turn on a loop; LagCounts has one more, of all above.
	LagBounds []float64 `json:"lag_bounds"`
	LagCounts []int64   `json:"lag_counts_total"`

	// What went wrong, each by its reason.
	Drops      map[string]int64 `json:"drops_total"`      // publications that did not reach a subscriber
	Ended      map[string]int64 `json:"ended_total"`      // connections that the server closed
	Refused    map[string]int64 `json:"refused_total"`    // handshakes
	Violations map[string]int64 `json:"violations_total"` // of the protocol
	Limited    map[string]int64 `json:"limited_total"`    // commands and API requests above a limit
	Denied     map[string]int64 `json:"denied_total"`     // commands without permission
	APIRefused map[string]int64 `json:"api_refused_total"`
	Tokens     map[string]int64 `json:"tokens_rejected_total"`
	Logins     map[string]int64 `json:"logins_total"` // to the console
	Others     map[string]int64 `json:"others_total"` // what has no reasons: panics, backlogged publications, stalls

	// Cluster is what the nodes that share an engine have said of themselves; not there where this one is alone.
	Cluster any `json:"cluster,omitempty"`

	// The process. CPU is in seconds; RSS is 0 where the system does not say.
	CPUSeconds float64 `json:"cpu_seconds_total"`
	CPUs       int     `json:"cpus"`
	RSSBytes   int64   `json:"rss_bytes"`
	HeapBytes  int64   `json:"heap_bytes"`
	Goroutines int64   `json:"goroutines"`
}
