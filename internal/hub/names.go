package hub

// EachName calls f for each open channel and each wildcard in use, in no order. Those that come or go meanwhile may be missing. f is called with a
// part of the hub locked: it must neither wait nor use the hub.
func (h *Hub) EachName(f func(name string)) {
	for i := range h.shards {
		s := &h.shards[i]
		s.mu.Lock()
		for name := range s.byName {
			f(name)
		}
		s.mu.Unlock()
	}
	for _, w := range h.wildcards() {
		f(w.name)
	}
}
