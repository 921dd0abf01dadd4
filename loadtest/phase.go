package loadtest

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
)

// PhasePlan is one stretch of a run: what the connections and the publications do in it. A run with phases is a Fanout whose
// connections live several lives: they are ended, and come back in the same place as new ones.
type PhasePlan struct {
	// Name is lower-case letters, digits and dashes, beginning with a letter; no two phases have the same.
	Name string
	// Duration is more than nothing.
	Duration time.Duration
	// Unmeasured phases count in the ledger, but not in the run's latency.
	Unmeasured bool

	// Conns is how many connections are to be open at the end; the way there is a straight line. Nil: as many as before.
	Conns *int
	// Churn is how many connections per second are ended and at the same moment opened anew, in an open loop.
	Churn float64
	// ChurnRandom takes them by the run's seed; otherwise it is the turn of the one that was opened first.
	ChurnRandom bool

	// Drop is the share (0 to 1) of the connections that end at the beginning, DropBy how.
	Drop   float64
	DropBy DropKind
	// They come back after ReturnAfter, ReturnRate per second (0: all at once) and each up to ReturnJitter later, evenly
	// distributed. MaxInFlight bounds them nevertheless; what has to wait for that counts from its time.
	ReturnAfter  time.Duration
	ReturnRate   float64
	ReturnJitter time.Duration

	// Slow is the share (0 to 1) of the connections that read nothing, or Trickle bytes per second.
	Slow    float64
	Trickle int

	// Rate is publications per second; nil: as before, at first Config.Rate. Arrivals spreads them over time.
	Rate     *Ramp
	Arrivals Arrivals
}

// String is the phase as a scenario file has it, on one line.
func (p PhasePlan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "{name: %s, duration: %s", p.Name, p.Duration)
	add := func(some bool, format string, args ...any) {
		if some {
			fmt.Fprintf(&b, ", "+format, args...)
		}
	}
	add(p.Unmeasured, "measured: false")
	if p.Conns != nil {
		add(true, "conns: %d", *p.Conns)
	}
	if p.Rate != nil {
		add(p.Rate.From == p.Rate.To, "rate: %g/s", p.Rate.To)
		add(p.Rate.From != p.Rate.To, "rate: %g..%g/s", p.Rate.From, p.Rate.To)
	}
	add(p.Arrivals.kind != arriveConstantly, "arrivals: %q", p.Arrivals.String())
	add(p.Churn > 0, "churn: %g/s", p.Churn)
	add(p.ChurnRandom, "churn-random: true")
	add(p.Drop > 0, "drop: %g%%, drop-by: %s, return-after: %s, return-jitter: %s", 100*p.Drop, p.DropBy, p.ReturnAfter, p.ReturnJitter)
	add(p.ReturnRate > 0, "return-rate: %g/s", p.ReturnRate)
	add(p.Slow > 0, "slow: %g%%", 100*p.Slow)
	add(p.Trickle > 0, "trickle: %dB/s", p.Trickle)
	return b.String() + "}"
}

// Ramp is a rate that goes in a straight line from one value to another.
type Ramp struct{ From, To float64 }

// DropKind is how a connection ends on this side.
type DropKind string

// The ways to end a connection.
const (
	// DropClose says good-bye with a close frame and waits for the answer. It is the default.
	DropClose DropKind = "close"
	// DropReset resets the TCP connection: a process that was killed.
	DropReset DropKind = "reset"
	// DropSilent reads and answers nothing any more, though the kernel acknowledges: a host that has gone, as far as that can
	// be had without privileges. The socket stays open to the end of the run.
	DropSilent DropKind = "silent"
)

// maxPhases is more than anybody reads in a report.
const maxPhases = 100

// maxBackoff is the longest pause between two attempts.
const maxBackoff = 10 * time.Second

// maxChurn is what a machine has local ports for, many times over.
const maxChurn = 1e6

// phaseSpan is a phase's place in time, in ns after the epoch.
type phaseSpan struct{ From, End int64 }

func spansOf(phases []PhasePlan, start int64) []phaseSpan {
	spans := make([]phaseSpan, len(phases))
	for i, p := range phases {
		spans[i] = phaseSpan{start, start + int64(p.Duration)}
		start = spans[i].End
	}
	return spans
}

// windowOf is the time of all phases. It is measured from the first phase that is, without those that are not.
func windowOf(phases []PhasePlan, start int64) window {
	w := window{Send: start, From: never}
	for i, s := range spansOf(phases, start) {
		w.End = s.End
		switch {
		case !phases[i].Unmeasured && w.From == never:
			w.From = s.From
		case phases[i].Unmeasured && w.From != never:
			w.Unmeasured = append(w.Unmeasured, s)
		}
	}
	w.From = min(w.From, w.End)
	return w
}

// withPhaseDefaults settles what phases take over from those before, so that each of them stands alone; it copies them.
func (c Config) withPhaseDefaults() Config {
	if len(c.Phases) == 0 {
		return c
	}
	setDefault(&c.Backoff, 100*time.Millisecond)
	setDefault(&c.Name, "phases")
	c.initial = c.Conns
	conns, rate := c.Conns, Ramp{c.Rate, c.Rate}
	peak := 0.0
	c.Duration, c.Warmup = 0, 0
	phases := make([]PhasePlan, len(c.Phases))
	for i, p := range c.Phases {
		if p.Conns == nil {
			p.Conns = &conns
		}
		if p.Rate == nil {
			p.Rate = &Ramp{rate.To, rate.To}
		}
		if step := p.Arrivals.peakRate(); step > 0 {
			p.Rate = &Ramp{step, step}
		}
		setDefault(&p.DropBy, DropClose)
		last, lastRate := *p.Conns, *p.Rate
		conns, rate, p.Conns, p.Rate = last, lastRate, &last, &lastRate
		peak = max(peak, rate.From, rate.To)
		c.Conns = max(c.Conns, conns)
		c.Duration += p.Duration
		phases[i] = p
	}
	c.Phases, c.Rate = phases, peak
	return c
}

var phaseName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)

// validatePhases gives complain all that is wrong. They have their defaults.
func (c Config) validatePhases(complain func(bad bool, format string, args ...any)) {
	if len(c.Phases) == 0 {
		complain(c.Recover, "recovery is for runs with phases: in others no connection comes back")
		return
	}
	complain(c.Recover && c.NoSubscribe, "without subscriptions there is nothing to recover")
	complain(c.Scenario != Fanout, "phases are for scenario %s", Fanout)
	complain(c.NoSubscribe && c.Rate > 0, "without subscriptions the rate must be 0 in all phases: nobody would get a publication")
	complain(c.Stalled, "stalled is for idle connections; a phase has a share of slow ones")
	complain(c.Floor.Rounds > 0, "the floor has no phases: a ratio to it would compare two different things")
	complain(len(c.Phases) > maxPhases, "at most %d phases", maxPhases)
	complain(c.Backoff < 0 || c.Backoff > maxBackoff, "backoff must be 0 to %s, which it doubles up to", maxBackoff)
	seen := map[string]bool{}
	for i, p := range c.Phases {
		complain(!phaseName.MatchString(p.Name), "phase %d: the name must be lower-case letters, digits and dashes, not %q", i+1, p.Name)
		complain(seen[p.Name], "phase %q: there are two of that name", p.Name)
		seen[p.Name] = true
		p.validate(func(bad bool, format string, args ...any) {
			complain(bad, "phase %q: %s", p.Name, fmt.Sprintf(format, args...))
		})
	}
	for _, e := range c.Expect {
		name := e.phase()
		complain(name != "" && !seen[name], "expectation %q: there is no phase %q", e, name)
	}
}

func (p PhasePlan) validate(complain func(bad bool, format string, args ...any)) {
	share := func(v float64) bool { return v >= 0 && v <= 1 }
	rate := func(v float64) bool { return v >= 0 && v <= maxRate }
	complain(p.Duration <= 0 || p.Duration > 1000*time.Hour, "the duration must be more than nothing and at most 1000h")
	complain(*p.Conns < 0 || *p.Conns > maxConns, "conns must be 0 to %d", maxConns)
	complain(!(p.Churn >= 0 && p.Churn <= maxChurn), "churn must be 0 to %d per second", int(maxChurn))
	complain(!share(p.Drop) || !share(p.Slow), "drop and slow are shares from 0 to 1")
	complain(p.DropBy != DropClose && p.DropBy != DropReset && p.DropBy != DropSilent, "drop-by must be close, reset or silent, not %q", p.DropBy)
	complain(p.ReturnAfter < 0 || p.ReturnJitter < 0, "return-after and return-jitter must not be negative")
	complain(!(p.ReturnRate >= 0 && p.ReturnRate <= maxChurn), "return-rate must be 0 to %d per second", int(maxChurn))
	complain(p.Trickle < 0 || p.Trickle > 1<<30, "trickle must be 0 to 2^30 bytes per second")
	complain(!rate(p.Rate.From) || !rate(p.Rate.To), "rate must be 0 to %d", int(maxRate))
	complain(p.Trickle > 0 && p.Slow == 0, "trickle goes with slow connections only")
	complain(p.ChurnRandom && p.Churn == 0, "churn-random goes with churn only")
	complain(p.Drop == 0 && (p.DropBy != DropClose || p.ReturnAfter > 0 || p.ReturnRate > 0 || p.ReturnJitter > 0),
		"drop-by, return-after, return-rate and return-jitter go with drop only")
	complain(p.Rate.From != p.Rate.To && p.Arrivals.kind != arriveConstantly && p.Arrivals.kind != arriveAtRandom,
		"arrivals %s do not go with a rate that changes", p.Arrivals)
}

// slowShare is the largest share of slow connections of all phases: those that are slow at some time.
func slowShare(phases []PhasePlan) (share float64) {
	for _, p := range phases {
		share = max(share, p.Slow)
	}
	return share
}

// heldFiles is how many sockets of silent connections there may be at the end, besides those of the open ones.
func (c Config) heldFiles() int {
	silent := 0.0
	for _, p := range c.Phases {
		if p.DropBy == DropSilent {
			silent += math.Ceil(p.Drop * float64(c.Conns))
		}
	}
	return int(silent)
}

// leavingFiles is how many connections of a process with so many loops may wait for the answer to a close frame.
func (c Config) leavingFiles(threads int) int {
	if len(c.Phases) == 0 {
		return 0
	}
	return maxLeaving * threads
}

// maxLeaving bounds the connections of a loop that wait for the answer to a close frame; beyond them it is not waited for.
const maxLeaving = 256

// pick says whether number i is one of that share, which is spread evenly.
func pick(i int, share float64) bool {
	return math.Floor(float64(i+1)*share+roundingGuard) > math.Floor(float64(i)*share+roundingGuard)
}

// roundingGuard keeps ten tenths at one: products of shares are off by less than that for up to 2^24 connections.
const roundingGuard = 1e-6

// portion is the part of total that falls to count things from number first on, of all; the parts of all add up to total.
func portion(total, first, count, all int) int {
	return total*(first+count)/all - total*first/all
}

// Check says what is wrong with a configuration, all of it together, without connecting to anything; nil if a run could begin.
func (c Config) Check() error {
	c = c.withDefaults()
	_, _, err := parseTarget(c)
	return errors.Join(c.validate(), err)
}

// Length is how long a run with phases lasts, without the setup and what comes after it.
func (c Config) Length() (sum time.Duration) {
	for _, p := range c.Phases {
		sum += p.Duration
	}
	return sum
}
