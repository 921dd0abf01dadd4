package broker_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/brokertest"
)

func TestMemory(t *testing.T) {
	engine := func(*testing.T) broker.Broker { return broker.NewMemory(broker.MemoryConfig{}) }
	brokertest.Run(t, engine)
	brokertest.RunCursorBounds(t, engine)
}

// discard is a Sink without subscribers.
type discard struct{}

func (discard) Deliver(*broker.Publication, uint64, uint64) (broker.Delivered, error) {
	return broker.Delivered{}, nil
}
func (discard) Gap(uint64, uint64) error { return nil }

// clock is a test's.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newClock() *clock { return &clock{time.Unix(1_000_000, 0)} }

func publish(t testing.TB, log broker.Log, p broker.Publication) broker.Result {
	t.Helper()
	result, err := log.Publish(&p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func count(t *testing.T, log broker.Log) int {
	t.Helper()
	return len(brokertest.History(t, log, broker.HistoryQuery{Limit: 1_000_000, MaxBytes: 1 << 40}).Publications)
}

func TestMemoryForgetsByAge(t *testing.T) {
	clock := newClock()
	m := broker.NewMemory(broker.MemoryConfig{Now: clock.Now})
	log := m.Open("news", broker.Retention{Size: 100, Age: time.Minute}, discard{})
	var since broker.Position
	for i := range 90 {
		result := publish(t, log, broker.Publication{Data: []byte("x")})
		if i == 30 {
			since = result.Position
		}
		clock.now = clock.now.Add(time.Second)
	}
	// The one at 30 s is exactly a minute old, and gone; who has seen it misses nothing.
	if n := count(t, log); n != 59 {
		t.Fatalf("%d are kept", n)
	}
	q := broker.RecoverQuery{Since: &since, MaxBytes: 1000}
	if got := brokertest.Recover(t, log, q); !got.Exact || len(got.Publications) != 59 {
		t.Fatalf("exact %v, %d publications", got.Exact, len(got.Publications))
	}
	clock.now = clock.now.Add(time.Second)
	if got := brokertest.Recover(t, log, q); got.Exact || got.Publications != nil {
		t.Fatalf("exact %v, %d publications", got.Exact, len(got.Publications))
	}
	if !log.Trim() {
		t.Error("a young history may go")
	}
	clock.now = clock.now.Add(time.Hour)
	if log.Trim() || m.Stats() != (broker.MemoryStats{}) {
		t.Errorf("an old history is kept: %+v", m.Stats())
	}
}

func TestMemoryForgetsKeys(t *testing.T) {
	clock := newClock()
	m := broker.NewMemory(broker.MemoryConfig{Now: clock.Now})
	log := m.Open("news", broker.Retention{}, discard{})
	keyed := broker.Publication{IdempotencyKey: "k"}
	first := publish(t, log, keyed)
	clock.now = clock.now.Add(broker.KeyLife - 1)
	if again := publish(t, log, keyed); again.Position != first.Position || !again.Repeated || !log.Trim() {
		t.Fatalf("%+v, want %+v", again, first)
	}
	clock.now = clock.now.Add(1)
	if log.Trim() || m.Stats() != (broker.MemoryStats{}) {
		t.Errorf("kept too long: %+v", m.Stats())
	}
	if later := publish(t, log, keyed); later.Offset != first.Offset+1 {
		t.Fatalf("%+v", later)
	}
}

// A channel that has no more room gives up its own oldest, and the others keep what they have.
func TestMemoryIsBounded(t *testing.T) {
	m := broker.NewMemory(broker.MemoryConfig{MaxBytes: 100_000})
	if m.Short() {
		t.Error("short from the beginning")
	}
	modest := m.Open("modest", broker.Retention{Size: 10}, discard{})
	publish(t, modest, broker.Publication{Data: []byte("x")})
	greedy := m.Open("greedy", broker.Retention{Size: 1_000_000}, discard{})
	kilobyte := []byte(strings.Repeat("x", 1000))
	for range 500 {
		publish(t, greedy, broker.Publication{Data: kilobyte})
		if s := m.Stats(); s.HistoryBytes > 62_500 {
			t.Fatalf("%+v", s)
		}
	}
	if !m.Short() {
		t.Error("not short of room")
	}
	if n := count(t, greedy); n < 45 || n > 70 || m.Stats().Publications < 300 {
		t.Errorf("%d are kept, %+v", n, m.Stats())
	}
	if n := count(t, modest); n != 1 {
		t.Errorf("the other has %d left", n)
	}
	late := m.Open("late", broker.Retention{Size: 10}, discard{})
	before := m.Stats().Publications
	last := publish(t, late, broker.Publication{Data: kilobyte})
	if n := count(t, late); n != 0 || m.Stats().Publications != before+1 {
		t.Errorf("%d are kept, %+v", n, m.Stats())
	}
	if got := brokertest.Recover(t, late, broker.RecoverQuery{Since: &last.Position}); !got.Exact {
		t.Error("who is up to date misses nothing")
	}
	for _, log := range []broker.Log{modest, greedy, late} {
		log.Close()
	}
	if s := m.Stats(); s.HistoryBytes != 0 {
		t.Errorf("%d bytes are left", s.HistoryBytes)
	}
}

// The keys of all channels together are bounded, whatever becomes of the history, and leave it alone.
func TestMemoryOfAllKeysIsBounded(t *testing.T) {
	m := broker.NewMemory(broker.MemoryConfig{MaxBytes: 100_000})
	kilobyte := []byte(strings.Repeat("x", 1000))
	greedy := m.Open("greedy", broker.Retention{Size: 1000}, discard{})
	for range 100 {
		publish(t, greedy, broker.Publication{Data: kilobyte})
	}
	kept := count(t, greedy)
	var logs []broker.Log
	for range 50 {
		log := m.Open("other", broker.Retention{}, discard{})
		logs = append(logs, log)
		for j := range 10 {
			publish(t, log, broker.Publication{IdempotencyKey: fmt.Sprint(j)})
		}
	}
	if s := m.Stats(); s.KeyBytes > 25_000 || s.KeyBytes < 24_000 || s.Keys < 300 {
		t.Errorf("%+v", s)
	}
	keyed := broker.Publication{IdempotencyKey: "0"}
	if first := publish(t, logs[0], keyed); first.Offset != 1 {
		t.Errorf("a key was forgotten for those of other channels: %+v", first)
	}
	if n := count(t, greedy); n != kept {
		t.Errorf("of %d publications %d are left", kept, n)
	}
	publish(t, greedy, broker.Publication{Data: kilobyte})
	if n := count(t, greedy); n != kept {
		t.Errorf("%d are kept, %d before", n, kept)
	}
	for _, log := range append(logs, greedy) {
		log.Close()
	}
	if s := m.Stats(); s.KeyBytes+s.HistoryBytes != 0 {
		t.Errorf("left: %+v", s)
	}
}

// A log that keeps nothing costs what it cost before there was history.
func TestMemoryOfALogWithoutHistory(t *testing.T) {
	m := broker.NewMemory(broker.MemoryConfig{})
	logs := make([]broker.Log, 0, 1000)
	allocs := testing.AllocsPerRun(500, func() { logs = append(logs, m.Open("a", broker.Retention{}, discard{})) })
	if allocs > 1 || broker.LogBytes != 6*unsafe.Sizeof(uintptr(0)) {
		t.Errorf("%v allocations, %d bytes", allocs, broker.LogBytes)
	}
}

func BenchmarkRecover(b *testing.B) {
	log := broker.NewMemory(broker.MemoryConfig{}).Open("news", broker.Retention{Size: 1000}, discard{})
	var since broker.Position
	for i := range 1000 {
		result := publish(b, log, broker.Publication{Data: []byte(`{"text":"some hundred bytes or fewer"}`)})
		if i == 899 {
			since = result.Position
		}
	}
	q := broker.RecoverQuery{Since: &since, MaxBytes: 1 << 20}
	b.ReportAllocs()
	for b.Loop() {
		log.Recover(q, func(p broker.Past, err error) {
			if !p.Exact || len(p.Publications) != 100 || err != nil {
				b.Fatal(p, err)
			}
		})
	}
}
