package tlsloop

import (
	"crypto/tls"
	"sync/atomic"
	"time"
)

// Stats counts handshakes since the engine was made.
type Stats struct {
	InFlight  int64  // goroutines at work or waiting for their client
	Succeeded uint64 // TLS12 + TLS13
	// Took is how long those that succeeded took together, from a whole ClientHello to the client's Finished, all waiting included.
	Took      time.Duration
	TLS12     uint64
	TLS13     uint64
	Resumed   uint64 // of those that succeeded
	Compact   uint64 // of those that succeeded: go on with the compact record layer
	Failed    uint64 // refused by crypto/tls, too large, not TLS
	Rejected  uint64 // ErrBusy
	Abandoned uint64 // closed by the caller before they were done: deadlines, clients that went away
	// Mismatched counts connections that stayed with tls.Conn because what was learned about their keys and what tls.Conn
	// holds differ. It must stay 0.
	Mismatched uint64
}

type counters struct {
	took                                    atomic.Int64 // nanoseconds
	inFlight                                atomic.Int64
	tls12, tls13, resumed, compact          atomic.Uint64
	failed, rejected, abandoned, mismatched atomic.Uint64
}

// Stats is a snapshot; its numbers are read one after the other.
func (e *Engine) Stats() Stats {
	c := &e.counters
	s := Stats{
		InFlight: c.inFlight.Load(), TLS12: c.tls12.Load(), TLS13: c.tls13.Load(), Resumed: c.resumed.Load(), Compact: c.compact.Load(),
		Failed: c.failed.Load(), Rejected: c.rejected.Load(), Abandoned: c.abandoned.Load(), Mismatched: c.mismatched.Load(),
	}
	s.Succeeded, s.Took = s.TLS12+s.TLS13, time.Duration(c.took.Load())
	return s
}

func (c *counters) succeeded(r *result) {
	c.took.Add(int64(r.took))
	if r.version == tls.VersionTLS13 {
		c.tls13.Add(1)
	} else {
		c.tls12.Add(1)
	}
	if r.resumed {
		c.resumed.Add(1)
	}
	if r.compact {
		c.compact.Add(1)
	}
}
