package show

import (
	"math"
	"strconv"
	"strings"

	"github.com/wsedge/wsedge/loadtest"
)

// A chart's drawing area, in the units of its SVG view box. It is drawn at 320 to 640 pixels; the type is set for both.
const (
	chartWidth  = 480.0
	chartHeight = 220.0
	plotLeft    = 58.0
	plotRight   = 472.0
	plotTop     = 10.0
	plotBottom  = 192.0
	// lastLabel is half the width of a long label: closer to the edge, it ends at its mark.
	lastLabel = 30.0
	// mostPoints of a line are drawn; of more than that, the largest of several.
	mostPoints = 600
)

// point is a place in a chart, in the units of its axes.
type point struct{ x, y float64 }

// line is one of a chart's lines. A point whose y is NaN interrupts it.
type line struct {
	name   string
	points []point
}

// axis maps values to a range of the drawing area.
type axis struct {
	min, max float64 // log10 of them where log is set
	from, to float64
	log      bool
}

func (a axis) place(v float64) float64 {
	if a.log {
		v = math.Log10(v)
	}
	return a.from + (v-a.min)/(a.max-a.min)*(a.to-a.from)
}

// Chart is a chart, ready for the template. Coordinates are within the view box.
type Chart struct {
	Title   string
	Caption string
	Lines   []ChartLine
	XTicks  []Tick
	YTicks  []Tick
	Shade   float64 // width of what lies before the measured window
	Bands   []Band
}

// ChartLine is one line of a chart.
type ChartLine struct {
	Name  string
	Path  string
	Class string
	Note  string // its largest value
}

// Tick is a mark on an axis.
type Tick struct {
	At     float64
	Label  string
	Anchor string // of the label, in SVG's words
}

// plan says how to draw lines.
type plan struct {
	title   string
	caption string
	lines   []line
	x       axis    // only min, max and log; zero: as the lines ask for
	log     bool    // the y axis
	before  float64 // x where the measured window begins
	phases  []loadtest.PhaseReport
	xLabel  func(float64) string
	yLabel  func(float64) string
	xTicks  []float64 // zero: as the axis asks for
}

// draw lays a chart out; nil where there is nothing to draw.
func (p plan) draw() *Chart {
	p.x.from, p.x.to = plotLeft, plotRight
	y := axis{from: plotBottom, to: plotTop, log: p.log}
	if !p.fit(&y) {
		return nil
	}
	c := &Chart{Title: p.title, Caption: p.caption}
	for i, l := range p.lines {
		largest, some := l.largest()
		if !some {
			continue
		}
		c.Lines = append(c.Lines, ChartLine{
			Name: l.name, Path: path(l.thinned(), p.x, y), Class: "line s" + strconv.Itoa(i+1), Note: p.yLabel(largest),
		})
	}
	marks := p.xTicks
	if marks == nil {
		marks = p.x.marks(6)
	}
	c.XTicks = ticks(p.x, marks, p.xLabel)
	c.YTicks = ticks(y, y.marks(5), p.yLabel)
	if p.before > 0 {
		c.Shade = min(max(p.x.place(p.before)-plotLeft, 0), plotRight-plotLeft)
	}
	c.Bands = bands(p.phases, p.x)
	return c
}

// fit sets the axes to what the lines need. It returns false if there are no points.
func (p *plan) fit(y *axis) (some bool) {
	fitX := p.x.min == p.x.max
	low, high := point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, l := range p.lines {
		for _, q := range l.points {
			if math.IsNaN(q.y) {
				continue
			}
			low = point{min(low.x, q.x), min(low.y, q.y)}
			high = point{max(high.x, q.x), max(high.y, q.y)}
			some = true
		}
	}
	if fitX {
		p.x.min, p.x.max = 0, max(high.x, 1)
	}
	if p.log {
		y.min = math.Floor(math.Log10(max(low.y, 1)))
		y.max = max(math.Ceil(math.Log10(max(high.y, 1))), y.min+1)
		return some
	}
	y.min, y.max = 0, ceiling(high.y)
	return some
}

// ceiling is a round number that is no less than v.
func ceiling(v float64) float64 {
	if v <= 0 {
		return 1
	}
	step := niceStep(v, 4)
	return math.Ceil(v/step-1e-9) * step
}

// niceStep is 1, 2 or 5 times a power of ten, so that span takes at most that many steps and a part of one.
func niceStep(span float64, steps int) float64 {
	raw := span / float64(steps)
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, factor := range []float64{1, 2, 5} {
		if factor*power >= raw*(1-1e-9) {
			return factor * power
		}
	}
	return 10 * power
}

// marks are the values that an axis names: decades, or round numbers.
func (a axis) marks(wanted int) []float64 {
	var marks []float64
	if a.log {
		step := math.Max(1, math.Ceil((a.max-a.min)/float64(wanted)))
		for e := a.min; e <= a.max+1e-9; e += step {
			marks = append(marks, math.Pow(10, e))
		}
		return marks
	}
	step := niceStep(a.max-a.min, wanted)
	for i := int(math.Ceil(a.min/step - 1e-9)); float64(i)*step <= a.max*(1+1e-9); i++ {
		marks = append(marks, float64(i)*step)
	}
	return marks
}

func ticks(a axis, marks []float64, name func(float64) string) []Tick {
	list := make([]Tick, len(marks))
	for i, v := range marks {
		list[i] = Tick{At: round(a.place(v)), Label: name(v), Anchor: "middle"}
		if list[i].At > plotRight-lastLabel {
			list[i].Anchor = "end"
		}
	}
	return list
}

func (l line) largest() (y float64, some bool) {
	for _, p := range l.points {
		if !math.IsNaN(p.y) && (!some || p.y > y) {
			y, some = p.y, true
		}
	}
	return y, some
}

// thinned keeps the largest of each few points, where there are too many to be told apart.
func (l line) thinned() []point {
	if len(l.points) <= mostPoints {
		return l.points
	}
	kept := make([]point, mostPoints)
	for i := range kept {
		group := l.points[i*len(l.points)/mostPoints : (i+1)*len(l.points)/mostPoints]
		kept[i] = group[0]
		for _, p := range group[1:] {
			if math.IsNaN(kept[i].y) || p.y > kept[i].y {
				kept[i] = p
			}
		}
	}
	return kept
}

// path is the line as SVG path data. A point on its own is drawn as a dot: a line of no length with round ends.
func path(points []point, x, y axis) string {
	var out strings.Builder
	pen, alone := false, false
	for _, p := range points {
		if math.IsNaN(p.y) {
			if alone {
				out.WriteString("h0")
			}
			pen, alone = false, false
			continue
		}
		command := byte('L')
		if !pen {
			command = 'M'
		}
		pen, alone = true, !pen
		out.WriteByte(command)
		out.WriteString(strconv.FormatFloat(round(x.place(p.x)), 'g', -1, 64))
		out.WriteByte(' ')
		out.WriteString(strconv.FormatFloat(round(y.place(p.y)), 'g', -1, 64))
	}
	if alone {
		out.WriteString("h0")
	}
	return out.String()
}

// round keeps a tenth of a unit.
func round(v float64) float64 { return math.Round(v*10) / 10 }
