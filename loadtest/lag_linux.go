package loadtest

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// lagProbe tells how late a loop is: it asks to be woken at times of its own, and records how long after them the loop came
// round to it. That is what a message waits as well before its arrival is noted, be it that the loop had others to read or
// that the system gave the processor to somebody else.
type lagProbe struct {
	at     int64 // when to be woken next; never outside the window
	random uint64
	lags   *hdrhistogram.Histogram
}

// lagInterval is the mean time between two probes: a 10 s window has a thousand from each loop, ten of them above the 99th
// percentile, for a wake-up of some 5 µs each.
const lagInterval = int64(10 * time.Millisecond)

func newLagProbe(seed uint64) lagProbe {
	return lagProbe{at: never, random: seed, lags: newHistogram()}
}

// start begins at the window's beginning.
func (p *lagProbe) start(w window) { p.at = w.From }

// due records the lag if a probe is due, and returns when the next one is.
func (p *lagProbe) due(now, end int64) int64 {
	if now < p.at {
		return p.at
	}
	record(p.lags, now-p.at)
	// Between half and one and a half of the interval, so that probes do not march in step with what is measured.
	p.at = now + lagInterval/2 + int64(splitmix(&p.random)%uint64(lagInterval))
	if p.at >= end {
		p.at = never
	}
	return p.at
}
