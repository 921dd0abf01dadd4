package flight

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

func TestRecorder(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	r := New(2, func() time.Time { return now })
	r.Open(3)
	now = now.Add(time.Second)
	r.Note(3, Event{Kind: Welcomed})
	r.Note(4, Event{Kind: Welcomed})     // was there before the Recorder
	r.Note(1<<32|3, Event{Kind: Pinged}) // another client of the same slot
	report, ok := r.Client(3)
	if !ok || report.End != nil || len(report.Events) != 1 || report.Events[0] != (Event{Kind: Welcomed, At: time.Second, Count: 1}) {
		t.Fatalf("%+v, %v", report, ok)
	}
	for number, user := range map[uint64]string{3: "ann", 4: "nobody's record", 1<<32 | 3: "nobody's either"} {
		r.Close(number, End{User: user, Code: 1000})
	}
	if report, ok = r.Client(3); !ok || report.End == nil || report.End.User != "ann" || report.Until.Sub(report.Opened) != time.Second {
		t.Fatalf("%+v, %v", report, ok)
	}
	if _, ok := r.Client(4); ok {
		t.Error("a client is known that was never recorded")
	}
	for slot := range uint64(2) {
		r.Open(1<<32 | slot)
		r.Close(1<<32|slot, End{User: "ben"})
	}
	if _, ok := r.Client(3); ok {
		t.Error("three ends are remembered, want 2")
	}
	if reports := r.User("ben", 10); len(reports) != 2 || reports[0].Number != 1<<32|1 {
		t.Errorf("%d ends of ben: %+v", len(reports), reports)
	}
	if reports := r.User("", 10); len(reports) != 0 {
		t.Error("nobody's ends are listed")
	}
	if r.SetEnds(0); len(r.User("ben", 10)) != 0 {
		t.Error("there is no room, and still something is remembered")
	}
}

func TestNoRecorder(t *testing.T) {
	var r *Recorder
	allocations := testing.AllocsPerRun(100, func() {
		r.Open(1)
		r.Note(1, Event{Kind: Welcomed})
		r.Close(1, End{Code: 1000})
	})
	if _, ok := r.Client(1); ok || allocations != 0 || r.User("ann", 1) != nil {
		t.Errorf("%v allocations, %v", allocations, ok)
	}
}

// Ends are bounded by number and by bytes, however they come.
func TestEndsAreBounded(t *testing.T) {
	r := New(100, time.Now)
	long := strings.Repeat("x", 1000)
	for number := range uint64(10_000) {
		r.Open(number)
		end := End{User: "u", Code: 1000}
		if number%2 == 0 {
			end.User, end.Reason, end.Err = long, long, long
		}
		r.Close(number, end)
		if n := len(r.ends.queue) - r.ends.first; n > 100 || r.ends.bytes > 100*bytesPerEnd || len(r.ends.byNumber) != n || len(r.ends.queue) > 202 {
			t.Fatalf("%d ends, %d numbers, %d B, a queue of %d", n, len(r.ends.byNumber), r.ends.bytes, len(r.ends.queue))
		}
	}
	if report, ok := r.Client(9998); !ok || len(report.End.User) != maxTextBytes {
		t.Error("the last are not remembered, or not cut")
	}
	if n := len(r.User("u", 3)); n != 3 {
		t.Errorf("%d ends of u, want 3", n)
	}
}

func TestRecorderFromManyGoroutines(t *testing.T) {
	r := New(50, time.Now)
	var all sync.WaitGroup
	for g := range uint64(8) {
		all.Go(func() {
			for i := range uint64(500) {
				number := i<<32 | g
				r.Open(number)
				for range 5 {
					r.Note(number, Event{Kind: Published, A: i % 3})
				}
				if _, ok := r.Client(number); !ok {
					t.Error("a client that is there is not known")
				}
				r.Close(number, End{User: "u"})
				r.User("u", 5)
			}
		})
	}
	all.Wait()
}

// Who asks while a connection ends gets its record as it was before or as it is behind that, and not nothing.
func TestAskedWhileItEnds(t *testing.T) {
	r := New(10, time.Now)
	var number atomic.Uint64 // of the last one
	r.Open(0)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for n := uint64(0); n < 20_000; n++ {
			r.Close(n, End{})
			r.Open(n + 1)
			number.Store(n + 1)
		}
	}()
	for asked := 0; ; asked++ {
		select {
		case <-ended:
			return
		default:
		}
		n := number.Load()
		if _, ok := r.Client(n); !ok && number.Load() == n {
			t.Fatalf("after %d questions: a client that is there, or has just gone, is not known", asked)
		}
	}
}

// What a connection with a record costs, its place in the table included, is within 256 B.
func TestMemoryOfARecord(t *testing.T) {
	r := New(1, time.Now)
	for _, conns := range []int{1_000, 100_000} {
		for number := range uint64(conns) {
			r.Open(number)
		}
		bytes := conns * int(unsafe.Sizeof(Flight{}))
		for i := range r.shards {
			bytes += 8 * cap(r.shards[i].flights)
		}
		if bytes > 256*conns {
			t.Errorf("%d connections: %d B each", conns, bytes/conns)
		}
	}
}

func BenchmarkNote(b *testing.B) {
	r := New(1, time.Now)
	r.Open(1)
	b.ReportAllocs()
	for b.Loop() {
		r.Note(1, Event{Kind: Published, A: 12345})
	}
}
