package metrics

import (
	"strings"
	"testing"
)

func TestAppendHistory(t *testing.T) {
	text := string(AppendHistory(nil, History{Bytes: 5, Publications: 6, Keys: 7, Channels: 8}))
	want := `wsedge_history_lost_total{reason="channels"} 8
wsedge_history_lost_total{reason="keys"} 7
wsedge_history_lost_total{reason="publications"} 6
`
	if !strings.HasSuffix(text, want) || !strings.Contains(text, "\nwsedge_history_bytes 5\n") {
		t.Error(text)
	}
}
