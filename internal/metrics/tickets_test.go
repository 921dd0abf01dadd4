package metrics

import "testing"

func TestAppendTickets(t *testing.T) {
	got := string(AppendTickets(nil, Tickets{Issued: 3, Taken: 2, Refused: map[string]int64{"too_old": 1, "forged": 0}}))
	want := `# HELP wsedge_tickets_issued_total Resume tickets given to clients.
# TYPE wsedge_tickets_issued_total counter
wsedge_tickets_issued_total 3
# HELP wsedge_tickets_taken_total Clients that came back with one.
# TYPE wsedge_tickets_taken_total counter
wsedge_tickets_taken_total 2
# HELP wsedge_tickets_refused_total Resume tickets that were not good.
# TYPE wsedge_tickets_refused_total counter
wsedge_tickets_refused_total{reason="forged"} 0
wsedge_tickets_refused_total{reason="too_old"} 1
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
