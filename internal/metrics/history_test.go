package metrics

import "testing"

func TestAppendHistory(t *testing.T) {
	got := string(AppendHistory([]byte("before\n"), History{Bytes: 1, KeyBytes: 2, Publications: 3, Keys: 4, Channels: 5}))
	want := `before
# HELP wsedge_history_bytes Memory of all channels' history.
# TYPE wsedge_history_bytes gauge
wsedge_history_bytes 1
# HELP wsedge_idempotency_key_bytes Memory of all idempotency keys.
# TYPE wsedge_idempotency_key_bytes gauge
wsedge_idempotency_key_bytes 2
# HELP wsedge_history_given_up_total Publications and idempotency keys not kept for want of memory, and histories of unused channels dropped because there was too much, or too many channels.
# TYPE wsedge_history_given_up_total counter
wsedge_history_given_up_total{reason="channels"} 5
wsedge_history_given_up_total{reason="keys"} 4
wsedge_history_given_up_total{reason="memory"} 3
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
