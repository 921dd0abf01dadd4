package hub

import (
	"container/heap"
	"slices"
	"strings"

	"github.com/wsedge/wsedge/internal/dialect"
)

// Listed is a channel of this node, as List found it.
type Listed struct {
	Name        string
	Subscribers int
}

// Find returns the channel of that name if it is open, and keeps it alive until Release; nil if it is not.
func (h *Hub) Find(name string) *Channel {
	s := h.shardOf(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.byName[name]
	if c != nil {
		c.users++
	}
	return c
}

// Members is who is subscribed to the channel of that name, open or not: see Channel.Present.
func (h *Hub) Members(name, after string, limit int) dialect.Members {
	c := h.Find(name)
	if c == nil {
		return dialect.Members{Channel: name, Listed: h.Options(name).Members}
	}
	defer c.Release()
	return c.Present(after, limit)
}

// List returns the open channels whose names begin with prefix and come behind after, in the order of their names, at most
// limit; more tells that there may be others behind those, and then there is at least one. The first page of a walk, without after, looks at
// every channel of the node, a shard at a time; the others do so once for many pages, and may miss what was opened less than walkLife ago.
func (h *Hub) List(prefix, after string, limit int) (page []Listed, more bool) {
	wanted := limit + 1
	if after != "" {
		if page, more, ok := h.walks.page(h, prefix, after, limit); ok {
			return page, more
		}
		wanted = max(wanted, walkAhead)
	}
	for len(page) == 0 { // once more where all that was found has been closed meanwhile
		names := h.least(prefix, after, wanted)
		w := walk{prefix: prefix, names: slices.Insert(names, 0, after), whole: len(names) < wanted, until: h.config.Now().Add(walkLife)}
		if after != "" {
			h.walks.keep(w)
		}
		if page, more, _ = w.page(h, 0, limit); !more {
			break
		}
		after = w.names[len(w.names)-1]
	}
	return page, more
}

// least are the first n names of open channels that begin with prefix and come behind after, in their order.
func (h *Hub) least(prefix, after string, n int) []string {
	var least lastFirst
	for i := range h.shards {
		s := &h.shards[i]
		s.mu.Lock()
		for name := range s.byName {
			if strings.HasPrefix(name, prefix) && name > after {
				least.offer(name, n)
			}
		}
		s.mu.Unlock()
	}
	slices.Sort(least)
	return least
}

// listed is what List tells of the channel of that name; ok is false where it is not open.
func (h *Hub) listed(name string) (l Listed, ok bool) {
	s := h.shardOf(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.byName[name]
	if c == nil {
		return l, false
	}
	return Listed{c.name, c.Subscribers()}, true
}

// lastFirst is a heap of names with the last at the top.
type lastFirst []string

// offer takes a name if it is among the n least.
func (l *lastFirst) offer(name string, n int) {
	switch {
	case len(*l) < n:
		heap.Push(l, name)
	case name < (*l)[0]:
		(*l)[0] = name
		heap.Fix(l, 0)
	}
}

// Len implements heap.Interface.
func (l lastFirst) Len() int { return len(l) }

// Less implements heap.Interface.
func (l lastFirst) Less(i, j int) bool { return l[i] > l[j] }

// Swap implements heap.Interface.
func (l lastFirst) Swap(i, j int) { l[i], l[j] = l[j], l[i] }

// Push implements heap.Interface.
func (l *lastFirst) Push(name any) { *l = append(*l, name.(string)) }

// Pop implements heap.Interface.
func (l *lastFirst) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}
