package broker_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/brokertest"
)

// visit begins a subscription of a user, which ends at once, and tells where the cursor is; -1 for none.
func visit(t testing.TB, log broker.Log, user string) (at int64) {
	t.Helper()
	_, hold, at := brokertest.Return(t, log, user, nil)
	if hold != nil {
		hold.Release()
	}
	return at
}

// A log is kept for a cursor for as long as there may be something behind it; a log that is there forgets none for its age.
func TestMemoryKeepsALogForItsCursors(t *testing.T) {
	clock := newClock()
	m := broker.NewMemory(broker.MemoryConfig{Now: clock.Now})
	log := m.Open("news", broker.Retention{Size: 10, Age: time.Minute, Cursors: 10}, discard{})
	publish(t, log, broker.Publication{})
	clock.now = clock.now.Add(59 * time.Second)
	visit(t, log, "ann")
	clock.now = clock.now.Add(59 * time.Second)
	if !log.Trim() {
		t.Error("a cursor that was just used may go")
	}
	if err := brokertest.Acknowledge(log, "ann", 1); err != nil {
		t.Fatal(err)
	}
	clock.now = clock.now.Add(59 * time.Second)
	if !log.Trim() {
		t.Error("one that was moved just now may go")
	}
	clock.now = clock.now.Add(time.Second)
	if log.Trim() {
		t.Error("an old cursor keeps the log")
	}
	past, hold, _ := brokertest.Return(t, log, "ann", nil)
	if !past.Exact || past.Cursor == nil {
		t.Errorf("the log is still there, and the cursor is not: %+v", past)
	}
	clock.now = clock.now.Add(time.Hour)
	if !log.Trim() {
		t.Error("one in use may go")
	}
	hold.Release()
	log.SetRetention(broker.Retention{Size: 10, Cursors: 10})
	clock.now = clock.now.Add(1000 * time.Hour)
	if !log.Trim() {
		t.Error("without an age nothing is too old")
	}
	log.Close()
	if got := m.Stats(); got != (broker.MemoryStats{Cursors: broker.CursorStats{WithChannel: 1}}) {
		t.Errorf("%+v", got)
	}
}

// Above the bound of the engine's memory a user who comes has no cursor, those who are known keep theirs, and logs that nobody uses are not
// kept for them.
func TestMemoryOfAllCursorsIsBounded(t *testing.T) {
	m := broker.NewMemory(broker.MemoryConfig{MaxBytes: 80_000})
	logs := []broker.Log{
		m.Open("a", broker.Retention{Size: 1, Cursors: 1000}, discard{}), m.Open("b", broker.Retention{Size: 1, Cursors: 1000}, discard{}),
	}
	visit(t, logs[0], "first")
	if !logs[0].Trim() {
		t.Error("a cursor may go, though there is room")
	}
	none := 0
	for i := range 100 {
		if visit(t, logs[i%2], fmt.Sprint("user", i)) < 0 {
			none++
		}
	}
	if s := m.Stats().Cursors; s.Bytes > 10_000 || s.Bytes < 9_800 || none == 0 || s.NoMemory != int64(none) || s.Kept != int64(101-none) {
		t.Errorf("%d have none, %+v", none, s)
	}
	if visit(t, logs[0], "first") < 0 {
		t.Error("one who has a cursor has lost it")
	}
	if logs[0].Trim() {
		t.Error("a log that nobody uses is kept though there is no room")
	}
	for _, log := range logs {
		log.Close()
	}
	if s := m.Stats().Cursors; s.Kept+s.Bytes != 0 {
		t.Errorf("left: %+v", s)
	}
}

// What is promised to no user any more, and to nobody, costs nothing.
func TestMemoryWithoutCursors(t *testing.T) {
	m := broker.NewMemory(broker.MemoryConfig{})
	log := m.Open("news", broker.Retention{Cursors: 5}, discard{})
	_, hold, _ := brokertest.Return(t, log, "ann", nil)
	hold.Release()
	log.SetRetention(broker.Retention{})
	if log.Trim() || m.Stats() != (broker.MemoryStats{Cursors: broker.CursorStats{Unpromised: 1}}) {
		t.Errorf("%+v", m.Stats())
	}
}

// The bound is one of memory: what is counted for cursors is not less than they take, whatever the size of the map is just then.
func TestCursorsTakeWhatIsCounted(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		return
	}
	for _, n := range []int{1000, 3700, 10_000} {
		m := broker.NewMemory(broker.MemoryConfig{})
		log := m.Open("news", broker.Retention{Size: 1, Cursors: n}, discard{})
		users := make([]string, n)
		for i := range users {
			users[i] = fmt.Sprintf("user%012d", i)
		}
		before := heap()
		for _, user := range users {
			if err := log.Acknowledge(user, 0, nil); err != nil {
				t.Fatal(err)
			}
		}
		took := heap() - before
		if counted := m.Stats().Cursors.Bytes; took > counted {
			t.Errorf("%d cursors take %d B each, and %d B are counted", n, took/int64(n), counted/int64(n))
		}
		t.Logf("%d cursors take %d B each, names of 16 B included", n, took/int64(n))
		runtime.KeepAlive(log)
		runtime.KeepAlive(users)
	}
}

// Likewise where many logs have one each.
func TestCursorsOfManyLogsTakeWhatIsCounted(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		return
	}
	m := broker.NewMemory(broker.MemoryConfig{})
	logs := make([]broker.Log, 1000)
	for i := range logs {
		logs[i] = m.Open("news", broker.Retention{Size: 1, Cursors: 1}, discard{})
	}
	before := heap()
	for _, log := range logs {
		if err := log.Acknowledge("user000000000000", 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	took := heap() - before
	if counted := m.Stats().Cursors.Bytes; took > counted {
		t.Errorf("a log's first cursor takes %d B, and %d B are counted", took/1000, counted/1000)
	}
	t.Logf("a log's first cursor takes %d B", took/1000)
	runtime.KeepAlive(logs)
}

func heap() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// An acknowledgement costs no allocation.
func TestMemoryAcknowledges(t *testing.T) {
	log := broker.NewMemory(broker.MemoryConfig{}).Open("news", broker.Retention{Size: 1, Cursors: 2}, discard{})
	offset := uint64(0)
	for range 2000 {
		publish(t, log, broker.Publication{})
	}
	for _, user := range []string{"ann", "bob", ""} {
		if allocs := testing.AllocsPerRun(500, func() {
			offset++
			_ = log.Acknowledge(user, offset, nil)
		}); allocs != 0 {
			t.Errorf("%q: %v allocations", user, allocs)
		}
	}
}

func BenchmarkAcknowledge(b *testing.B) {
	log := broker.NewMemory(broker.MemoryConfig{}).Open("news", broker.Retention{Size: 1, Cursors: 10_000}, discard{})
	publish(b, log, broker.Publication{})
	users := make([]string, 10_000)
	for i := range users {
		users[i] = fmt.Sprint("user", i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := log.Acknowledge(users[i%len(users)], 1, nil); err != nil {
			b.Fatal(err)
		}
	}
}
