package conformance

import (
	"fmt"
	"io"
	"path"
	"strings"
	"sync"
	"text/tabwriter"
)

// Result is the outcome of one case in one write mode.
type Result struct {
	Case    Case
	Mode    Mode
	Verdict Verdict
	Err     error
}

// Run runs the cases whose ids match pattern (of path.Match; several, separated by commas) in the write modes, workers
// at a time, and returns the results in the order of cases and modes.
func Run(target Target, cases []Case, pattern string, workers int, modes ...Mode) []Result {
	var results []Result
	for _, c := range cases {
		for _, mode := range modes {
			if matches(pattern, c.ID) {
				results = append(results, Result{Case: c, Mode: mode})
			}
		}
	}
	var running sync.WaitGroup
	permits := make(chan struct{}, workers)
	for i := range results {
		permits <- struct{}{}
		running.Go(func() {
			defer func() { <-permits }()
			r := &results[i]
			r.Verdict, r.Err = r.Case.Run(target, r.Mode)
		})
	}
	running.Wait()
	return results
}

func matches(pattern, id string) bool {
	for _, p := range strings.Split(pattern, ",") {
		if ok, err := path.Match(p, id); ok && err == nil {
			return true
		}
	}
	return false
}

// Table writes the results by family and write mode.
func Table(w io.Writer, results []Result) {
	type cell struct{ cases, strict, nonStrict, failed int }
	table := map[string]*cell{}
	var order []string
	count := func(row string, v Verdict) {
		c := table[row]
		if c == nil {
			c = &cell{}
			table[row] = c
			order = append(order, row)
		}
		c.cases++
		switch v {
		case Strict:
			c.strict++
		case NonStrict:
			c.nonStrict++
		case Failed:
			c.failed++
		}
	}
	for _, mode := range Modes {
		for _, r := range results {
			if r.Mode == mode {
				family, _, _ := strings.Cut(r.Case.ID, ".")
				count(family+"\t"+mode.String(), r.Verdict)
			}
		}
		for _, r := range results {
			if r.Mode == mode {
				count("all\t"+mode.String(), r.Verdict)
			}
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "family\twrites\tcases\tstrict\tnon-strict\tfailed\t")
	for _, row := range order {
		c := table[row]
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t\n", row, c.cases, c.strict, c.nonStrict, c.failed)
	}
	_ = t.Flush()
}
