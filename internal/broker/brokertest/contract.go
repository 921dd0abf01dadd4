// Package brokertest is the contract that every engine of package broker keeps, as tests.
//
// It never looks into an engine: it speaks only what package broker promises.
//
// Ownership: each subtest makes its own broker and drops it.
package brokertest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
)

// Run tests the engine that open makes, with channels that nobody has published to.
func Run(t *testing.T, engine func(t *testing.T) broker.Broker) {
	open := func(t *testing.T) broker.Broker { return listening{t, engine(t)} }
	t.Run("offsets increase and name their predecessor", func(t *testing.T) { testOffsets(t, open(t)) })
	t.Run("a fresh log is at offset 0", func(t *testing.T) { testFresh(t, open(t)) })
	t.Run("concurrent publishers share one order", func(t *testing.T) { testConcurrent(t, open(t)) })
	t.Run("what the sink refuses is reported, or comes later", func(t *testing.T) { testRefused(t, open(t)) })
	t.Run("a log opened anew never counts back inside an epoch", func(t *testing.T) { testEpoch(t, open(t)) })
	runHistory(t, open)
	runKeys(t, open)
	runCursors(t, open)
	t.Run("a receipt is for whoever asks, and for the first with a key", func(t *testing.T) { testReceipt(t, open(t)) })
}

// listening is an engine whose logs deliver from the beginning, because somebody has asked for the position.
type listening struct {
	t *testing.T
	broker.Broker
}

func (l listening) Open(channel string, r broker.Retention, sink broker.Sink) broker.Log {
	log := l.Broker.Open(channel, r, sink)
	Position(l.t, log)
	return log
}

// patience is how long a test waits for what must come. It is no measure of anything.
const patience = time.Minute

// ledger is a Sink that writes down what it was given.
type ledger struct {
	mu      sync.Mutex
	entries []entry
	gaps    int
	refuse  error
}

// Gap implements broker.Sink.
func (l *ledger) Gap(uint64, uint64) error {
	l.mu.Lock()
	l.gaps++
	l.mu.Unlock()
	return nil
}

func (l *ledger) refuseWith(err error) {
	l.mu.Lock()
	l.refuse = err
	l.mu.Unlock()
}

// await waits for n deliveries.
func (l *ledger) await(t *testing.T, n int) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		got := len(l.entries)
		l.mu.Unlock()
		if got >= n {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d deliveries, want %d", got, n)
		}
	}
}

type entry struct {
	data         string
	offset, prev uint64
}

func (l *ledger) Deliver(p *broker.Publication, offset, prev uint64) (broker.Delivered, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse != nil {
		return broker.Delivered{}, l.refuse
	}
	l.entries = append(l.entries, entry{string(p.Data), offset, prev})
	delivered := broker.Delivered{Matched: 1}
	if p.Receipt {
		delivered.Receipt = broker.Settled{Matched: 1, Queued: 1}
	}
	return delivered, nil
}

// Publish appends data and waits for the answer, whenever it comes.
func Publish(log broker.Log, data string) (broker.Result, error) {
	return publish(log, &broker.Publication{Data: []byte(data)})
}

func publish(log broker.Log, p *broker.Publication) (broker.Result, error) {
	type answer struct {
		result broker.Result
		err    error
	}
	later := make(chan answer, 1)
	result, err := log.Publish(p, func(r broker.Result, err error) { later <- answer{r, err} })
	if errors.Is(err, broker.ErrPending) {
		a := <-later
		return a.result, a.err
	}
	return result, err
}

// Position asks for the position and waits for the answer, whenever it comes.
func Position(t *testing.T, log broker.Log) broker.Position {
	t.Helper()
	answers := make(chan broker.Position, 1)
	log.Position(func(p broker.Position, err error) {
		if err != nil {
			t.Error(err)
		}
		answers <- p
	})
	return <-answers
}

func testOffsets(t *testing.T, b broker.Broker) {
	sink := &ledger{}
	log := b.Open("news", broker.Retention{}, sink)
	defer log.Close()
	var last uint64
	for _, data := range []string{"a", "b", "c"} {
		result, err := Publish(log, data)
		if err != nil {
			t.Fatal(err)
		}
		if result.Offset <= last || result.Epoch == "" || result.Matched != 1 {
			t.Fatalf("%+v behind offset %d", result, last)
		}
		last = result.Offset
	}
	if got := Position(t, log).Offset; got != last {
		t.Fatalf("position %d, want %d", got, last)
	}
	checkLedger(t, sink, 3)
}

func testFresh(t *testing.T, b broker.Broker) {
	log := b.Open("news", broker.Retention{}, &ledger{})
	defer log.Close()
	if p := Position(t, log); p.Offset != 0 || p.Epoch == "" {
		t.Fatalf("%+v", p)
	}
}

func testConcurrent(t *testing.T, b broker.Broker) {
	const publishers, each = 8, 200
	sink := &ledger{}
	log := b.Open("news", broker.Retention{}, sink)
	defer log.Close()
	var group sync.WaitGroup
	for range publishers {
		group.Go(func() {
			var last uint64
			for range each {
				result, err := Publish(log, "x")
				if err != nil || result.Offset <= last {
					t.Errorf("offset %d behind %d: %v", result.Offset, last, err)
					return
				}
				last = result.Offset
			}
		})
	}
	group.Wait()
	checkLedger(t, sink, publishers*each)
}

// testRefused has the sink refuse a publication: it has failed, or, where other nodes have it, comes later, before the next.
func testRefused(t *testing.T, b broker.Broker) {
	refusal := errors.New("no room")
	sink := &ledger{refuse: refusal}
	log := b.Open("news", broker.Retention{}, sink)
	defer log.Close()
	want := 1
	switch _, err := Publish(log, "refused"); {
	case err == nil:
		want = 2
	case !errors.Is(err, refusal):
		t.Fatalf("got %v", err)
	}
	sink.refuseWith(nil)
	publishWhenThereIsRoom(t, log, broker.Publication{Data: []byte("kept")})
	sink.await(t, want)
	checkLedger(t, sink, want)
}

// publishWhenThereIsRoom publishes behind something that was refused, which an engine may have to deliver first.
func publishWhenThereIsRoom(t *testing.T, log broker.Log, p broker.Publication) broker.Result {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		again := p
		switch result, err := publish(log, &again); {
		case err == nil:
			return result
		case time.Now().After(end):
			t.Fatal(err)
		}
	}
}

func testEpoch(t *testing.T, b broker.Broker) {
	log := b.Open("news", broker.Retention{}, &ledger{})
	if _, err := Publish(log, "x"); err != nil {
		t.Fatal(err)
	}
	first := Position(t, log)
	log.Close()
	log = b.Open("news", broker.Retention{}, &ledger{})
	defer log.Close()
	second := Position(t, log)
	if second.Epoch == first.Epoch && second.Offset < first.Offset {
		t.Fatalf("%+v after %+v", second, first)
	}
}

// checkLedger wants n deliveries, each naming the one before it.
func checkLedger(t *testing.T, sink *ledger, n int) {
	t.Helper()
	sink.mu.Lock()
	defer sink.mu.Unlock()
	if sink.gaps > 0 {
		t.Fatalf("%d gaps were announced", sink.gaps)
	}
	if len(sink.entries) != n {
		t.Fatalf("%d deliveries, want %d", len(sink.entries), n)
	}
	var last uint64
	for _, e := range sink.entries {
		if e.offset <= e.prev || e.prev != last {
			t.Fatalf("offset %d names %d as its predecessor, which was %d", e.offset, e.prev, last)
		}
		last = e.offset
	}
}
