package show

import (
	"fmt"

	"github.com/wsedge/wsedge/loadtest"
)

// Band is a phase in a chart over time.
type Band struct {
	Name      string
	Label     string // the name as far as there is room for it
	At, Width float64
	Odd       bool // every other one is shaded
}

// letterWidth is about that of a small letter in a chart.
const letterWidth = 7

// bands lays the phases out.
func bands(phases []loadtest.PhaseReport, x axis) (list []Band) {
	for i, p := range phases {
		from := min(max(x.place(p.FromSecs), plotLeft), plotRight)
		to := min(max(x.place(p.EndSecs), plotLeft), plotRight)
		b := Band{Name: p.Name, At: round(from), Width: round(to - from), Odd: i%2 == 0}
		if room := int((to-from)/letterWidth) - 1; room >= len(b.Name) {
			b.Label = b.Name
		}
		list = append(list, b)
	}
	return list
}

func phasesTable(r *loadtest.Report) Table {
	t := Table{Title: "Phases", Head: []string{"", "time", "connections", "opened", "ready", "failed", "ended", "published", "lost", "p50", "p99", "last receiver p99"}}
	for _, p := range r.Phases {
		p50, p99 := loadtest.FormatMicros(p.Latency.P50), loadtest.FormatMicros(p.Latency.P99)
		t.Rows = append(t.Rows, []string{
			p.Name, fmt.Sprintf("%.1f–%.1f s", p.FromSecs, p.EndSecs), thousands(p.Conns), thousands(p.Opened), thousands(p.Established),
			thousands(p.Failed), thousands(p.Ended), thousands(p.Published), thousands(p.Lost), p50, p99, loadtest.FormatMicros(p.Completion.P99),
		})
	}
	return t
}

// backTable is about connections that came back.
func backTable(r *loadtest.Report) Table {
	t := Table{Title: "Connections that came back", Head: []string{"", "dropped", "churned", "back: first", "p50", "p99", "last", "reconnect p50", "p99"}}
	for _, p := range r.Phases {
		if p.Reconnect.Count == 0 && p.Dropped == 0 {
			continue
		}
		row := []string{p.Name, thousands(p.Dropped), thousands(p.Churned)}
		for _, us := range []int64{p.Back.First, p.Back.P50, p.Back.P99, p.Back.Last, p.Reconnect.P50, p.Reconnect.P99} {
			row = append(row, loadtest.FormatMicros(us))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// recoveryTable is about what those got that had missed something.
func recoveryTable(r *loadtest.Report) Table {
	t := Table{Title: "Recovery", Head: []string{"", "returned", "recovered", "not recovered", "deliveries recovered", "not recovered", "back p50", "p99", "max", "caught up p50", "p99", "max"}}
	for _, p := range r.Phases {
		c := p.Recovery
		if c == nil || c.Returned == 0 && p.Unrecovered == 0 {
			continue
		}
		row := []string{p.Name, thousands(c.Returned), thousands(c.Recovered), thousands(c.NotRecovered), thousands(c.Publications), thousands(p.Unrecovered)}
		for _, us := range []int64{c.Back.P50, c.Back.P99, c.Back.Max, c.CaughtUp.P50, c.CaughtUp.P99, c.CaughtUp.Max} {
			row = append(row, loadtest.FormatMicros(us))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func slowTable(r *loadtest.Report) Table {
	t := Table{Title: "Slow connections"}
	if s := r.Slow; s != nil {
		t.count("established", s.Established)
		t.count("ended by the server", s.Ended)
		t.count("bytes read", s.Bytes)
		t.count("gap notices", s.GapNotices)
		t.count("deliveries received", s.Ledger.Received)
		t.count("left out", s.Ledger.Lost)
	}
	return t
}
