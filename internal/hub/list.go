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
// limit; more tells that there are others behind those. It looks at every channel of the node, a shard at a time.
func (h *Hub) List(prefix, after string, limit int) (page []Listed, more bool) {
	var least lastFirst // the least limit + 1 of those seen
	for i := range h.shards {
		s := &h.shards[i]
		s.mu.Lock()
		for name, c := range s.byName {
			if strings.HasPrefix(name, prefix) && name > after {
				least.offer(Listed{name, c.Subscribers()}, limit+1)
			}
		}
		s.mu.Unlock()
	}
	page = least
	slices.SortFunc(page, func(a, b Listed) int { return strings.Compare(a.Name, b.Name) })
	more = len(page) > limit
	return page[:min(limit, len(page))], more
}

// lastFirst is a heap of channels with the last by name at the top.
type lastFirst []Listed

// offer takes a channel if it is among the n least.
func (l *lastFirst) offer(c Listed, n int) {
	switch {
	case len(*l) < n:
		heap.Push(l, c)
	case c.Name < (*l)[0].Name:
		(*l)[0] = c
		heap.Fix(l, 0)
	}
}

// Len implements heap.Interface.
func (l lastFirst) Len() int { return len(l) }

// Less implements heap.Interface.
func (l lastFirst) Less(i, j int) bool { return l[i].Name > l[j].Name }

// Swap implements heap.Interface.
func (l lastFirst) Swap(i, j int) { l[i], l[j] = l[j], l[i] }

// Push implements heap.Interface.
func (l *lastFirst) Push(c any) { *l = append(*l, c.(Listed)) }

// Pop implements heap.Interface.
func (l *lastFirst) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}
