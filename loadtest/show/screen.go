package show

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wsedge/wsedge/loadtest"
)

// screen draws a run as lines of at most width characters; bars of history take what room there is.
func screen(s *loadtest.Status, width int) []string {
	width = max(width, 20)
	last := s.Last()
	state := fmt.Sprintf("%s  %s", s.Phase, clock(s.Elapsed.Round(time.Second).Seconds()))
	if s.Left > 0 {
		state += fmt.Sprintf(", %s left", clock(s.Left.Round(time.Second).Seconds()))
	}
	history := max(min(width-46, 60), 0)
	row := func(name, text string, figure func(loadtest.Interval) float64) string {
		return fmt.Sprintf("%-13s %-30s %s", name, text, spark(s.Seconds, history, figure))
	}
	lines := []string{
		fmt.Sprintf("wsload %s  %s", s.Config.Title(), s.Config.URL), state, "",
		row("connections", fmt.Sprintf("%s of %s", thousands(s.Established-s.Ended), thousands(s.Config.Conns)),
			func(i loadtest.Interval) float64 { return float64(i.Conns) }),
		fmt.Sprintf("%-13s failed %s, ended early %s", "", thousands(s.Failed), thousands(s.Ended)),
	}
	if s.Config.Scenario != loadtest.Idle {
		lines = append(lines, loadLines(s, last, row)...)
	}
	lines = append(lines, "", row("generator", fmt.Sprintf("CPU %.2f cores", last.GeneratorCPU), func(i loadtest.Interval) float64 { return i.GeneratorCPU }))
	if last.ServerRSS > 0 {
		lines = append(lines,
			row("server", fmt.Sprintf("CPU %.2f cores", last.ServerCPU), func(i loadtest.Interval) float64 { return i.ServerCPU }),
			row("", "memory "+bytesOf(float64(last.ServerRSS)), func(i loadtest.Interval) float64 { return float64(i.ServerRSS) }))
	}
	for i, l := range lines {
		lines[i] = clip(strings.TrimRight(l, " "), width)
	}
	return lines
}

// loadLines are those about messages.
func loadLines(s *loadtest.Status, last loadtest.Interval, row func(string, string, func(loadtest.Interval) float64) string) []string {
	sent := "published"
	if s.Config.Scenario == loadtest.Echo {
		sent = "sent"
	}
	times := func(name string, p50, p90, p99, p999, largest string) string {
		return fmt.Sprintf("%-13s %9s %9s %9s %9s %9s", name, p50, p90, p99, p999, largest)
	}
	all := s.Latency
	f := func(us int64) string {
		if us == 0 {
			return "-"
		}
		return loadtest.FormatMicros(us)
	}
	return []string{
		fmt.Sprintf("%-13s %s", sent, thousands(s.Published)),
		row("delivered", fmt.Sprintf("%s, %s/s", thousands(s.Delivered), amount(last.PerSecond(last.Delivered))),
			func(i loadtest.Interval) float64 { return i.PerSecond(i.Delivered) }),
		fmt.Sprintf("%-13s missing %s, faulty %s, late sends %s", "loss", thousands(s.Missing), thousands(s.Faulty), thousands(s.Late)),
		"",
		times("latency", "p50", "p90", "p99", "p99.9", "max"),
		times("  last second", f(last.P50), "", f(last.P99), "", f(last.Max)),
		times("  all", f(all.P50), f(all.P90), f(all.P99), f(all.P999), f(all.Max)),
		row("  p99", "", func(i loadtest.Interval) float64 { return float64(i.P99) }),
	}
}

var bars = []rune(" ▁▂▃▄▅▆▇█")

// spark draws the last seconds as bars, of which the highest is full.
func spark(seconds []loadtest.Interval, width int, figure func(loadtest.Interval) float64) string {
	seconds = seconds[max(0, len(seconds)-width):]
	largest := 0.0
	for _, s := range seconds {
		largest = max(largest, figure(s))
	}
	var out strings.Builder
	for _, s := range seconds {
		level := 0
		if v := figure(s); v > 0 {
			level = max(1, int(v/largest*float64(len(bars)-1)+0.5))
		}
		out.WriteRune(bars[level])
	}
	return out.String()
}

// clip cuts a line to that many characters.
func clip(line string, width int) string {
	if utf8.RuneCountInString(line) <= width {
		return line
	}
	return string([]rune(line)[:width-1]) + "…"
}
