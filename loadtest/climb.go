package loadtest

import "math"

// climb chooses the points of a curve. Like bisection, it runs nothing.
type climb struct {
	points int
	whole  bool
	fixed  []float64 // with an end: all of them

	tried           []float64
	current         float64
	good, saturated float64 // the highest that was well, the lowest that was not; 0: none yet
}

func newClimb(from, to float64, points int, whole bool) *climb {
	c := &climb{points: points, whole: whole, current: from}
	for i := range points {
		if to == 0 {
			break
		}
		v := from * math.Pow(to/from, float64(i)/float64(points-1))
		switch {
		case i == points-1:
			v = to
		case i > 0:
			v = readable(v, whole)
		}
		if n := len(c.fixed); n == 0 || v > c.fixed[n-1] {
			c.fixed = append(c.fixed, v)
		}
	}
	return c
}

// readable rounds to three digits.
func readable(v float64, whole bool) float64 {
	if whole {
		return math.Round(v)
	}
	scale := math.Pow(10, 3-math.Ceil(math.Log10(v)))
	return math.Round(v*scale) / scale
}

// next is the next point; false after the last.
func (c *climb) next() (value float64, more bool) {
	if c.fixed != nil {
		if len(c.tried) == len(c.fixed) {
			return 0, false
		}
		return c.fixed[len(c.tried)], true
	}
	return c.current, len(c.tried) < c.points && c.current > 0
}

// note takes whether the last point was saturated.
func (c *climb) note(saturated bool) {
	value, _ := c.next()
	c.tried = append(c.tried, value)
	if c.fixed != nil {
		return
	}
	switch {
	case saturated && (c.saturated == 0 || value < c.saturated):
		c.saturated = value
	case !saturated && value > c.good && (c.saturated == 0 || value < c.saturated):
		c.good = value
	}
	if c.saturated == 0 {
		highest := float64(maxRate)
		if c.whole {
			highest = maxConns
		}
		if c.current = min(2*value, highest); c.current == value {
			c.current = 0 // nobody goes further
		}
		return
	}
	// What is left goes to where saturation begins, and when that is known well, to the widest gaps.
	if c.good > 0 && c.saturated/c.good > 1.1 {
		c.current = between(c.good, c.saturated, c.whole)
		if c.current > c.good && c.current < c.saturated {
			return
		}
	}
	c.current = c.widestGap()
}

// widestGap is the middle of the widest gap between two points; 0 where there is none.
func (c *climb) widestGap() float64 {
	best, middle := 1.0, 0.0
	for _, low := range c.tried {
		high := math.Inf(1)
		for _, v := range c.tried {
			if v > low {
				high = min(high, v)
			}
		}
		if gap := high / low; !math.IsInf(high, 1) && gap > best*(1+1e-9) {
			if v := between(low, high, c.whole); v > low && v < high {
				best, middle = gap, v
			}
		}
	}
	return middle
}

// kneeOf finds the knee of p99 over the axis; nil where there is none to speak of.
func kneeOf(points []Step) *float64 {
	var x, y []float64
	for _, s := range points {
		if s.Figures.Latency.Count > 0 {
			x = append(x, math.Log(s.Value))
			y = append(y, math.Log(float64(max(s.Figures.Latency.P99, 1))))
		}
	}
	n := len(x)
	if n < 3 || x[n-1] <= x[0] || y[n-1]-y[0] < math.Ln2 { // a curve that does not double is flat
		return nil
	}
	const clear = 0.1 // of the height
	best, at := clear, -1
	for i := range x {
		below := (x[i]-x[0])/(x[n-1]-x[0]) - (y[i]-y[0])/(y[n-1]-y[0])
		if below > best {
			best, at = below, i
		}
	}
	if at < 0 {
		return nil
	}
	knee := math.Exp(x[at])
	for _, s := range points { // as it was given
		if math.Abs(math.Log(s.Value)-x[at]) < 1e-12 {
			knee = s.Value
		}
	}
	return &knee
}
