package jetstream

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/brokertest"
)

// journal is a Sink that writes down what a subscriber would be told, and objects to what it must never be told.
type journal struct {
	t  testing.TB
	mu sync.Mutex
	// Guarded by mu.
	at     uint64 // the position of a subscriber
	got    map[uint64]string
	gaps   [][2]uint64
	refuse error
	block  chan struct{}

	refuseGaps int // that many times
}

func newJournal(t testing.TB) *journal { return &journal{t: t, got: make(map[uint64]string)} }

// open opens a channel and subscribes.
func (j *journal) open(b broker.Broker, channel string, r broker.Retention) broker.Log {
	j.t.Helper()
	log := b.Open(channel, r, j)
	j.mu.Lock()
	j.at = 0
	j.mu.Unlock()
	position := brokertest.Position(j.t.(*testing.T), log)
	j.mu.Lock()
	j.at = max(j.at, position.Offset)
	j.mu.Unlock()
	return log
}

func (j *journal) Deliver(p *broker.Publication, offset, prev uint64) (broker.Delivered, error) {
	if j.block != nil {
		<-j.block
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.refuse != nil {
		return broker.Delivered{}, j.refuse
	}
	if offset <= j.at {
		j.t.Errorf("offset %d behind %d", offset, j.at)
	}
	if prev > j.at && j.at != 0 {
		j.t.Errorf("a silent gap: %d names %d as its predecessor, and the subscriber is at %d", offset, prev, j.at)
	}
	j.at, j.got[offset] = offset, string(p.Data)
	return broker.Delivered{Matched: 1}, nil
}

func (j *journal) Gap(after, before uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.refuseGaps > 0 {
		j.refuseGaps--
		return errors.New("no room")
	}
	if after != j.at && j.at != 0 || before <= after+1 {
		j.t.Errorf("a gap from %d to %d, and the subscriber is at %d", after, before, j.at)
	}
	j.at = before - 1
	j.gaps = append(j.gaps, [2]uint64{after, before})
	return nil
}

// missing is which of those that were acknowledged were neither delivered nor announced as missing, and which were announced.
func (j *journal) missing(acknowledged map[uint64]string) (silent, told int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for offset, data := range acknowledged {
		switch got, ok := j.got[offset]; {
		case ok && got != data:
			j.t.Errorf("at %d there is %q, want %q", offset, got, data)
		case ok:
		case j.told(offset):
			told++
		default:
			silent++
		}
	}
	return silent, told
}

func (j *journal) told(offset uint64) bool {
	for _, g := range j.gaps {
		if offset > g[0] && offset < g[1] {
			return true
		}
	}
	return false
}

// settle waits until nothing that was acknowledged is missing silently.
func (j *journal) settle(acknowledged map[uint64]string) (told int) {
	j.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		silent, told := j.missing(acknowledged)
		if silent == 0 {
			return told
		}
		if time.Now().After(end) {
			j.t.Fatalf("of %d acknowledged, %d are missing, and nobody was told; %d were told of", len(acknowledged), silent, told)
		}
	}
}

// twice counts data that was delivered more than once.
func (j *journal) twice() (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	seen := make(map[string]bool)
	for _, data := range j.got {
		if seen[data] {
			n++
		}
		seen[data] = true
	}
	return n
}

// publisher publishes numbered data, and notes what was acknowledged.
type publisher struct {
	mu           sync.Mutex
	acknowledged map[uint64]string
	failed       map[string]int
}

func newPublisher() *publisher {
	return &publisher{acknowledged: make(map[uint64]string), failed: make(map[string]int)}
}

// publish publishes one, and waits for the answer.
func (p *publisher) publish(log broker.Log, data string) error {
	result, err := brokertest.Publish(log, data)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.failed[reason(err)]++
		return err
	}
	if other, taken := p.acknowledged[result.Offset]; taken {
		return fmt.Errorf("offset %d was given to %q and %q", result.Offset, other, data)
	}
	p.acknowledged[result.Offset] = data
	return nil
}

// run publishes n, from several goroutines, whatever becomes of them.
func (p *publisher) run(log broker.Log, name string, n, workers int) {
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := range n / workers {
				_ = p.publish(log, name+"-"+strconv.Itoa(w)+"-"+strconv.Itoa(i)) // it is counted
			}
		})
	}
	group.Wait()
}
