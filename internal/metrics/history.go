package metrics

// History is what the node keeps of its channels' past, and what it gave up for want of room.
type History struct {
	Bytes, KeyBytes              int64 // in publications, and in idempotency keys
	Publications, Keys, Channels int64 // given up before their time, by what was too much
}

// AppendHistory appends it.
func AppendHistory(dst []byte, h History) []byte {
	e := exposition{dst}
	e.one("wsedge_history_bytes", "gauge", "Memory of all channels' history.", h.Bytes)
	e.one("wsedge_idempotency_key_bytes", "gauge", "Memory of all idempotency keys.", h.KeyBytes)
	e.byReason("wsedge_history_given_up_total", "Publications and idempotency keys not kept for want of memory, and histories of unused channels dropped because there was too much, or too many channels.",
		map[string]int64{"memory": h.Publications, "keys": h.Keys, "channels": h.Channels})
	return e.text
}
