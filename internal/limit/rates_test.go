package limit

import (
	"fmt"
	"testing"
	"time"
)

func TestRates(t *testing.T) {
	r, rate := NewRates(1000), PerSecond(5, 2)
	a, b := NameKey("a"), NameKey("b")
	for range 10 {
		if _, ok := r.Take(a, rate, second); !ok {
			t.Fatal("refused within the rate")
		}
	}
	if wait, ok := r.Take(a, rate, second); ok || wait <= 0 {
		t.Error("above the rate, and not refused")
	}
	if _, ok := r.Take(b, rate, second); !ok {
		t.Error("one key pays for another")
	}
}

// More keys than there is room for: the table stays bounded, those beyond it are held to one rate together, those who have used
// theirs up are not forgotten, and once it is quiet there is room again.
func TestRatesWhenFull(t *testing.T) {
	const room = 64 // 2 in each part
	r, rate := NewRates(room), PerSecond(1, 1)
	exhausted := Key{7, 7}
	r.Take(exhausted, rate, second)
	let := 0
	for i := range uint64(100_000) {
		if _, ok := r.Take(Key{i, 1}, rate, second); ok {
			let++
		}
	}
	if let > room+shards {
		t.Errorf("%d let in with room for %d and a shared bucket in each of %d parts", let, room, shards)
	}
	if n := r.Keys(); n > room+shards {
		t.Errorf("%d keys in a table for %d", n, room)
	}
	if r.Crowded() < 90_000 {
		t.Errorf("%d counted as crowded", r.Crowded())
	}
	if _, ok := r.Take(exhausted, rate, second+1); ok {
		t.Error("a debt was forgotten")
	}
	crowded := r.Crowded()
	if _, ok := r.Take(Key{1, 99}, rate, 10*second); !ok || r.Crowded() != crowded {
		t.Error("no room when all is quiet again")
	}
}

func BenchmarkRates(b *testing.B) {
	for _, keys := range []uint64{1, 50_000, 1 << 40} { // the last: each is new, and the table full
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			b.ReportAllocs()
			r, rate := NewRates(65_536), PerSecond(10, 2)
			now, i := second, uint64(0)
			for b.Loop() {
				now += 200
				r.Take(Key{i % keys, 1}, rate, now)
				i++
			}
		})
	}
}

// Peek takes nothing, and knows what Take has left.
func TestPeek(t *testing.T) {
	r, rate := NewRates(shards), PerSecond(1, 1)
	for range 3 {
		if wait, ok := r.Peek(Key{1, 1}, rate, 1); !ok {
			t.Fatalf("wait %v for what nobody has taken", wait)
		}
	}
	r.Take(Key{1, 1}, rate, 1)
	if wait, ok := r.Peek(Key{1, 1}, rate, 1); ok || wait != time.Second {
		t.Errorf("%v, %v", wait, ok)
	}
	if n := r.Keys(); n != 1 {
		t.Errorf("%d keys", n)
	}
}
