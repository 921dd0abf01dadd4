package metrics

// History is what is told of the channels' histories.
type History struct {
	Bytes        int64 // held, idempotency keys included
	Publications int64 // given up before their time, or never kept, because the bound of bytes was reached
	Keys         int64 // idempotency keys likewise
	Channels     int64 // dropped with a history, because there were too many channels
}

// AppendHistory appends the exposition of h.
func AppendHistory(dst []byte, h History) []byte {
	e := exposition{dst}
	e.one("wsedge_history_bytes", "gauge", "Memory of the channels' histories and idempotency keys.", h.Bytes)
	e.byReason("wsedge_history_lost_total", "What histories gave up before its time, or never kept, for want of room.", map[string]int64{
		"publications": h.Publications, "keys": h.Keys, "channels": h.Channels,
	})
	return e.text
}
