package main

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// A server with few connections has a heap of a few MB, and gcPercent lets it grow by half of that. While requests leave 100 MB of garbage a
// second, that would be 40 collections a second, which take half of the CPU: 23,000 publications a second by the API instead of 49,000. So the
// heap may grow by garbageRoom while there is that much garbage, and what it has taken is given back when that is over.
const (
	garbageRoom = 32 << 20 // bytes; a heap of twice as much has it by gcPercent alone

	// Collections a second, if gcPercent alone counted: from how many on there is too much garbage, and below how many no more. A storm of
	// handshakes is to get through, and a moment of it is not to matter.
	tooManyCollections = 8
	fewCollections     = 2

	// paceInterval is how often that is looked at.
	paceInterval = time.Second
)

// pacer decides on the percentage.
type pacer struct {
	percent int
	quiet   int // looks in a row at which there was little garbage
}

// look takes the bytes of which the percentage is one, and those allocated in the interval, and returns the percentage from now on.
func (p *pacer) look(live, allocated uint64) int {
	room := max(live, 1) * gcPercent / 100
	switch collections := allocated / max(room, 1); {
	case collections >= tooManyCollections:
		p.percent, p.quiet = max(gcPercent, int(garbageRoom*100/max(live, 1<<20))), 0
	case collections >= fewCollections:
		p.quiet = 0
	default:
		if p.quiet++; p.quiet >= 2 {
			p.percent = gcPercent
		}
	}
	return p.percent
}

// paceCollector sets the garbage collector's percentage by a pacer until stop is called, unless the environment does. It must have been set to
// gcPercent.
func paceCollector() (stop func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(paceInterval)
		defer ticker.Stop()
		samples := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/globals:bytes"}, {Name: "/gc/scan/stack:bytes"}}
		metrics.Read(samples)
		p, before := pacer{percent: gcPercent}, samples[0].Value.Uint64()
		for {
			select {
			case <-ticker.C:
			case <-ended:
				return
			}
			metrics.Read(samples)
			was, allocated := p.percent, samples[0].Value.Uint64()
			live := samples[1].Value.Uint64() + samples[2].Value.Uint64() + samples[3].Value.Uint64()
			switch now := p.look(live, allocated-before); {
			case now == was:
			case now == gcPercent:
				debug.SetGCPercent(now)
				debug.FreeOSMemory()
			default:
				debug.SetGCPercent(now)
			}
			before = allocated
		}
	}()
	return func() {
		close(ended)
		<-done
		debug.SetGCPercent(gcPercent)
	}
}
