package observability

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/METRICS.md anew")

const pageHead = `# Metrics

<!-- Made from what a server shows: go test ./test/observability -run TestPage -update -->

*For whoever reads what ` + "`GET /metrics`" + ` shows, or has it read by Prometheus.* What to look at, alerts and a dashboard: [OPERATING.md](OPERATING.md#metrics). No label is a client's choice.
Some are there only with what they are about: TLS, authentication, webhooks, tracing, an engine that nodes share, workers.

| metric | kind | labels | |
|---|---|---|---|
`

// page is docs/METRICS.md.
func page(all []*metric) string {
	var b strings.Builder
	b.WriteString(pageHead)
	for _, m := range all {
		labels := strings.Join(labelsOf(m), "`, `")
		if labels != "" {
			labels = "`" + labels + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.name, m.kind, labels, strings.ReplaceAll(m.help, "|", `\|`))
	}
	return b.String()
}

// TestPage keeps the page up to date. That Linux says more of a process than others is no difference between pages: it is made there.
func TestPage(t *testing.T) {
	const name = "../../docs/METRICS.md"
	want := page(read(t, scrape(t)))
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil || string(got) != want && strings.Contains(want, "process_open_fds") {
		t.Errorf("%s is not what there is: go test ./test/observability -run TestPage -update (%v)", name, err)
	}
}
