package webhook

import (
	"math/rand/v2"
	"time"
)

const (
	// breakAfter failures in a row open the circuit.
	breakAfter = 5
	// The circuit stays open for reopenFirst, twice as long each time that the trial fails, and at most reopenMost.
	reopenFirst = time.Second
	reopenMost  = 30 * time.Second
)

// breaker is a circuit breaker: after some failures in a row nobody is asked for a while, then one question is let through, and
// what becomes of it decides. So clients of a dead backend are told at once, and a backend that struggles is left alone.
//
// It is not safe for concurrent use.
type breaker struct {
	failures int           // in a row
	pause    time.Duration // the present one while the circuit is open; 0: closed
	until    time.Time     // the end of the pause
	trying   bool          // the trial is on its way
}

// admit tells whether a question may be asked, and whether it is the one that the circuit is tried with: that is to be followed by
// success, failure or withdrawn.
func (b *breaker) admit(now time.Time) (ok, trial bool) {
	if !b.open() {
		return true, false
	}
	if b.trying || now.Before(b.until) {
		return false, false
	}
	b.trying = true
	return true, true
}

// open tells whether it is.
func (b *breaker) open() bool { return b.pause > 0 }

// success closes the circuit, and tells whether it was open.
func (b *breaker) success() (opened bool) {
	opened = b.open()
	*b = breaker{}
	return opened
}

// failure counts one, and tells whether the circuit has opened with it.
func (b *breaker) failure(now time.Time, trial bool) (opened bool) {
	b.failures++
	if b.failures < breakAfter || b.open() && !trial {
		return false // what was on its way when the circuit opened says nothing new
	}
	opened = !b.open()
	b.pause = min(max(2*b.pause, reopenFirst), reopenMost)
	b.until = now.Add(jitter(b.pause))
	b.trying = false
	return opened
}

// withdrawn says that the trial was not asked, or nobody heard the answer.
func (b *breaker) withdrawn() { b.trying = false }

// jitter is a random time from half of d to d, so that nodes do not come back together.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }
