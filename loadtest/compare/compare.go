package compare

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/wsedge/wsedge/loadtest"
)

// Alpha is the p below which a difference is called one.
const Alpha = 0.05

// Result is what came of a comparison.
type Result struct {
	Rounds   [2]int
	Figures  []Figure
	Warnings []string
}

// Figure is one figure of both sides.
type Figure struct {
	Name    string
	Unit    string
	Medians [2]float64 // over the rounds
	Ratio   float64    // of the medians, B to A
	// Samples are how many there are of each side for the test; none where it was not made.
	Samples [2]int
	P       float64 // 1 without a test
	Seconds bool    // the samples are seconds of a single run
}

// Reports compares side b with side a. Each needs at least one result.
func Reports(a, b []*loadtest.Report) (*Result, error) {
	if len(a) == 0 || len(b) == 0 {
		return nil, errors.New("each side needs a result")
	}
	result := &Result{Rounds: [2]int{len(a), len(b)}, Warnings: warnings(a, b)}
	for _, f := range figures {
		if f.name == "CPU per connection and second" && a[0].Config.Scenario != loadtest.Idle {
			continue
		}
		if compared, ok := f.compare(a, b); ok {
			result.Figures = append(result.Figures, compared)
		}
	}
	return result, nil
}

// compare returns false where a side was not measured.
func (f figure) compare(a, b []*loadtest.Report) (Figure, bool) {
	x, y := values(a, f.of), values(b, f.of)
	if !slices.ContainsFunc(x, isSet) || !slices.ContainsFunc(y, isSet) {
		return Figure{}, false
	}
	out := Figure{Name: f.name, Unit: f.unit, Medians: [2]float64{median(x), median(y)}, P: 1}
	out.Ratio = out.Medians[1] / out.Medians[0]
	if len(a) == 1 && len(b) == 1 {
		if f.second == nil {
			return out, true
		}
		out.Seconds = true
		x, y = seconds(a[0], f.second), seconds(b[0], f.second)
	}
	out.Samples = [2]int{len(x), len(y)}
	out.P = rankTest(x, y)
	return out, true
}

func isSet(v float64) bool { return v != 0 }

func values(side []*loadtest.Report, of func(*loadtest.Report) float64) []float64 {
	list := make([]float64, len(side))
	for i, r := range side {
		list[i] = of(r)
	}
	return list
}

// seconds are those in which there was something to measure.
func seconds(r *loadtest.Report, of func(loadtest.Interval) float64) (list []float64) {
	for _, s := range inWindow(r) {
		if v := of(s); v != 0 {
			list = append(list, v)
		}
	}
	return list
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Sentence says what is to be said of a figure.
func (f Figure) Sentence() string {
	change := 100 * (f.Ratio - 1)
	word := "lower"
	if change > 0 {
		word = "higher"
	}
	size := fmt.Sprintf("%.2g %%", math.Abs(change))
	if math.Abs(change) >= 99.5 {
		size = fmt.Sprintf("%.0f %%", math.Abs(change))
	}
	difference := fmt.Sprintf("%s %s", size, word)
	switch {
	case change == 0 && f.P >= Alpha:
		return fmt.Sprintf("B's %s is the same", f.Name)
	case min(f.Samples[0], f.Samples[1]) == 0:
		return fmt.Sprintf("B's %s is %s; one round a side cannot tell whether by chance", f.Name, difference)
	case f.P < Alpha && change == 0:
		return fmt.Sprintf("B's %s has the same median, but not the same spread, %s", f.Name, probability(f.P))
	case f.P < Alpha:
		return fmt.Sprintf("B's %s is %s, %s", f.Name, difference, probability(f.P))
	case leastP(f.Samples[0], f.Samples[1]) >= Alpha:
		return fmt.Sprintf("B's %s is %s; %d and %d rounds are too few to tell whether by chance (%s)", f.Name, difference,
			f.Samples[0], f.Samples[1], probability(f.P))
	default:
		return fmt.Sprintf("No difference in %s can be told from chance (%s, %s)", f.Name, difference, probability(f.P))
	}
}

func probability(p float64) string {
	if p < 0.001 {
		return "p < 0.001"
	}
	return fmt.Sprintf("p = %.2g", p)
}

// WriteText prints the comparison for people: a table, a sentence for each figure, and what makes it doubtful.
func (r *Result) WriteText(w io.Writer) error {
	text := fmt.Sprintf("%-31s %9s %9s %-3s %6s %9s\n", "median of", fmt.Sprintf("A (%d)", r.Rounds[0]), fmt.Sprintf("B (%d)", r.Rounds[1]), "", "B/A", "p")
	for _, f := range r.Figures {
		p := "-"
		if f.Samples[0] > 0 && f.Samples[1] > 0 {
			p = fmt.Sprintf("%.2g", f.P)
		}
		text += fmt.Sprintf("%-31s %9.5g %9.5g %-3s %6.3f %9s\n", f.Name, f.Medians[0], f.Medians[1], f.Unit, f.Ratio, p)
	}
	text += "\n"
	for _, f := range r.Figures {
		text += f.Sentence() + ".\n"
	}
	if r.Rounds == [2]int{1, 1} {
		text += "\nOne round a side: the samples are seconds of one run each. That tells whether these two runs differ, not\n" +
			"whether others would; for that, give at least four rounds a side, made in turns.\n"
	} else if n := len(r.Figures); n > 1 {
		text += fmt.Sprintf("\n%d figures were tested: by chance alone, one in %.0f has p < %g.\n", n, 1/Alpha, Alpha)
	}
	for _, warning := range r.Warnings {
		text += "Warning: " + warning + ".\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

func sideName(i int) string { return string(rune('A' + i)) }

// plural is "the round of A" or "2 of 5 rounds of A".
func plural(n, of int, side string) string {
	if of == 1 {
		return "the round of " + side
	}
	return fmt.Sprintf("%d of %d rounds of %s", n, of, side)
}
