package edge

import (
	"fmt"
	"strings"
	"testing"
)

// How much memory the history takes is to be seen, and that it is not enough.
func TestHistoryIsInTheMetrics(t *testing.T) {
	s := startServer(t, Config{Namespaces: keeping(100, nil), HistoryMaxBytes: 4800})
	body := fmt.Sprintf(`"%s"`, strings.Repeat("x", 800))
	publishAll(t, s, body, body)
	text := func() string { _, text := call(t, s, "GET", "/metrics", "", nil); return text }
	for _, want := range []string{"\nwsedge_history_bytes 1956\n", "\nwsedge_idempotency_key_bytes 0\n", "{reason=\"memory\"} 0\n"} {
		if got := text(); !strings.Contains(got, want) {
			t.Errorf("%q is missing", want)
		}
	}
	publishAll(t, s, body, body, body)
	if !strings.Contains(text(), "\nwsedge_history_given_up_total{reason=\"memory\"} 2\n") || !s.historyShort() {
		t.Error("nothing was counted")
	}
}

// An answer has as much as the connection can hold, and what is missing in it can be asked for.
func TestHistoryFitsTheConnection(t *testing.T) {
	s := startServer(t, Config{Namespaces: keeping(200, nil), OutboundMaxBytes: 20_000})
	var data []string
	for i := range 150 {
		data = append(data, fmt.Sprintf(`"%d%s"`, i, strings.Repeat("x", 500)))
	}
	epoch := publishAll(t, s, data...)
	c := greet(t, s)
	for offset, rounds := 0, 0; offset < len(data); rounds++ {
		c.say(fmt.Sprintf(`{"type":"history","channel":"news","since":{"epoch":%q,"offset":%d}}`, epoch, offset))
		got := c.hear()
		n := strings.Count(got, `"offset":`) - 1
		if n < 1 || rounds > 50 || !strings.Contains(got, fmt.Sprintf(`"recovered":true,"publications":[{"data":%s,"offset":%d}`, data[offset], offset+1)) {
			t.Fatalf("after %d, %d: %.200s", offset, n, got)
		}
		offset += n
	}
	c.say(`{"type":"history","channel":"news"}`)
	c.want(`{"type":"history",*"offset":150}]}`)
	publishAll(t, s, `"`+strings.Repeat("y", 30_000)+`"`)
	c.say(`{"type":"history","channel":"news","limit":1}`)
	c.want(`{"type":"history",*"offset":151}]}`)
	c.idle()
}
