package hub

import (
	"slices"
	"strings"

	"github.com/wsedge/wsedge/internal/dialect"
)

// Answer is what a node answers about its own members of a channel.
type Answer struct {
	Node    string
	Version uint64 // of the members: see Report
	dialect.Members
}

// Answer is this node's, without its name: see Channel.Present.
func (h *Hub) Answer(name, after string, limit int) Answer {
	c := h.Find(name)
	if c == nil {
		return Answer{Members: dialect.Members{Channel: name, Listed: h.Options(name).Members}}
	}
	defer c.Release()
	m, version := c.present(after, limit)
	return Answer{Version: version, Members: m}
}

// Await is Channel.Await for the channel of that name, open or not.
func (h *Hub) Await(name string) {
	if c := h.Find(name); c != nil {
		c.Await()
		c.Release()
	}
}

// Merge is who is subscribed to a channel on this node, and on others by their answers to the same question. What was heard of those since they
// answered is in it, too, so that a client that has heard the notices of that, and hears those behind the answer, misses nothing.
func (h *Hub) Merge(name, after string, limit int, answers []Answer) dialect.Members {
	m := dialect.Members{Channel: name, Listed: h.Options(name).Members}
	c := h.Find(name)
	if c != nil {
		defer c.Release()
		m, _ = c.present(after, limit)
	}
	bound := endOf(&m, "")
	for _, a := range answers {
		bound = endOf(&a.Members, bound) // also where all on its page have left since
		if c != nil {
			c.withAfar(func(_ *members, b *afar) { b.bring(&a, after) })
		}
		m.Count += a.Count
		m.Listed = m.Listed && a.Listed
		m.More = m.More || a.More
		m.Incomplete = m.Incomplete || a.Incomplete
		m.Clients = append(m.Clients, a.Clients...)
	}
	if !m.Listed || m.Count > MaxListed {
		m.Listed, m.Clients, m.More = false, nil, false
		return m
	}
	more := m.More
	if bound != "" { // behind it some node may have others
		m.Clients = slices.DeleteFunc(m.Clients, func(p dialect.Present) bool { return p.Client > bound })
	}
	cut(&m, after, limit)
	if m.More = m.More || more; m.More && len(m.Clients) == 0 { // all that a node has answered have left since
		m.More, m.Incomplete = false, true
	}
	return m
}

// endOf is up to which client a page is known: the least of bound and where this one ends. Empty: there is no bound.
func endOf(m *dialect.Members, bound string) string {
	if !m.More || len(m.Clients) == 0 {
		return bound
	}
	if last := m.Clients[len(m.Clients)-1].Client; bound == "" || last < bound {
		return last
	}
	return bound
}

// bring brings a node's answer up to what was heard of it since. The caller holds members.mu.
func (a *afar) bring(answer *Answer, after string) {
	e := a.nodes[answer.Node]
	switch {
	case e == nil && a.recent.ended(answer.Node, answer.Version):
		answer.Count, answer.Clients, answer.More = 0, nil, false
		return
	case e == nil || e.Version <= answer.Version:
		return // what it has not told yet is told behind the answer
	}
	answer.Count = e.Count
	if !answer.Listed {
		return
	}
	at, last := answer.Version, endOf(&answer.Members, "")
	answer.Clients = slices.Clone(answer.Clients) // others look at it, too
	for _, r := range a.recent.reports {
		if r.node != answer.Node || r.Version <= at {
			continue
		}
		if !r.Whole || r.Base > at {
			break
		}
		for _, change := range r.Changes {
			if id := change.Who.Client; id > after && (last == "" || id <= last) {
				answer.change(&change)
			}
		}
		at = r.Version
	}
	answer.Incomplete = answer.Incomplete || at != e.Version
}

// change makes one change to the clients, which are in the order of their ids. Nothing happens where it was made already.
func (a *Answer) change(change *Change) {
	i, there := slices.BinarySearchFunc(a.Clients, change.Who.Client, func(p dialect.Present, id string) int { return strings.Compare(p.Client, id) })
	switch {
	case there && !change.Joined:
		a.Clients = slices.Delete(a.Clients, i, i+1)
	case !there && change.Joined:
		a.Clients = slices.Insert(a.Clients, i, change.Who)
	}
}
