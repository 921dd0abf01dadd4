package limit

import (
	"math/rand/v2"
	"testing"
	"time"
)

const second = int64(time.Second)

func TestBucket(t *testing.T) {
	r := PerSecond(10, 2)
	var b Bucket
	now := 100 * second
	for i := range 20 {
		if _, ok := b.Take(r, now); !ok {
			t.Fatalf("token %d of a full bucket of 20 was refused", i+1)
		}
	}
	wait, ok := b.Take(r, now)
	if ok || wait != 100*time.Millisecond {
		t.Fatalf("the 21st: %v, wait %v; want a refusal, and 100 ms", ok, wait)
	}
	if _, ok := b.Take(r, now+int64(wait)-1); ok {
		t.Error("taken before the wait was over")
	}
	if _, ok := b.Take(r, now+int64(wait)); !ok {
		t.Error("refused after the wait")
	}
	if b.Full(now + 2*second) {
		t.Error("full too early")
	}
	if !b.Full(now + 2*second + int64(wait)) {
		t.Error("never full again")
	}
}

// However the calls come, in any window no more than the depth and what is refilled gets through, and no less where enough ask.
func TestBucketHoldsTheRate(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 7, 1000, MaxPerSecond} {
		r := PerSecond(n, 2)
		var b Bucket
		start := second
		now, taken := start, int64(0)
		for range 20_000 {
			now += rng.Int64N(r.interval)
			if _, ok := b.Take(r, now); ok {
				taken++
			}
			if most := int64(2*n) + (now-start)/r.interval; taken > most {
				t.Fatalf("%d/s: %d taken in %d ns, want at most %d", n, taken, now-start, most)
			}
		}
		if least := min(20_000, (now-start)/r.interval); taken < least*9/10 {
			t.Errorf("%d/s: only %d taken, want about %d", n, taken, least)
		}
	}
}

func TestBucketSurvivesAClockThatGoesBack(t *testing.T) {
	r := PerSecond(10, 2)
	var b Bucket
	for range 20 {
		b.Take(r, 1000*second)
	}
	now := 10 * second // set back by 990 s
	wait, ok := b.Take(r, now)
	if ok || wait > 2*time.Second {
		t.Fatalf("%v, wait %v; want a wait of at most 2 s", ok, wait)
	}
	if _, ok := b.Take(r, now+int64(wait)); !ok {
		t.Error("refused after the wait")
	}
}

func TestBucketOfLessThanASecond(t *testing.T) {
	var b Bucket
	if _, ok := b.Take(PerSecond(5, 0), second); !ok {
		t.Error("a bucket holds one token at least")
	}
	if _, ok := b.Take(PerSecond(5, 0), second); ok {
		t.Error("and no more than its depth")
	}
}

func BenchmarkBucket(b *testing.B) {
	b.ReportAllocs()
	r := PerSecond(1000, 2)
	var bucket Bucket
	now := second
	for b.Loop() {
		now += 100
		bucket.Take(r, now)
	}
}
