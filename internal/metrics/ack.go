package metrics

// Acks are what the node keeps of what users have acknowledged, what of it was forgotten, and what could not be kept.
type Acks struct {
	Cursors, Bytes     int64
	Forgotten, Refused map[string]int64 // by reason
}

// AppendAcks appends it.
func AppendAcks(dst []byte, a Acks) []byte {
	e := exposition{dst}
	e.one("wsedge_ack_cursors", "gauge", "Users of channels of whom it is kept what they have acknowledged.", a.Cursors)
	e.one("wsedge_ack_cursor_bytes", "gauge", "Memory of these.", a.Bytes)
	e.byReason("wsedge_ack_cursors_forgotten_total",
		"Users of channels of whom it was forgotten: for others (users), with their channel (channel), or because a reload has changed how many are kept (reload).", a.Forgotten)
	e.byReason("wsedge_ack_cursors_refused_total",
		"Subscriptions and acknowledgements of users of whom it could not be kept: as many others are connected (users), or there is no memory (memory).", a.Refused)
	return e.text
}
