package loadtest

import (
	"net/netip"
	"time"
)

// A worker is told what to do, and answers, in JSON values on two streams; in this process they are pipes. First comes a
// workerSpec, then workerCommands; back come workerLines, of which the last holds the result or an error.

// workerSpec is one worker's share of a run.
type workerSpec struct {
	Scenario Scenario
	Addr     netip.AddrPort
	Host     string
	Path     string
	Header   string // ready-made lines
	Stalled  bool
	Protocol Protocol // but for its publications
	Topics   topicPlan

	// TLS is nil for ws; its ServerName is filled in. Header has the offer of Deflate already.
	TLS     *TLS
	Deflate Deflate

	First       int // number of the worker's first connection within the run
	Conns       int
	TotalConns  int
	Threads     int
	ConnectRate float64 // this worker's share, per second
	MaxInFlight int     // this worker's share
	Sources     []netip.Prefix
	Also        []netip.AddrPort

	Run           uint32
	Epoch         int64 // CLOCK_MONOTONIC in ns: the zero of all times below and in stamps
	Payload       int
	SequenceLimit uint32      // no publisher gets as far: a stamp that does is corrupt
	Plan          arrivalPlan // of an echo, for all workers together; a rate of 0 is a closed loop
	Loops         int         // of all workers
	FirstLoop     int         // number of the worker's first loop among them
	SetupTimeout  time.Duration

	// Of a run with phases.
	Phases  []PhasePlan
	Initial int // connections of the run before the first phase
	NoRetry bool
	Backoff time.Duration
	Seed    uint64
}

// loops is how many loops the worker has; none is without a connection.
func (s *workerSpec) loops() int { return min(s.Threads, s.Conns) }

// workerCommand is one of its fields.
type workerCommand struct {
	Start *window
	Stop  *stopCommand
	Seal  *sealCommand
	Clock *clockLine // on other machines, from time to time: what the clock has to show
	Times []timesPart
}

// sealCommand says how many sequences each stream has used, now that there will be no more, and when the last of them was
// intended for: whoever was there and lacks some is behind.
type sealCommand struct {
	Sent  []uint32
	Last  []int64
	Doubt int64 // as in stopCommand
}

// window is the time in which messages are sent and that in which they are measured, in ns after the epoch.
type window struct {
	Send int64 // sending begins
	From int64 // measuring begins
	End  int64 // both end; exclusive
	// Unmeasured stretches within it, in their order.
	Unmeasured []phaseSpan `json:",omitempty"`
}

// measures says whether what was intended for that time counts.
func (w *window) measures(intended int64) bool {
	if intended < w.From || intended >= w.End {
		return false
	}
	for _, s := range w.Unmeasured {
		if intended >= s.From && intended < s.End {
			return false
		}
	}
	return true
}

// stopCommand ends the run and settles the ledgers against what was acknowledged.
type stopCommand struct {
	Totals []publisherTotals // by stream; none where nothing was published. Their Times come before, as timesParts
	Doubt  int64             // by how much, in ns, clocks of other machines may have been wrong
}

// workerLine is one of its fields.
type workerLine struct {
	Progress *progress
	Result   *workerResult
	Error    string
}

// progress is how far a worker is. All counters but Sending and Missing only grow.
type progress struct {
	At        int64 // it is no older than this, in ns after the epoch
	Ready     int   // connections that got as far as they should, including those that ended early since
	Failed    int   // connections that did not
	Ended     int   // connections that were ready and ended early
	Sending   int   // loops with messages left to send by the clock (Echo)
	Sent      uint64
	Delivered uint64
	Late      uint64 // messages sent behind the schedule (Echo)
	Missing   uint64 // deliveries that a later one has overtaken; may shrink
	Faulty    uint64 // deliveries duplicated, reordered, corrupted or misdelivered
	Left      int    // connections that were ready and that we ended
	Reborn    int    // of those in Ready, the second and later lives
	Retried   int    // setups that failed and are tried again
	Sealed    int    // loops that know what was sent in all
	Behind    int    // connections that lack some of that, or are coming back; of loops that know it
	Taken     int    // commands that brought intended times
	CPU       int64  // the process's CPU time, in ns
	// Second, where it is not 0, says that this line closes the seconds of the run before it, and brings Latency: what was
	// measured since the last line that closed one, as an encoded histogram.
	Second  int
	Latency []byte
}

func (p *progress) add(o progress) {
	p.Ready += o.Ready
	p.Failed += o.Failed
	p.Ended += o.Ended
	p.Sending += o.Sending
	p.Sent += o.Sent
	p.Delivered += o.Delivered
	p.Late += o.Late
	p.Missing += o.Missing
	p.Faulty += o.Faulty
	p.CPU += o.CPU
	p.Left += o.Left
	p.Reborn += o.Reborn
	p.Retried += o.Retried
	p.Sealed += o.Sealed
	p.Behind += o.Behind
}

// workerResult is what a worker knows at the end.
type workerResult struct {
	Ledger    LedgerCounts
	Latency   []byte // what progress has not told yet
	Connect   []byte // connect to switched protocols
	Subscribe []byte // subscribe message to its reply
	Tally     tallyCounts
	Failures  map[string]uint64
	Endings   map[string]uint64
	Errors    ErrorCounts
	TLSTimes  []byte // TLS handshakes; encoded histogram
	TLS       TLSCounts
	Deflate   DeflateCounts
	Records   [][]publicationRecord // by stream and sequence
	Classes   [][]byte              // latency by size of the topic; encoded histograms
	// ReadyByTopic counts connections that were ready at some time.
	ReadyByTopic []int
	Lag          []byte    // of the loops; encoded histogram
	LoopBusy     []float64 // CPU time per wall time in the window, by loop
	CPUBusy      float64   // the process's, per wall time in the window; in a shared process, all of it
	CPU          int64     // the same in ns

	// Of a run with phases.
	Phases  []phaseResult
	Slow    slowResult
	Retries map[string]uint64 // setups that failed and were tried again, by cause
}

// publicationRecord is one publication as one worker's subscribers saw it. Times are in ns after the epoch.
type publicationRecord struct {
	Intended int64  `json:"i"`
	First    int64  `json:"f"`
	Last     int64  `json:"l"`
	Count    uint32 `json:"n"`
	// Of a run with phases: to how many lives it was owed, and how many of them did not get it. An unconfirmed one is owed to
	// nobody.
	Owed uint32 `json:"o,omitempty"`
	Lost uint32 `json:"x,omitempty"`
	// Unrecovered is how many others did not get it as they were away.
	Unrecovered uint32 `json:"u,omitempty"`
}

// add merges what other subscribers saw of the same publication.
func (r *publicationRecord) add(o publicationRecord) {
	o.Owed += r.Owed
	o.Lost += r.Lost
	o.Unrecovered += r.Unrecovered
	r.Owed, r.Lost, r.Unrecovered = o.Owed, o.Lost, o.Unrecovered
	if o.Count == 0 {
		return
	}
	if r.Count == 0 {
		*r = o
		return
	}
	r.First = min(r.First, o.First)
	r.Last = max(r.Last, o.Last)
	r.Count += o.Count
}

// mergeRecords adds records by stream and sequence.
func mergeRecords(into *[][]publicationRecord, from [][]publicationRecord) {
	for stream, records := range from {
		for stream >= len(*into) {
			*into = append(*into, nil)
		}
		sum := (*into)[stream]
		for sequence, r := range records {
			if sequence == len(sum) {
				sum = append(sum, r)
				continue
			}
			sum[sequence].add(r)
		}
		(*into)[stream] = sum
	}
}
