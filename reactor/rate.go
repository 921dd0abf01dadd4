package reactor

// Rates that a peer may be held to. They fit a conn's 16-bit buckets, and do something at the resolution of the clock.
const (
	minFrameRate = 10
	maxFrameRate = 30_000
)

// rateBurst is how many seconds' worth of frames may come at once.
const rateBurst = 2

// frameLoad is what a peer has used of its rates: two leaky buckets.
type frameLoad struct{ frames, controls uint16 }

// leak empties the buckets by what the rates allow in so many ticks.
func (f *frameLoad) leak(cfg *Config, elapsed uint32) {
	f.frames -= leaked(f.frames, cfg.MaxFrameRate, elapsed)
	f.controls -= leaked(f.controls, cfg.MaxControlRate, elapsed)
}

// leaked is how much of level runs out, rounded up.
func leaked(level uint16, rate int, elapsed uint32) uint16 {
	const perSecond = int64(ticksPerSecond)
	return uint16(min(int64(level), (int64(rate)*int64(elapsed)+perSecond-1)/perSecond))
}

// add counts frames that have come, and reports whether the peer is within its rates; a rate of 0 is none.
func (f *frameLoad) add(cfg *Config, frames uint64, control bool) bool {
	within := fill(&f.frames, cfg.MaxFrameRate, frames)
	if control {
		within = fill(&f.controls, cfg.MaxControlRate, 1) && within
	}
	return within
}

func fill(level *uint16, rate int, n uint64) bool {
	if rate == 0 {
		return true
	}
	most := uint64(rate * rateBurst)
	*level = uint16(min(uint64(*level)+n, most+1))
	return uint64(*level) <= most
}

// rateOrNone gives a rate of the configuration its default, and makes a negative one 0, which is none.
func rateOrNone(name string, rate, standard int, wrong complaint) int {
	setDefault(&rate, standard)
	if rate < 0 {
		return 0
	}
	if rate < minFrameRate || rate > maxFrameRate {
		wrong(name, "%d, want %d to %d, or negative for no bound", rate, minFrameRate, maxFrameRate)
	}
	return rate
}
