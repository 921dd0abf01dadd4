package show

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/wsedge/wsedge/loadtest"
)

//go:embed report.html.tmpl
var pageText string

var pageTemplate = template.Must(template.New("report").Parse(pageText))

// page is what the template shows.
type page struct {
	Report  *loadtest.Report
	Command string
	Tiles   []Tile
	Charts  []*Chart
	Tables  []Table
}

// Tile is one of the figures on top.
type Tile struct {
	Name, Value, Note string
	Bad               bool
}

// Table is a table with names in its first column.
type Table struct {
	Title string
	Head  []string
	Rows  [][]string
	Notes []string // below it
	Fold  bool     // closed at first
}

// WriteHTML writes a page about a run: one file that needs no other, and no script.
func WriteHTML(w io.Writer, r *loadtest.Report) error {
	return pageTemplate.Execute(w, page{
		Report: r, Command: strings.Join(r.Command, " "), Tiles: tiles(r), Charts: charts(r), Tables: tables(r),
	})
}

func tiles(r *loadtest.Report) []Tile {
	c, l := r.Connections, r.Ledger
	list := []Tile{{
		Name: "connections", Value: thousands(c.Established), Note: fmt.Sprintf("of %s, in %.2f s", thousands(c.Wanted), c.SetupSecs),
		Bad: c.Established < c.Wanted,
	}}
	if r.Config.Scenario != loadtest.Idle {
		wrong := l.Duplicated + l.Reordered + l.Corrupted + l.Misdelivered
		list = append(list,
			Tile{Name: "delivered", Value: thousands(l.Received), Note: "of " + thousands(l.Expected) + " expected", Bad: l.Received < l.Expected},
			Tile{Name: "lost", Value: thousands(l.Lost), Note: thousands(wrong) + " otherwise wrong", Bad: l.Lost+wrong > 0},
			Tile{Name: "latency p50", Value: micros(float64(r.Latency.P50)), Note: "p99.9 " + micros(float64(r.Latency.P999))},
			Tile{Name: "latency p99", Value: micros(float64(r.Latency.P99)), Note: "max " + micros(float64(r.Latency.Max))})
	}
	if s := r.Server; s != nil && s.Problem == "" {
		cpu := Tile{Name: "server CPU", Value: fmt.Sprintf("%.2f µs", s.CPUPerDelivery), Note: "per delivery"}
		if r.Config.Scenario == loadtest.Idle {
			cpu = Tile{Name: "server CPU", Value: fmt.Sprintf("%.2f µs", s.CPUPerConnSecond), Note: "per connection and second"}
		}
		list = append(list, cpu, Tile{Name: "server memory", Value: bytesOf(s.RSSPerConn), Note: "per connection"})
	}
	return list
}

func tables(r *loadtest.Report) []Table {
	all := []Table{latencyTable(r), phasesTable(r), backTable(r), recoveryTable(r), slowTable(r), floorTable(r), topicsTable(r), ledgerTable(r), publicationsTable(r), causesTable(r), serverTable(r), agentsTable(r), environmentTable(r), configTable(r), sysctlTable(r)}
	return slices.DeleteFunc(all, func(t Table) bool { return len(t.Rows) == 0 })
}

func latencyTable(r *loadtest.Report) Table {
	t := Table{Title: "Times", Head: []string{"", "count", "p50", "p90", "p99", "p99.9", "max"}}
	add := func(name string, p loadtest.Percentiles) {
		if p.Count > 0 {
			t.Rows = append(t.Rows, []string{name, thousands(p.Count), loadtest.FormatMicros(p.P50), loadtest.FormatMicros(p.P90),
				loadtest.FormatMicros(p.P99), loadtest.FormatMicros(p.P999), loadtest.FormatMicros(p.Max)})
		}
	}
	delivery := "delivery"
	if r.Config.Scenario == loadtest.Echo {
		delivery = "round trip"
	}
	if r.ClosedLoop {
		delivery += " (closed loop)"
	}
	add(delivery, r.Latency)
	add("first receiver", r.FirstReceiver)
	add("last receiver", r.Completion)
	add("publisher's answer", r.Acknowledgement)
	add("handshake", r.Connections.Connect)
	add("TLS handshake", r.Connections.TLS)
	add("subscription", r.Connections.Subscribe)
	add("generator's lag", r.Generator.LoopLag)
	return t
}

func ledgerTable(r *loadtest.Report) Table {
	l := r.Ledger
	t := Table{Title: "Ledger of deliveries"}
	if r.Config.Scenario == loadtest.Idle {
		return t
	}
	t.count("expected", l.Expected)
	t.count("received", l.Received)
	t.count("lost", l.Lost)
	if r.Config.Recover {
		t.count("unrecovered", l.Unrecovered)
	}
	t.count("duplicated", l.Duplicated)
	t.count("reordered", l.Reordered)
	t.count("corrupted", l.Corrupted)
	t.count("misdelivered", l.Misdelivered)
	t.count("unconfirmed", l.Unconfirmed)
	return t
}

func publicationsTable(r *loadtest.Report) Table {
	p := r.Publications
	t := Table{Title: "Publications"}
	if r.Config.Scenario != loadtest.Fanout {
		return t
	}
	t.count("scheduled", p.Scheduled)
	t.count("acknowledged", p.Acknowledged)
	t.count("refused", p.Refused)
	t.count("of unknown outcome", p.Unknown)
	t.count("failed", p.Failed)
	t.count("unsent", p.Unsent)
	t.count("late", p.Late)
	t.count("held", p.Held)
	t.count("incomplete", r.Incomplete)
	return t
}

// causesTable lists what went wrong, by cause.
func causesTable(r *loadtest.Report) Table {
	t := Table{Title: "Causes", Head: []string{"", "cause", "count"}}
	for _, group := range []struct {
		name   string
		causes map[string]uint64
	}{{"not established", r.Connections.Failures}, {"ended early", r.Connections.Endings}, {"publication", r.Publications.Causes}} {
		for _, cause := range slices.Sorted(maps.Keys(group.causes)) {
			t.Rows = append(t.Rows, []string{group.name, cause, thousands(group.causes[cause])})
		}
	}
	return t
}

func serverTable(r *loadtest.Report) Table {
	t := Table{Title: "Server and generator"}
	if s := r.Server; s != nil {
		addServersSide(&t, s)
		if s.Problem != "" {
			t.add("problem", s.Problem)
		} else {
			t.add("CPU in the window", fmt.Sprintf("%.2f s in %.2f s", s.CPUSecs, s.WindowSecs))
			t.add("CPU for setup", fmt.Sprintf("%.1f µs per connection", s.SetupCPUPerConn))
			t.add("memory at the start", bytesOf(float64(s.RSSBefore)))
			t.add("memory with all connections", bytesOf(float64(s.RSSSettled)))
			t.add("memory at the end", bytesOf(float64(s.RSSAfter)))
			t.add("kernel slab", bytesOf(s.SlabPerConn)+" per connection (whole machine)")
		}
	}
	g := r.Generator
	t.add("generator CPU", fmt.Sprintf("%.0f %% of its threads, busiest loop %.0f %%", 100*g.CPUBusy, 100*g.LoopBusy))
	t.add("generator CPU per delivery", fmt.Sprintf("%.3f µs", g.CPUPerDelivery))
	t.add("late sends", thousands(g.Late))
	return t
}

func environmentTable(r *loadtest.Report) Table {
	e := r.Environment
	t := Table{Title: "Environment of the generator"}
	t.add("host", e.Host)
	t.add("kernel", e.OS+" "+e.Kernel+" "+e.Arch)
	t.add("CPU", fmt.Sprintf("%s, %d cores, %d usable", e.CPU, e.Cores, e.UsableCores))
	t.add("memory", bytesOf(float64(e.MemoryBytes)))
	t.add("open files", fmt.Sprintf("%s, at most %s", thousands(e.OpenFiles), thousands(e.OpenFilesHard)))
	t.add("Go", e.Go)
	commit := e.Revision
	if e.Modified {
		commit += " with changes"
	}
	t.add("wsload", strings.TrimSpace(e.Version+" "+commit))
	return t
}

func configTable(r *loadtest.Report) Table {
	c := r.Config
	t := Table{Title: "Configuration", Fold: true}
	t.add("scenario", string(c.Scenario))
	t.add("URL", c.URL)
	if c.PublishURL != "" {
		t.add("publish URL", c.PublishURL)
	}
	t.add("connections", fmt.Sprintf("%s at %g/s, %d in flight", thousands(c.Conns), c.ConnectRate, c.MaxInFlight))
	t.add("processes × threads", fmt.Sprintf("%d × %d", c.Processes, c.Threads))
	t.add("payload", fmt.Sprintf("%s bytes", thousands(c.Payload)))
	t.add("rate", fmt.Sprintf("%g/s, %d outstanding, %d publishers", c.Rate, c.Outstanding, c.Publishers))
	t.add("arrivals", fmt.Sprintf("%s, seed %d", c.Arrivals, c.Seed))
	t.add("duration", fmt.Sprintf("%g s after %g s of warm-up and %g s of rest", c.Duration, c.Warmup, c.Settle))
	return t
}

func sysctlTable(r *loadtest.Report) Table {
	t := Table{Title: "Kernel settings", Fold: true}
	for _, name := range slices.Sorted(maps.Keys(r.Environment.Sysctls)) {
		t.add(name, r.Environment.Sysctls[name])
	}
	return t
}

func (t *Table) add(name, value string) { t.Rows = append(t.Rows, []string{name, value}) }

func (t *Table) count(name string, n uint64) { t.add(name, thousands(n)) }
