package loadtest

import (
	"errors"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// phaseCounts are the sums of one phase in one loop, or in many. Connections count where they happen, but a return in the
// phase that the connection was ended in; deliveries where the publication was intended.
type phaseCounts struct {
	Conns       int    // open at the end
	Opened      uint64 // connects begun, further attempts included
	Established uint64 // connections that became ready
	Dropped     uint64 // by Drop
	Churned     uint64 // by Churn
	ChurnMissed uint64 // times at which no connection was there to be ended
	Left        uint64 // ended by us, for whatever reason
	Ended       uint64 // ended by the server
	Failed      uint64 // setups that failed
	Retried     uint64 // of those, the ones that are tried again
	NotBack     uint64 // of those that we ended to come back
	Delivered   uint64
	// Of returns, with recovery, in the phase of the break.
	Returned, Recovered, NotRecovered uint64
	WithoutPosition                   uint64 // of NotRecovered
	Missed                            uint64 // deliveries that recoveries brought
}

func (c *phaseCounts) add(o phaseCounts) {
	c.Conns += o.Conns
	c.Opened += o.Opened
	c.Established += o.Established
	c.Dropped += o.Dropped
	c.Churned += o.Churned
	c.ChurnMissed += o.ChurnMissed
	c.Left += o.Left
	c.Ended += o.Ended
	c.Failed += o.Failed
	c.Retried += o.Retried
	c.NotBack += o.NotBack
	c.Delivered += o.Delivered
	c.Returned += o.Returned
	c.Recovered += o.Recovered
	c.NotRecovered += o.NotRecovered
	c.WithoutPosition += o.WithoutPosition
	c.Missed += o.Missed
}

// phaseTally is one phase in one loop.
type phaseTally struct {
	counts phaseCounts
	times  [phaseTimes]*hdrhistogram.Histogram
}

// What is timed in a phase.
const (
	timeDelivery  = iota // intended time of a publication to its arrival
	timeConnect          // connect to the end of the handshake
	timeSubscribe        // subscribe message to its reply
	timeReconnect        // intended time of a return to the confirmed subscription
	timeBack             // beginning of the phase to the same, of dropped connections
	timeReturned         // the break to the confirmed subscription, with recovery
	timeCaughtUp         // the break to the last of what was missed, of recovered ones
	phaseTimes
)

func newPhaseTally() *phaseTally {
	t := &phaseTally{}
	for i := range t.times {
		t.times[i] = newHistogram()
	}
	return t
}

func (t *phaseTally) merge(o *phaseTally) {
	t.counts.add(o.counts)
	for i := range t.times {
		t.times[i].Merge(o.times[i])
	}
}

// phaseResult is one phase as one worker saw it; its histograms are encoded.
type phaseResult struct {
	Counts phaseCounts
	Times  [phaseTimes][]byte
}

func (t *phaseTally) result() (r phaseResult, err error) {
	r.Counts = t.counts
	var failures [phaseTimes]error
	for i := range t.times {
		r.Times[i], failures[i] = encodeHistogram(t.times[i])
	}
	return r, errors.Join(failures[:]...)
}

// take adds what a worker saw.
func (t *phaseTally) take(r phaseResult) error {
	t.counts.add(r.Counts)
	var failures [phaseTimes]error
	for i := range t.times {
		failures[i] = mergeEncoded(t.times[i], r.Times[i])
	}
	return errors.Join(failures[:]...)
}

// slowTally is what became of the slow connections, apart from the others.
type slowTally struct {
	counts  LedgerCounts
	missing uint64
	bytes   uint64
	gaps    uint64
	ready   uint64
	ended   uint64
	endings map[string]uint64
	latency *hdrhistogram.Histogram
}

func newSlowTally() slowTally {
	return slowTally{endings: map[string]uint64{}, latency: newHistogram()}
}

// slowResult is the same from one worker.
type slowResult struct {
	Ledger                    LedgerCounts
	Bytes, Gaps, Ready, Ended uint64
	Endings                   map[string]uint64
	Latency                   []byte
}

func (s *slowResult) add(o slowTally) {
	s.Ledger.add(o.counts)
	s.Bytes += o.bytes
	s.Gaps += o.gaps
	s.Ready += o.ready
	s.Ended += o.ended
	if s.Endings == nil {
		s.Endings = map[string]uint64{}
	}
	mergeCounts(s.Endings, o.endings)
}

// takePhases encodes what the loops of a worker saw together.
func (r *workerResult) takePhases(phases []*phaseTally, slow *hdrhistogram.Histogram) error {
	var failures []error
	for _, t := range phases {
		encoded, err := t.result()
		r.Phases, failures = append(r.Phases, encoded), append(failures, err)
	}
	var err error
	r.Slow.Latency, err = encodeHistogram(slow)
	return errors.Join(append(failures, err)...)
}
