package metrics

// Tickets are what became of resume tickets.
type Tickets struct {
	Issued, Taken int64
	Refused       map[string]int64 // by reason
}

// AppendTickets appends it.
func AppendTickets(dst []byte, t Tickets) []byte {
	e := exposition{dst}
	e.one("wsedge_tickets_issued_total", "counter", "Resume tickets given to clients.", t.Issued)
	e.one("wsedge_tickets_taken_total", "counter", "Clients that came back with one.", t.Taken)
	e.byReason("wsedge_tickets_refused_total", "Resume tickets that were not good.", t.Refused)
	return e.text
}
