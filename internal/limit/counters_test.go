package limit

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

func TestCounters(t *testing.T) {
	c := NewCounters(2)
	a, b, other := NameKey("a"), NameKey("b"), NameKey("other")
	for i, want := range []bool{true, true, false} {
		if c.Take(a, 2) != want {
			t.Fatalf("the %dth of two: %v", i+1, !want)
		}
	}
	if !c.Take(a, 3) {
		t.Error("a limit that was raised does not count")
	}
	if !c.Take(b, 1) || c.Take(other, 1) {
		t.Error("want room for two keys, and none for a third")
	}
	c.Give(b)
	c.Give(b) // once too often: harms nobody
	if !c.Take(other, 1) || c.Keys() != 2 || c.Of(a) != 3 || c.Of(b) != 0 {
		t.Errorf("%d keys, a has %d, b %d", c.Keys(), c.Of(a), c.Of(b))
	}
}

// Whatever happens at once, no key has more than its limit, and nothing is left when all is given back.
func TestCountersAtOnce(t *testing.T) {
	const limit = 5
	c := NewCounters(1000)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(g)))
			var held []Key
			for range 20_000 {
				k := Key{0, rng.Uint64N(20) + 1}
				if c.Take(k, limit) {
					held = append(held, k)
				}
				if n := c.Of(k); n > limit {
					t.Errorf("%v has %d", k, n)
					return
				}
				if len(held) > 10 {
					c.Give(held[0])
					held = held[1:]
				}
			}
			for _, k := range held {
				c.Give(k)
			}
		})
	}
	all.Wait()
	if c.Keys() != 0 {
		t.Errorf("%d keys are left", c.Keys())
	}
}

func TestShardsAreUsedEvenly(t *testing.T) {
	var n [shards]int
	for i := range uint64(3200) {
		n[shardOf(Key{0, v4Mapped | 0x0a000000 + i})]++ // neighbours
		n[shardOf(Key{0x20010db8<<32 + i, 1})]++
	}
	for i, count := range n {
		if count < 100 || count > 300 {
			t.Errorf("shard %d has %d of 6,400 keys, want about 200", i, count)
		}
	}
}

func BenchmarkCounters(b *testing.B) {
	for _, keys := range []uint64{1, 100_000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			b.ReportAllocs()
			c := NewCounters(1 << 20)
			for i := range keys {
				c.Take(Key{i, 1}, 10)
			}
			i := uint64(0)
			for b.Loop() {
				k := Key{i % keys, 1}
				c.Take(k, 10)
				c.Give(k)
				i++
			}
		})
	}
}
