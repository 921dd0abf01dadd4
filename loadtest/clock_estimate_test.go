package loadtest

import (
	"math"
	"math/rand/v2"
	"testing"
)

// path is a way to another clock and back, each direction with a delay of its own, in ns.
type path struct {
	offset   float64 // of the other clock at our zero
	drift    float64
	out, in  float64 // the least delays
	jitter   float64 // mean of what comes on top
	random   *rand.Rand
	estimate clockEstimate
}

func (p *path) other(at float64) float64 { return at + p.offset + p.drift*at }

// round asks n times, beginning at a time of ours.
func (p *path) round(at float64, n int) {
	var answers []exchange
	for range n {
		taken := at + p.out + p.jitter*p.random.ExpFloat64()
		answered := taken + 3000
		back := answered + p.in + p.jitter*p.random.ExpFloat64()
		answers = append(answers, newExchange(int64(at), int64(p.other(taken)), int64(p.other(answered)), int64(back)))
		at = back
	}
	p.estimate.add(answers)
}

// errorAt is how far off the estimate is.
func (p *path) errorAt(at float64) float64 {
	return math.Abs(float64(p.estimate.offsetAt(int64(at))) - (p.other(at) - at))
}

// TestClockEstimates follows clocks over five minutes, and holds the estimate against what they really show.
func TestClockEstimates(t *testing.T) {
	const days = 86400e9
	cases := map[string]struct {
		path
		most float64 // error in ns, behind the first ten seconds
	}{
		"the same clock":                {path{out: 15e3, in: 15e3, jitter: 20e3}, 12e3},
		"another one, days off":         {path{offset: 17 * days, drift: 40e-6, out: 60e3, in: 60e3, jitter: 40e3}, 25e3},
		"days behind, drifting back":    {path{offset: -400 * days, drift: -300e-6, out: 60e3, in: 60e3, jitter: 40e3}, 25e3},
		"a way with a queue":            {path{offset: days, drift: 20e-6, out: 200e3, in: 200e3, jitter: 2e6}, 900e3},
		"a way longer in one direction": {path{offset: days, drift: -10e-6, out: 20e6, in: 1e6, jitter: 100e3}, 9.7e6},
	}
	for name, c := range cases {
		c.random = rand.New(rand.NewPCG(5, 5))
		c.round(0, 40)
		worst, began := 0.0, 20e9
		for at := 0.5e9; at < 300e9; at += 0.5e9 {
			if at == began {
				c.estimate.mark()
			}
			// So long the estimate before this round was in use.
			if off := c.errorAt(at); at > began {
				worst = max(worst, off)
			}
			c.round(at, 8)
		}
		if u := float64(c.estimate.uncertainty()); worst > u || worst > c.most {
			t.Errorf("%s: off by %.0f ns, want %.0f at most, and no more than it says: %.0f", name, worst, c.most, u)
		}
		if off := math.Abs(c.estimate.drift-c.drift) * 1e6; off > 20 {
			t.Errorf("%s: drift off by %.1f ppm", name, off)
		}
		if least := int64(c.out + c.in); c.estimate.shortest < least {
			t.Errorf("%s: a round trip of %d ns, which is less than %d", name, c.estimate.shortest, least)
		}
	}
}

// TestClockEstimateOfAChangingRate has what steers the other clock change its mind.
func TestClockEstimateOfAChangingRate(t *testing.T) {
	p := path{out: 50e3, in: 50e3, jitter: 10e3, random: rand.New(rand.NewPCG(1, 2))}
	p.round(0, 40)
	p.estimate.mark()
	worst := 0.0
	for at := 0.5e9; at < 120e9; at += 0.5e9 {
		if at == 60e9 { // 500 ppm more from here on
			p.drift, p.offset = 500e-6, p.offset-500e-6*at
		}
		worst = max(worst, p.errorAt(at))
		p.round(at, 8)
	}
	if u := float64(p.estimate.uncertainty()); worst > u {
		t.Errorf("off by %.0f ns, which is more than it says: %.0f", worst, u)
	}
}

// TestClockLine has the other side's clock show our time.
func TestClockLine(t *testing.T) {
	p := path{offset: 3e15, drift: 100e-6, out: 1000, in: 1000, random: rand.New(rand.NewPCG(1, 2))}
	for at := 0.0; at < 20e9; at += 0.5e9 {
		p.round(at, 8)
	}
	const epoch, at = 5e9, 25e9
	line := p.estimate.line(epoch)
	since := p.other(at) - float64(line.At)
	if shows := float64(line.Shows) + since + since*line.Drift; math.Abs(shows-(at-epoch)) > 5000 {
		t.Errorf("it shows %.0f ns, want %.0f", shows, at-epoch)
	}
}
