package hub

import (
	"slices"
	"sync"
	"time"
)

const (
	// walkAhead is how many names a look at all channels of the node finds for the pages to come: 16 B each, and the name. A walk through a
	// million channels looks 50 times at all of them, instead of 10,000 times.
	walkAhead = 20_000
	// walkLife is how long they are good for.
	walkLife = 10 * time.Second
	// maxWalks is how many walks are remembered. Those above it have the oldest look anew: slow, not wrong.
	maxWalks = 4
)

// walk is what a look at the channels has found for the pages of List.
type walk struct {
	prefix string
	names  []string // in order, without a gap when they were found, but for the first: it is what they come behind. Never changed
	whole  bool     // there were none behind them
	until  time.Time
}

// page takes names behind the one at i. ok is false where there are too few of them, and others behind them.
func (w *walk) page(h *Hub, i, limit int) (page []Listed, more, ok bool) {
	for i++; i < len(w.names) && len(page) < limit; i++ {
		if c, open := h.listed(w.names[i]); open {
			page = append(page, c)
		}
	}
	return page, i < len(w.names) || !w.whole, len(page) == limit || w.whole
}

// walks are those that somebody is on. Safe from any goroutine.
type walks struct {
	// Guarded by mu.
	mu   sync.Mutex
	last []walk // the newest first
}

// page is the page behind after, if a walk remembers it: after is one of its names.
func (ws *walks) page(h *Hub, prefix, after string, limit int) (page []Listed, more, ok bool) {
	w, i, ok := ws.find(prefix, after, h.config.Now())
	if !ok {
		return nil, false, false
	}
	return w.page(h, i, limit)
}

// find looks for a walk with that name, and for the place of the name in it.
func (ws *walks) find(prefix, name string, now time.Time) (w walk, i int, ok bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.last = slices.DeleteFunc(ws.last, func(w walk) bool { return !now.Before(w.until) })
	for _, w := range ws.last {
		if w.prefix != prefix {
			continue
		}
		if i, ok := slices.BinarySearch(w.names, name); ok {
			return w, i, true
		}
	}
	return w, 0, false
}

func (ws *walks) keep(w walk) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.last = slices.Insert(ws.last, 0, w)
	if len(ws.last) > maxWalks {
		ws.last = slices.Delete(ws.last, maxWalks, len(ws.last))
	}
}
