package flight

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"unsafe"
)

// With the table of the Recorder, which has at most 10 B for each in the long run, that is less than 256 B a connection.
func TestSizes(t *testing.T) {
	if size := unsafe.Sizeof(Flight{}); size != 224 {
		t.Errorf("a Flight has %d B, want 224, a size of the allocator's", size)
	}
	if size := unsafe.Sizeof(Flight{}) + unsafe.Sizeof(ended{}) + 40; size != endedBytes {
		t.Errorf("an end has %d B, want %d", size, endedBytes)
	}
}

// A Flight remembers the last events, with all that they say, and counts the others.
func TestLogAgainstAModel(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		f := &Flight{}
		var model []Event
		now, total := int64(0), uint64(0)
		for range 300 {
			now += int64(random.ExpFloat64() * 1000)
			e := Event{Kind: Kind(1 + random.IntN(int(numKinds)-1)), Count: 1 + random.Uint64N(3)}
			for i, v := range []*uint64{&e.A, &e.B, &e.C, &e.D}[:layouts[e.Kind].args] {
				*v = random.Uint64N(1 << (8 * (1 + i)))
				if random.IntN(3) > 0 {
					*v = 7
				}
			}
			f.note(now, e)
			total += e.Count
			e.At = time.Duration(now) * time.Millisecond
			if n := len(model); n > 0 && model[n-1].same(&e) {
				e.Count += model[n-1].Count
				model[n-1] = e
			} else {
				model = append(model, e)
			}
			got := f.events()
			if !slices.Equal(got, model[len(model)-len(got):]) {
				t.Fatalf("seed %d: got\n%v\nwant the end of\n%v", seed, got, model)
			}
			kept := uint64(f.forgotten)
			for i := range got {
				kept += got[i].Count
			}
			if kept != total {
				t.Fatalf("seed %d: %d events are accounted for, of %d", seed, kept, total)
			}
		}
		if len(f.events()) < 8 {
			t.Errorf("seed %d: %d events are remembered at the end", seed, len(f.events()))
		}
	}
}

func TestWhatComesOftenTakesNoRoom(t *testing.T) {
	f := &Flight{}
	f.note(5, Event{Kind: Welcomed, Count: 1})
	for i := range int64(1_000_000) {
		f.note(10+i, Event{Kind: Published, A: 1, Count: 1})
	}
	want := []Event{{Kind: Welcomed, Count: 1, At: 5 * time.Millisecond}, {Kind: Published, A: 1, Count: 1_000_000, At: 1_000_009 * time.Millisecond}}
	if got := f.events(); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// Clocks are set back, and connections live for years.
func TestTimesStayInOrder(t *testing.T) {
	f := &Flight{}
	for _, now := range []int64{1000, -5, 900, 10 * maxDelta, 10*maxDelta + 3} {
		f.note(now, Event{Kind: Congested, A: 1, Count: 1})
	}
	last := time.Duration(-1)
	for _, e := range f.events() {
		if e.At < last {
			t.Errorf("%v after %v", e.At, last)
		}
		last = e.At
	}
	if len(f.events()) != 5 {
		t.Errorf("%d events", len(f.events()))
	}
}

func TestNotingDoesNotAllocate(t *testing.T) {
	f := &Flight{}
	n := int64(0)
	if allocations := testing.AllocsPerRun(1000, func() {
		n++
		f.note(n, Event{Kind: Congested, A: uint64(n), Count: 1})
	}); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

// FuzzDecode reads what no Flight has written: it must end, stay within bounds, and read again what it writes.
func FuzzDecode(f *testing.F) {
	var log Flight
	for i := Kind(1); i < numKinds; i++ {
		log.note(int64(i)*1000, Event{Kind: i, Count: 1, A: 1 << i, B: 2, C: 3, D: 4})
	}
	f.Add(int64(0), log.log[:log.used])
	f.Add(int64(5), []byte{byte(Ending), 0x80})
	f.Add(int64(5), []byte{byte(Refused), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 1, 1, 1})
	f.Fuzz(func(t *testing.T, base int64, b []byte) {
		if base = base % (1 << 40); base < 0 || len(b) > logBytes {
			t.Skip("no Flight has that")
		}
		events, err := decodeAll(base, b)
		var again []byte
		before := time.Duration(base) * time.Millisecond
		for i := range events {
			if events[i].At < before {
				t.Fatalf("%v after %v", events[i].At, before)
			}
			again = appendRecord(again, int64((events[i].At-before)/time.Millisecond), &events[i])
			before = events[i].At
		}
		if reread, err := decodeAll(base, again); err != nil || !slices.Equal(reread, events) {
			t.Fatalf("%v, %v; want %v", reread, err, events)
		}
		if err == nil && len(b) > 0 && len(events) == 0 {
			t.Fatal("bytes without events")
		}
		r := Report{Opened: time.UnixMilli(0), Until: time.UnixMilli(base), Events: events, End: &End{Code: 1013, Reason: "x"}}
		_ = r.AppendJSON(nil, "x", r.Channels(), nil)
	})
}
