package main

import (
	"fmt"
	"strconv"
	"strings"
)

const notes = `Every figure is the median of the rounds; the servers ran in turns within each round, pinned to cores of their own. Raw
reports of wsload: ` + "`runs.jsonl`" + `, one line a run. Read the ratios before the absolute numbers.

- **CPU**: user and system time of the server's process per delivery, within the measured window. **× floor**: over the floor's in the same cell.
- **p50, p99, max**: from the intended time of a publication to each delivery. **last p99**: to its last receiver.
- **idle, loaded**: RSS beyond that at the start, per connection: subscribed and at rest, and at the end of the load. The kernel's
  memory, about 5 KB a socket, comes on top for all.
- **setup**: server CPU per connection from accept to the reply to subscribe.
- **lost**: deliveries lost in all rounds, and connections that the server ended.
- **generator**: rounds in which the load tool calls itself the bottleneck, of all rounds. Latency counts from the intended time, so what
  it was late is in the figures; CPU per delivery is the server's all the same.

`

// markdown is the whole page.
func markdown(runs []run, machine string) string {
	var b strings.Builder
	b.WriteString("# wsedge beside the floor and other libraries\n\n")
	b.WriteString("Made by `loadtest/bench-peers.sh`; to make it again from the raw results: `loadtest/bench-peers.sh --page DIR`.\n\n")
	b.WriteString("```\n" + strings.TrimSpace(machine) + "\n```\n\n")
	b.WriteString(notes)
	for _, c := range distinct(runs, (*run).cell) {
		here := where(runs, func(r *run) bool { return r.cell() == c })
		if c.Scenario == "echo" {
			echoTable(&b, c, here)
		} else {
			fanoutTable(&b, c, here)
		}
	}
	reasons(&b, runs)
	return b.String()
}

func fanoutTable(b *strings.Builder, c cell, runs []run) {
	config := runs[0].Report.Config
	fmt.Fprintf(b, "## %s subscribers, %d outstanding, %d B\n\n", grouped(float64(c.Conns)), c.Outstanding, c.Payload)
	fmt.Fprintf(b, "%s publications a second, %s s a round.\n\n", digits(config.Rate), digits(config.Duration))
	b.WriteString("| | CPU µs | × floor | deliveries/s | deliveries per CPU-s | p50 ms | p99 ms | max ms | last p99 ms | idle B | loaded B | setup µs | lost | generator |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	cpu := func(r *report) float64 { return r.Server.Delivery }
	floor := median(where(runs, func(r *run) bool { return r.Server == "floor" }), cpu)
	for _, server := range distinct(runs, func(r *run) string { return r.Server }) {
		rounds := where(runs, func(r *run) bool { return r.Server == server })
		m := func(figure func(*report) float64) float64 { return median(rounds, figure) }
		cells := []string{
			"**" + server + "**",
			fmt.Sprintf("%.2f", m(cpu)), ratio(m(cpu), floor),
			grouped(m((*report).perSecond)), grouped(m((*report).perCPUSecond)),
			ms(m(func(r *report) float64 { return r.Latency.P50 })),
			ms(m(func(r *report) float64 { return r.Latency.P99 })),
			ms(m(func(r *report) float64 { return r.Latency.Max })),
			ms(m(func(r *report) float64 { return r.Completion.P99 })),
			grouped(m((*report).idleBytes)), grouped(m((*report).loadedBytes)),
			fmt.Sprintf("%.0f", m(func(r *report) float64 { return r.Server.Setup })),
			losses(rounds), bottlenecks(rounds),
		}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	fmt.Fprintf(b, "\n![CPU per delivery and p99 of each server](%s)\n\n", plotName(c))
}

func echoTable(b *strings.Builder, c cell, runs []run) {
	config := runs[0].Report.Config
	fmt.Fprintf(b, "## Echo, %d connections, %d B\n\n", c.Conns, c.Payload)
	fmt.Fprintf(b, "One message outstanding on each connection; each server with GOMAXPROCS=1 on one core; %s s a round.\n\n", digits(config.Duration))
	b.WriteString("| | round trips per CPU-s | wsedge is × | round trips/s | share of its core | generator |\n|---|---|---|---|---|---|\n")
	ours := median(where(runs, func(r *run) bool { return r.Server == "wsedge" }), (*report).perCPUSecond)
	for _, server := range distinct(runs, func(r *run) string { return r.Server }) {
		rounds := where(runs, func(r *run) bool { return r.Server == server })
		trips := median(rounds, (*report).perCPUSecond)
		share := median(rounds, func(r *report) float64 { return quotient(r.Server.CPU, r.Server.Window) })
		fmt.Fprintf(b, "| **%s** | %s | %s | %s | %.0f %% | %s |\n", server, grouped(trips), ratio(ours, trips),
			grouped(median(rounds, (*report).perSecond)), 100*share, bottlenecks(rounds))
	}
	b.WriteString("\n")
}

// reasons lists what the load tool said of itself.
func reasons(b *strings.Builder, runs []run) {
	busy := where(runs, func(r *run) bool { return r.Report.Generator.Bottleneck })
	fmt.Fprintf(b, "## The load tool's word on itself\n\nIt was the bottleneck in %d of %d runs.\n", len(busy), len(runs))
	if len(busy) == 0 {
		return
	}
	b.WriteString("\n")
	for _, r := range busy {
		c := r.cell()
		fmt.Fprintf(b, "- %s, %d connections, %d B, %d outstanding, %s, round %d: %s\n", c.Scenario, c.Conns, c.Payload, max(c.Outstanding, 1),
			r.Server, r.Round, strings.Join(r.Report.Generator.Reasons, "; "))
	}
}

func losses(rounds []run) string {
	var lost, ended, failed int
	for _, r := range rounds {
		lost += int(r.Report.Ledger.Lost)
		for _, n := range r.Report.Connections.Endings {
			ended += n
		}
		if r.Status != 0 && r.Status != statusInvalid {
			failed++
		}
	}
	text := grouped(float64(lost))
	if ended > 0 {
		text += fmt.Sprintf(" (%s ended)", grouped(float64(ended)))
	}
	if failed > 0 {
		text += fmt.Sprintf("; %d of %d rounds failed", failed, len(rounds))
	}
	return text
}

func bottlenecks(rounds []run) string {
	busy := where(rounds, func(r *run) bool { return r.Report.Generator.Bottleneck })
	return fmt.Sprintf("%d of %d", len(busy), len(rounds))
}

func ratio(a, b float64) string {
	if b <= 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", a/b)
}

// ms shows microseconds as milliseconds.
func ms(us float64) string {
	if us < 10_000 {
		return fmt.Sprintf("%.2f", us/1000)
	}
	return fmt.Sprintf("%.1f", us/1000)
}

// digits shows no more decimals than there are.
func digits(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// grouped shows a whole number with a comma every three digits.
func grouped(v float64) string {
	text := fmt.Sprintf("%.0f", v)
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return sign + text
}
