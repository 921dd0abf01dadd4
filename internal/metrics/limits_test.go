package metrics

import "testing"

func TestAppendLimits(t *testing.T) {
	got := string(AppendLimits([]byte("before\n"), Limits{Refused: map[string]int64{"b": 2, "a": 1}, Addresses: 3, Users: 4, Crowded: 5}))
	want := `before
# HELP wsedge_limited_total Commands and API requests refused because of a limit, and clients closed for going on.
# TYPE wsedge_limited_total counter
wsedge_limited_total{reason="a"} 1
wsedge_limited_total{reason="b"} 2
# HELP wsedge_limited_addresses Addresses with connections, where these are limited.
# TYPE wsedge_limited_addresses gauge
wsedge_limited_addresses 3
# HELP wsedge_limited_users Users with connections, where these are limited.
# TYPE wsedge_limited_users gauge
wsedge_limited_users 4
# HELP wsedge_limit_table_full_total Times that a rate had to be shared because too many were in use.
# TYPE wsedge_limit_table_full_total counter
wsedge_limit_table_full_total 5
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
