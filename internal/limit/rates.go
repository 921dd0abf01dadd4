package limit

import (
	"sync"
	"sync/atomic"
	"time"
)

// Rates keep a bucket for each key that has used its rate lately. A bucket that is full again remembers nothing, so it is
// dropped when room is needed. Where a part of the table holds none such, newcomers to that part share one bucket:
// they are held to the rate together. Nobody gets by unlimited, nobody's debt is forgotten; the price is that newcomers may be refused
// for what others do, while more keys are active at once than there is room for. Safe from any goroutine.
type Rates struct {
	perShard int
	tracking atomic.Bool // see Track
	shards   [shards]rateShard
}

type rateShard struct {
	mu      sync.Mutex
	of      map[Key]Bucket
	taken   map[Key]int64 // what was taken since Taken was called, if it is tracked, in nanoseconds of the rate
	swept   int64         // when full buckets were last looked for
	crowded int64         // how often the shared bucket was used
}

// sweepEvery is the least time between two searches for full buckets in one part: a flood of new keys must not buy one
// each.
const sweepEvery = int64(100 * time.Millisecond)

// NewRates makes a table for about so many keys: some 53 B each.
func NewRates(keys int) *Rates { return &Rates{perShard: max(1, keys/shards)} }

// Take takes a token for the key at now, nanoseconds on a clock that begins above 0. Without one it returns how long to wait.
func (r *Rates) Take(k Key, rate Rate, now int64) (wait time.Duration, ok bool) {
	s := &r.shards[shardOf(k)]
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket, known := s.of[k]
	if !known && !s.room(r.perShard, now) {
		s.crowded++
		k = Key{}
		bucket = s.of[k]
	}
	wait, ok = bucket.Take(rate, now)
	if s.of == nil {
		s.of = make(map[Key]Bucket)
	}
	s.of[k] = bucket
	if ok && k != (Key{}) && r.tracking.Load() {
		s.track(k, rate.interval, r.perShard)
	}
	return wait, ok
}

// Peek tells whether a token could be taken at now, and otherwise how long to wait, and takes none. A key that is not in the table has
// never waited: it is not held to what newcomers share.
func (r *Rates) Peek(k Key, rate Rate, now int64) (wait time.Duration, ok bool) {
	s := &r.shards[shardOf(k)]
	s.mu.Lock()
	bucket := s.of[k]
	s.mu.Unlock()
	return bucket.Take(rate, now) // of a copy
}

// room makes room for one more key, if it can.
func (s *rateShard) room(most int, now int64) bool {
	if len(s.of) < most {
		return true
	}
	if since := now - s.swept; since >= 0 && since < sweepEvery {
		return false
	}
	s.swept = now
	for k, b := range s.of {
		if b.Full(now) {
			delete(s.of, k)
		}
	}
	return len(s.of) < most
}

// Keys is how many keys the table holds.
func (r *Rates) Keys() (n int) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		n += len(s.of)
		s.mu.Unlock()
	}
	return n
}

// Crowded is how often a key had to share a bucket, because the table was full.
func (r *Rates) Crowded() (n int64) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		n += s.crowded
		s.mu.Unlock()
	}
	return n
}
