package edge

import (
	"fmt"
	"strings"
	"testing"
)

// How much memory the history takes is to be seen, and that it is not enough.
func TestHistoryIsInTheMetrics(t *testing.T) {
	s := startServer(t, Config{Namespaces: keeping(100, nil), HistoryMaxBytes: 4000})
	body := fmt.Sprintf(`"%s"`, strings.Repeat("x", 800))
	publishAll(t, s, body, body)
	text := func() string { _, text := call(t, s, "GET", "/metrics", "", nil); return text }
	for _, want := range []string{"\nwsedge_history_bytes 1956\n", "\nwsedge_idempotency_key_bytes 0\n", "{reason=\"memory\"} 0\n"} {
		if got := text(); !strings.Contains(got, want) {
			t.Errorf("%q is missing", want)
		}
	}
	publishAll(t, s, body, body, body)
	if !strings.Contains(text(), "\nwsedge_history_given_up_total{reason=\"memory\"} 2\n") {
		t.Error("nothing was counted")
	}
}
