package metrics

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/wsedge/wsedge/reactor"
)

// ContentType is that of the text format, version 0.0.4.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Append appends the exposition of what the reactor counted and of the number of channels.
func Append(dst []byte, s reactor.Stats, channels int) []byte {
	e := exposition{dst}
	e.one("wsedge_connections", "gauge", "Open WebSocket connections.", s.Open)
	e.one("wsedge_http_connections", "gauge", "Connections handed over to HTTP.", s.HTTP)
	e.one("wsedge_sockets", "gauge", "All sockets, those in a handshake or closing included.", s.Connections)
	e.one("wsedge_congested_connections", "gauge", "Connections that take no bytes at the moment.", s.Congested)
	e.one("wsedge_queued_bytes", "gauge", "Bytes waiting for congested connections.", s.QueuedBytes)
	e.one("wsedge_in_flight_bytes", "gauge", "Memory of all output on its way, what many connections share counted once.", s.InFlightBytes)
	e.one("wsedge_pressure", "gauge", "How often the limit of slow connections is halved, because memory is short.", s.Pressure)
	e.one("wsedge_channels", "gauge", "Channels, idle ones included.", int64(channels))
	e.one("wsedge_loops", "gauge", "Event loops running.", s.LoopsRunning)
	e.one("wsedge_accepted_total", "counter", "Connections accepted.", s.Accepted)
	e.one("wsedge_messages_received_total", "counter", "Messages from clients.", s.MessagesIn)
	e.one("wsedge_messages_sent_total", "counter", "Messages to single clients, such as replies.", s.MessagesOut)
	e.one("wsedge_received_bytes_total", "counter", "Bytes read from clients.", s.BytesIn)
	e.one("wsedge_sent_bytes_total", "counter", "Bytes written to clients.", s.BytesOut)
	e.one("wsedge_sends_total", "counter", "System calls that wrote.", s.Sends)
	e.one("wsedge_deliveries_total", "counter", "Publications given to a subscriber's socket or queue.", s.Deliveries)
	e.one("wsedge_pings_total", "counter", "WebSocket pings sent.", s.Pings)
	e.one("wsedge_aborted_total", "counter", "Connections that ended with an error on sending.", s.Aborts)
	e.one("wsedge_panics_total", "counter", "Panics caught in handlers.", s.Panics)
	e.one("wsedge_backlogged_total", "counter", "Publications refused because too much waits already.", s.Backlogged)
	e.one("wsedge_clock_stalls_total", "counter", "Times that a loop found itself stopped.", s.ClockStalls)
	e.byReason("wsedge_refused_total", "Handshakes refused.", s.Refused)
	e.byReason("wsedge_violations_total", "Connections ended for breaking the protocol.", s.Violations)
	e.byReason("wsedge_drops_total", "Publications that did not reach a subscriber.", s.Drops)
	e.byReason("wsedge_ended_total", "Connections that the server closed by itself.", s.Ended)
	e.head("wsedge_loop_wait_seconds", "gauge", "How long the event loop that waits longest for its turn has been waiting.")
	e.float("wsedge_loop_wait_seconds", s.LoopWait.Seconds())
	e.histogram("wsedge_loop_lag_seconds", "How long ticks have waited for their turn on an event loop.", s.LoopLag.Bounds, s.LoopLag.Counts, s.LoopLag.Sum)
	return e.text
}

type exposition struct{ text []byte }

func (e *exposition) head(name, kind, help string) {
	e.text = append(e.text, "# HELP "+name+" "+help+"\n# TYPE "+name+" "+kind+"\n"...)
}

func (e *exposition) one(name, kind, help string, value int64) {
	e.head(name, kind, help)
	e.text = append(e.text, name+" "+strconv.FormatInt(value, 10)+"\n"...)
}

// byReason writes a counter's series in the order of their reasons, which are tokens of ours and need no escape.
func (e *exposition) byReason(name, help string, values map[string]int64) {
	e.by(name, "counter", help, "reason", values)
}

// by writes series in the order of what label tells apart, which are tokens of ours as well.
func (e *exposition) by(name, kind, help, label string, values map[string]int64) {
	e.head(name, kind, help)
	for _, token := range slices.Sorted(maps.Keys(values)) {
		e.text = append(e.text, name+`{`+label+`="`+token+`"} `+strconv.FormatInt(values[token], 10)+"\n"...)
	}
}

// histogram writes one of durations, by the buckets' upper bounds; the last bucket has none.
func (e *exposition) histogram(name, help string, bounds []time.Duration, counts []int64, total time.Duration) {
	e.head(name, "histogram", help)
	e.buckets(name, "", bounds, counts, total)
}

// buckets writes one histogram of those of a name, with labels such as a="b", or none.
func (e *exposition) buckets(name, labels string, bounds []time.Duration, counts []int64, total time.Duration) {
	before, all := "{", ""
	if labels != "" {
		before, all = "{"+labels+",", "{"+labels+"}"
	}
	var sum int64
	for i, count := range counts {
		sum += count
		bound := "+Inf"
		if i < len(bounds) {
			bound = strconv.FormatFloat(bounds[i].Seconds(), 'g', -1, 64)
		}
		e.text = append(e.text, name+"_bucket"+before+`le="`+bound+`"} `+strconv.FormatInt(sum, 10)+"\n"...)
	}
	e.text = append(e.text, name+"_sum"+all+" "+strconv.FormatFloat(total.Seconds(), 'g', -1, 64)+"\n"...)
	e.text = append(e.text, name+"_count"+all+" "+strconv.FormatInt(sum, 10)+"\n"...)
}
