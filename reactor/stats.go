package reactor

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsedge/wsedge/tlsloop"
)

// DropReason is why a publication did not reach a subscriber. Its name is a metric label.
type DropReason uint8

const (
	// DropSlow: the conn was closed, or is being closed, as slow.
	DropSlow DropReason = iota
	// DropOldestFirst: SlowPolicy DropOldest.
	DropOldestFirst
	// DropNewestFirst: SlowPolicy DropNewest.
	DropNewestFirst
	// DropConflated: SlowPolicy KeepLatest.
	DropConflated
	// DropStale: it waited longer than TopicOptions.MaxAge.
	DropStale
	// DropPeerGone: it waited for a conn whose peer went away.
	DropPeerGone
	// DropSuspended: SlowPolicy Suspend. Config.OnResume may bring it after all.
	DropSuspended

	numDropReasons
)

var dropNames = [numDropReasons]string{"slow", "oldest", "newest", "conflated", "stale", "peer_gone", "suspended"}

// String returns the metric label.
func (r DropReason) String() string { return dropNames[r] }

const numCauses = CauseInput + 1

var causeNames = [numCauses]string{"shutdown", "slow", "no_pong", "message_timeout", "frame_rate", "panic", "input_backlog"}

// String returns the metric label.
func (cause Cause) String() string { return causeNames[cause] }

// loopStats are the counters of one loop: written by it, read by anybody.
type loopStats struct {
	open, congested, queuedBytes         atomic.Int64
	queuedEntries                        atomic.Int64
	messagesIn, messagesOut              atomic.Int64
	bytesIn, bytesOut, sends, deliveries atomic.Int64
	pings, stalls, aborts                atomic.Int64
	drops                                [numDropReasons]atomic.Int64
	lag                                  lagCounts
	ends                                 [numCauses]atomic.Int64
}

// counters are what is rare enough to be counted in one place.
type counters struct {
	accepted, panics, backlogged atomic.Int64

	mu         sync.Mutex
	refusals   map[string]int64
	violations map[string]int64
}

func (n *counters) refusal(reason string)   { n.add(&n.refusals, reason) }
func (n *counters) violation(reason string) { n.add(&n.violations, reason) }

// add counts under a reason, which is one of a fixed set of tokens, never what a peer sent.
func (n *counters) add(m *map[string]int64, reason string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if *m == nil {
		*m = make(map[string]int64)
	}
	(*m)[reason]++
}

// Stats is a snapshot of a server's gauges and counters. Each is exact, but they are not read in the same instant.
type Stats struct {
	// Gauges.
	Open          int64         // open WebSockets
	HTTP          int64         // connections handed over to net/http
	Bridged       int64         // connections whose bytes goroutines carry: see Server.ServeHTTP
	Connections   int64         // all sockets, those in a handshake or closing included
	Congested     int64         // conns that do not take bytes at the moment
	QueuedBytes   int64         // waiting for congested conns, each reference counted
	InFlightBytes int64         // memory of all output on its way in the server, what many conns share counted once: what NodeMaxBytes bounds
	LoopWait      time.Duration // Server.LoopWait
	Pressure      int64         // how often the limit of slow conns is halved for now, because NodeMaxBytes is near

	// Counters since Listen.
	Accepted     int64
	Refused      map[string]int64 // handshakes, by reason
	Violations   map[string]int64 // of the protocol, by reason
	MessagesIn   int64
	MessagesOut  int64 // sent by Conn.Send
	BytesIn      int64
	BytesOut     int64
	Sends        int64 // system calls for output
	Deliveries   int64 // publications given to a subscriber's socket or queue
	Drops        map[string]int64
	Ended        map[string]int64 // conns that the server closed, by cause
	Pings        int64
	Aborts       int64 // conns that ended with a socket error on sending
	Panics       int64 // in handlers
	Backlogged   int64 // publications refused with ErrBacklog
	ClockStalls  int64 // times a loop found that it had been stopped
	LoopsRunning int64
	LoopLag      Lag            // since Listen
	TLS          *tlsloop.Stats // handshakes; nil without TLS
	Workers      WorkerStats    // zero without Config.Blocking
}

// Stats returns a snapshot. Safe from any goroutine.
func (s *Server) Stats() Stats {
	st := Stats{
		HTTP:          s.httpConns.Load(),
		Bridged:       s.bridged.Load(),
		Connections:   s.conns.Load(),
		InFlightBytes: s.memoryInUse(),
		LoopWait:      s.LoopWait(),
		Pressure:      int64(s.pressure.Load()),
		Accepted:      s.counters.accepted.Load(),
		Panics:        s.counters.panics.Load(),
		Backlogged:    s.counters.backlogged.Load(),
		Drops:         make(map[string]int64, numDropReasons),
		Ended:         make(map[string]int64, numCauses),
	}
	st.Refused, st.Violations = s.counters.byReason()
	if s.tls != nil {
		handshakes := s.tls.Stats()
		st.TLS = &handshakes
	}
	if s.workers != nil {
		st.Workers = s.workers.stats()
	}
	for _, l := range s.knownLoops() {
		st.add(&l.stats)
	}
	if s.workers == nil {
		delete(st.Ended, CauseInput.String()) // it cannot happen
	}
	return st
}

func (st *Stats) add(l *loopStats) {
	st.LoopsRunning++
	st.Open += l.open.Load()
	st.Congested += l.congested.Load()
	st.QueuedBytes += l.queuedBytes.Load()
	st.MessagesIn += l.messagesIn.Load()
	st.MessagesOut += l.messagesOut.Load()
	st.BytesIn += l.bytesIn.Load()
	st.BytesOut += l.bytesOut.Load()
	st.Sends += l.sends.Load()
	st.Deliveries += l.deliveries.Load()
	st.Pings += l.pings.Load()
	st.Aborts += l.aborts.Load()
	st.ClockStalls += l.stalls.Load()
	st.LoopLag.add(&l.lag)
	for r := range l.drops {
		st.Drops[DropReason(r).String()] += l.drops[r].Load()
	}
	for cause := range l.ends {
		st.Ended[Cause(cause).String()] += l.ends[cause].Load()
	}
}

func (n *counters) byReason() (refusals, violations map[string]int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	refusals, violations = make(map[string]int64, len(n.refusals)), make(map[string]int64, len(n.violations))
	for k, v := range n.refusals {
		refusals[k] = v
	}
	for k, v := range n.violations {
		violations[k] = v
	}
	return refusals, violations
}
