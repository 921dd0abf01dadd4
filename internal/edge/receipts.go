package edge

import (
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/wsedge/wsedge/internal/api"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/cluster"
)

const (
	topicReceipt = "receipt"
	// receiptTimeout is how long a node waits for its loops, and receiptAnswerTimeout how long it is waited for. The API waits for 2 s.
	receiptTimeout       = 1200 * time.Millisecond
	receiptAnswerTimeout = 1500 * time.Millisecond
	// maxReceipts bounds the questions for receipts that wait for loops here.
	maxReceipts = 4096
)

// counts are what a node says of a publication.
type counts struct {
	Matched int  `json:"matched"`
	Queued  int  `json:"queued"`
	Dropped int  `json:"dropped"`
	Partial bool `json:"partial,omitempty"` // they are what was known in time
}

// answerReceipts has other nodes told what has become of their publications here.
func (s *Server) answerReceipts() {
	engine, ok := s.config.Broker.(broker.Witnessed)
	if !ok || s.cluster == nil {
		return
	}
	s.witness = newWitness(engine)
	s.cluster.Answer(topicReceipt, func(_ string, body []byte, reply func(any)) {
		var what delivery
		if json.Unmarshal(body, &what) != nil || !s.peers.receipts.Take(maxReceipts) {
			return
		}
		go func() {
			defer s.peers.receipts.Give()
			reply(s.witnessed(what))
		}()
	})
}

// witnessed is what has become of a publication here. It waits.
func (s *Server) witnessed(what delivery) counts {
	timeout := time.NewTimer(receiptTimeout)
	defer timeout.Stop()
	r := s.witness.receipt(what, timeout.C)
	if r == nil {
		return counts{Partial: true}
	}
	var c counts
	select {
	case <-r.Done():
	case <-timeout.C:
		c.Partial = true
	}
	c.Matched, c.Queued, c.Dropped = r.Counts()
	return c
}

// nodesReceipt sums up what all nodes say of a publication. Counts are what this node knows until it is done.
type nodesReceipt struct {
	done    chan struct{}
	here    broker.Receipt // nil: it came late here, and is asked for as at other nodes
	pending atomic.Int32   // parts that are not known: closes done

	matched, queued, dropped, missing atomic.Int64 // of all parts that are known, but for here
}

// receiptOf asks the other nodes what becomes of a publication that has been made.
func (s *Server) receiptOf(channel string, result broker.Result) api.NodesReceipt {
	what := delivery{channel, result.Epoch, result.Offset}
	r := &nodesReceipt{done: make(chan struct{}), here: result.Receipt}
	r.pending.Store(2)
	go func() {
		defer r.settle()
		if r.here == nil {
			r.add(s.witnessed(what))
			return
		}
		<-r.here.Done() // each loop serves, or ends
	}()
	err := s.cluster.Ask(topicReceipt, what, receiptAnswerTimeout, func(a cluster.Answers) {
		r.missing.Add(int64(len(a.Missing)))
		for _, body := range a.By {
			var c counts
			if json.Unmarshal(body, &c) != nil || min(c.Matched, c.Queued, c.Dropped) < 0 {
				c = counts{Partial: true}
			}
			r.add(c)
		}
		r.settle()
	})
	if err != nil {
		r.missing.Add(int64(len(s.cluster.Nodes())))
		r.settle()
	}
	return r
}

func (r *nodesReceipt) add(c counts) {
	r.matched.Add(int64(c.Matched))
	r.queued.Add(int64(c.Queued))
	r.dropped.Add(int64(c.Dropped))
	if c.Partial {
		r.missing.Add(1)
	}
}

// settle ends a part.
func (r *nodesReceipt) settle() {
	if r.pending.Add(-1) == 0 {
		close(r.done)
	}
}

// Done implements broker.Receipt.
func (r *nodesReceipt) Done() <-chan struct{} { return r.done }

// Counts implements broker.Receipt.
func (r *nodesReceipt) Counts() (matched, queued, dropped int) {
	if r.here != nil {
		matched, queued, dropped = r.here.Counts()
	}
	return matched + int(r.matched.Load()), queued + int(r.queued.Load()), dropped + int(r.dropped.Load())
}

// Missing implements api.NodesReceipt.
func (r *nodesReceipt) Missing() int { return int(r.missing.Load()) }
