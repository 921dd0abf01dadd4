package loadtest

import "math"

// exchange is a question about the time and its answer, as in RFC 5905, section 8: sent and back by our clock, taken and
// answered by the other.
type exchange struct {
	at     int64 // by our clock, halfway
	offset int64 // of the other clock against ours, to within half of trip either way
	trip   int64 // under way, both ways together
}

func newExchange(sent, taken, answered, back int64) exchange {
	return exchange{
		at: sent + (back-sent)/2,
		// Halves first: the clocks may be centuries apart, their sum beyond 63 bits.
		offset: (taken-sent)/2 + (answered-back)/2,
		trip:   max(back-sent-(answered-taken), 0),
	}
}

const (
	// estimateWindow is how much of the past says what the clocks do now: their rates change with the temperature, and
	// with what keeps the system's time.
	estimateWindow = int64(60e9)
	// slopeSpan is the least stretch of time that a drift is read from while there is no need: with offsets known to 20 µs it
	// is then known to some 10 ppm.
	slopeSpan   = int64(2e9)
	slopePoints = 4
	// maxDrift is more than two clocks can differ: the kernel lets each be steered by 500 ppm (adjtimex(2)), and a crystal is
	// off by 100.
	maxDrift = 1.2e-3
	// tripSlack is how much longer than the shortest trip another may be, besides twice as long, and still count.
	tripSlack = int64(20e3)
	// wander is how far a clock's rate may leave the line within seconds, unseen: ten times what crystals do.
	wander = 10e-6
)

// clockEstimate follows another machine's clock by exchanges with it: a line through the best of the last minute.
type clockEstimate struct {
	kept  []exchange // the best one of each round, oldest first
	at    int64      // our time at which the line passes through offset
	off   int64
	drift float64 // of the other clock against ours: 1e-6 gains a microsecond each second

	rounds   int
	shortest int64 // trip of all
	// Since the last mark.
	bound int64 // the largest, of half a trip and the distance to the line
	step  int64 // the largest that a round has moved the line by: so far off was what had been told before
}

// add takes the exchanges of a round. None is an error of the caller's.
func (e *clockEstimate) add(round []exchange) {
	best := round[0]
	for _, x := range round {
		if x.trip < best.trip {
			best = x
		}
	}
	expected := e.offsetAt(best.at)
	if e.rounds == 0 || best.trip < e.shortest {
		e.shortest = best.trip
	}
	e.kept = append(e.kept, best)
	for e.kept[0].at < best.at-estimateWindow {
		e.kept = e.kept[1:]
	}
	e.fit(best.at)
	if e.rounds > 0 {
		e.step = max(e.step, distance(e.offsetAt(best.at), expected))
	}
	e.bound = max(e.bound, e.currentBound())
	e.rounds++
}

// mark begins a new stretch for bound and step.
func (e *clockEstimate) mark() { e.bound, e.step = e.currentBound(), 0 }

// offsetAt is the other clock's reading less ours, at that time of ours.
func (e *clockEstimate) offsetAt(at int64) int64 {
	return e.off + int64(float64(at-e.at)*e.drift)
}

// uncertainty is how far off the other's times may have been since the last mark.
func (e *clockEstimate) uncertainty() int64 { return e.bound + e.step }

// line is what the other side needs to show our time, in ns after epoch.
func (e *clockEstimate) line(epoch int64) clockLine {
	return clockLine{At: e.at + e.off, Shows: e.at - epoch, Drift: 1/(1+e.drift) - 1}
}

// good are the kept exchanges whose trips were short: a long one was held up on one of its ways, nobody knows which.
func (e *clockEstimate) good() []exchange {
	shortest := e.kept[0].trip
	for _, x := range e.kept {
		shortest = min(shortest, x.trip)
	}
	var good []exchange
	for _, x := range e.kept {
		if x.trip <= 2*shortest+tripSlack {
			good = append(good, x)
		}
	}
	return good
}

// fit lays the line anew, to pass through its offset at that time. A line that leaves what the newest exchange allows is
// wrong for certain: the other clock's rate has changed, and the past says nothing any more.
func (e *clockEstimate) fit(now int64) {
	good := e.good()
	if last := good[len(good)-1]; len(good) >= slopePoints && last.at-good[0].at >= slopeSpan {
		e.fitSlope(good, now)
	} else {
		e.extrapolate(good, now)
	}
	for newest := e.kept[len(e.kept)-1]; e.residual(newest) > newest.trip/2+1; {
		if good := e.good(); len(good) > 1 {
			e.fitSlope(good, now)
		} else {
			e.extrapolate(good, now)
		}
		e.kept = e.kept[len(e.kept)/2:]
	}
}

// extrapolate goes on from the best exchange with the drift that is known.
func (e *clockEstimate) extrapolate(good []exchange, now int64) {
	best := good[0]
	for _, x := range good {
		if x.trip <= best.trip {
			best = x
		}
	}
	e.at, e.off = now, best.offset+int64(float64(now-best.at)*e.drift)
}

// fitSlope is a least-squares fit in which an exchange weighs by the inverse square of its trip. Times and offsets are
// taken relative to the first exchange, where float64 has digits to spare.
func (e *clockEstimate) fitSlope(good []exchange, now int64) {
	first := good[0]
	var sw, st, so, stt, sto float64
	for _, x := range good {
		t, o, w := float64(x.at-first.at), float64(x.offset-first.offset), 1/math.Pow(float64(x.trip+1), 2)
		sw, st, so, stt, sto = sw+w, st+w*t, so+w*o, stt+w*t*t, sto+w*t*o
	}
	slope := 0.0
	if d := sw*stt - st*st; d > 0 {
		slope = (sw*sto - st*so) / d
	}
	e.drift = min(max(slope, -maxDrift), maxDrift)
	meanAt, meanOffset := st/sw, so/sw
	e.at = now
	e.off = first.offset + int64(meanOffset+e.drift*(float64(now-first.at)-meanAt))
}

// currentBound is the best that any exchange says of the line now.
func (e *clockEstimate) currentBound() int64 {
	bound := int64(math.MaxInt64)
	for _, x := range e.kept {
		bound = min(bound, (x.trip+1)/2+e.residual(x)+int64(wander*float64(e.at-x.at)))
	}
	return bound
}

// residual is how far from an exchange the line passes.
func (e *clockEstimate) residual(x exchange) int64 { return distance(e.offsetAt(x.at), x.offset) }

func distance(a, b int64) int64 { return max(a-b, b-a) }

// clockLine makes CLOCK_MONOTONIC of one machine show another's time: when it reads At, the time is Shows, in ns after the
// epoch, and from there on it goes faster by Drift.
type clockLine struct {
	At    int64
	Shows int64
	Drift float64
}

// epoch is what CLOCK_MONOTONIC read when the time was 0, leaving the drift aside.
func (l clockLine) epoch() int64 { return l.At - l.Shows }
