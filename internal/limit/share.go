package limit

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"time"
)

// A limit of several nodes is held to by each of them for itself, and what was taken elsewhere comes as a debt (Rates.Debit) or a count, a moment later.

// SharedKey is the key of a name on all nodes. It can be foreseen, but 128 bits of SHA-256 do not meet by chance, nor by intent.
func SharedKey(name string) Key {
	sum := sha256.Sum256([]byte(name))
	return Key{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:]) | 1} // never the zero Key
}

// MarshalText implements encoding.TextMarshaler: 32 hexadecimal digits.
func (k Key) MarshalText() ([]byte, error) {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], k.high)
	binary.BigEndian.PutUint64(b[8:], k.low)
	return hex.AppendEncode(nil, b[:]), nil
}

var errKey = errors.New("limit: a key is 32 hexadecimal digits")

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *Key) UnmarshalText(text []byte) error {
	var b [16]byte
	if len(text) != 2*len(b) {
		return errKey
	}
	if _, err := hex.Decode(b[:], text); err != nil {
		return errKey
	}
	*k = Key{binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])}
	return nil
}

// Share is what a key has taken, or has: of a rate nanoseconds of its time, of counters how many.
type Share struct {
	Key Key   `json:"k"`
	N   int64 `json:"n"`
}

// largest are the largest shares, at most so many.
func largest(shares []Share, most int) []Share {
	slices.SortFunc(shares, func(a, b Share) int { return cmp.Compare(b.N, a.N) })
	return shares[:min(len(shares), most)]
}

// WithDebt is the rate with buckets that may owe so much time, beyond being empty: it was taken elsewhere.
func (r Rate) WithDebt(d time.Duration) Rate {
	r.debt = int64(d)
	return r
}

// Track has Taken know what is taken from now on, or no more.
func (r *Rates) Track(on bool) { r.tracking.Store(on) }

// Taken is what keys have taken since it was called last: those with at least that much, the largest first, at most so many.
func (r *Rates) Taken(least time.Duration, most int) (shares []Share) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		taken := s.taken
		s.taken = nil
		s.mu.Unlock()
		for k, n := range taken {
			if n >= int64(least) {
				shares = append(shares, Share{k, n})
			}
		}
	}
	return largest(shares, most)
}

// track notes what was taken. The caller holds mu. There are no more of them than the part has keys, but for those that were dropped since.
func (s *rateShard) track(k Key, interval int64, most int) {
	if _, known := s.taken[k]; !known && len(s.taken) >= most {
		return
	}
	if s.taken == nil {
		s.taken = make(map[Key]int64)
	}
	s.taken[k] += interval
}

// Debit notes that the key has taken so much time of its rate elsewhere, at a time that may be over: then some of it has been paid back since. No more than most is ever owed. Where the
// table has no room for the key it is forgotten.
func (r *Rates) Debit(k Key, taken, most time.Duration, at int64) {
	if k == (Key{}) || taken <= 0 {
		return
	}
	s := &r.shards[shardOf(k)]
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket, known := s.of[k]
	if !known && !s.room(r.perShard, at) {
		return
	}
	if s.of == nil {
		s.of = make(map[Key]Bucket)
	}
	s.of[k] = max(bucket, Bucket(min(max(int64(bucket), at)+int64(min(taken, most)), at+int64(most))))
}

// Most are the keys that have at least that many, those with the most first, at most so many.
func (c *Counters) Most(least, most int) (shares []Share) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		for k, n := range s.of {
			if int(n) >= least {
				shares = append(shares, Share{k, int64(n)})
			}
		}
		s.mu.Unlock()
	}
	return largest(shares, most)
}
