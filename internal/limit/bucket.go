package limit

import "time"

// Rate is how often something may happen: a token bucket's refill and depth.
type Rate struct {
	interval int64 // nanoseconds for one token
	depth    int64 // nanoseconds for a full bucket
	debt     int64 // nanoseconds that may be owed beyond that
}

// PerSecond is a rate of so many a second, of which seconds' worth, and at least one, may come at once. n is from 1 to MaxPerSecond.
func PerSecond(n, seconds int) Rate {
	interval := int64(time.Second) / int64(n)
	return Rate{interval: interval, depth: max(1, int64(n)*int64(seconds)) * interval}
}

// MaxPerSecond is the highest rate: a token a microsecond.
const MaxPerSecond = 1_000_000

// Bucket is one token bucket. The zero value is full. It is kept as the time at which it will be full again (the generic cell
// rate algorithm, ITU-T I.371, annex A), in nanoseconds on the caller's clock, so that nothing has to refill it.
type Bucket int64

// Take takes a token at now, nanoseconds on a clock that begins above 0. Without one it returns how long to wait for it.
// A clock that has been set back costs at most the time of a full bucket, and of what may be owed.
func (b *Bucket) Take(r Rate, now int64) (wait time.Duration, ok bool) {
	full := min(max(int64(*b), now), now+r.depth+r.debt)
	if over := full + r.interval - now - r.depth; over > 0 {
		*b = Bucket(full)
		return time.Duration(over), false
	}
	*b = Bucket(full + r.interval)
	return 0, true
}

// Full tells whether the bucket is full at now: then it remembers nothing that a new one would not.
func (b Bucket) Full(now int64) bool { return int64(b) <= now }
