package metrics

import "testing"

func TestAppendAcks(t *testing.T) {
	got := string(AppendAcks([]byte("before\n"), Acks{
		Cursors: 1, Bytes: 2, Forgotten: map[string]int64{"users": 3, "channel": 4, "reload": 5}, Refused: map[string]int64{"users": 6, "memory": 7},
	}))
	want := `before
# HELP wsedge_ack_cursors Users of channels of whom it is kept what they have acknowledged.
# TYPE wsedge_ack_cursors gauge
wsedge_ack_cursors 1
# HELP wsedge_ack_cursor_bytes Memory of these.
# TYPE wsedge_ack_cursor_bytes gauge
wsedge_ack_cursor_bytes 2
# HELP wsedge_ack_cursors_forgotten_total Users of channels of whom it was forgotten: for others (users), with their channel (channel), or because a reload has changed how many are kept (reload).
# TYPE wsedge_ack_cursors_forgotten_total counter
wsedge_ack_cursors_forgotten_total{reason="channel"} 4
wsedge_ack_cursors_forgotten_total{reason="reload"} 5
wsedge_ack_cursors_forgotten_total{reason="users"} 3
# HELP wsedge_ack_cursors_refused_total Subscriptions and acknowledgements of users of whom it could not be kept: as many others are connected (users), or there is no memory (memory).
# TYPE wsedge_ack_cursors_refused_total counter
wsedge_ack_cursors_refused_total{reason="memory"} 7
wsedge_ack_cursors_refused_total{reason="users"} 6
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
