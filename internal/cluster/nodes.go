package cluster

import (
	"slices"
	"strings"
	"time"
)

// silence is after how many of our own beats, heard back, a node that was not heard is taken for gone. Measured by our own beats, it is no silence of theirs when the
// wire is away, or when this process was stopped.
const silence = 5

// Node is one of the deployment.
type Node struct {
	ID      string    `json:"id"`   // another after each start
	Name    string    `json:"name"` // for people
	Version string    `json:"version"`
	Started time.Time `json:"started"`
}

// Change is something that happened to another node.
type Change struct {
	Node Node
	What What
}

// What happened.
type What uint8

// What can happen to a node.
const (
	Came What = iota // it is there
	Left             // it has said that it ends, or was not heard for some seconds
	Lost             // it is there, and something that it has told was lost
)

func (w What) String() string { return [...]string{"came", "left", "lost"}[w] }

// peer is what is known of another node. Guarded by Cluster.mu.
type peer struct {
	node  Node
	seq   uint64 // the last that it has said to all
	since int    // own beats heard since it was
}

// Nodes are the other ones that live, in the order of their ids.
func (c *Cluster) Nodes() []Node {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	nodes := make([]Node, 0, len(c.peers))
	for _, p := range c.peers {
		nodes = append(nodes, p.node)
	}
	slices.SortFunc(nodes, func(a, b Node) int { return strings.Compare(a.ID, b.ID) })
	return nodes
}

// Self is this node. The zero Node where it is alone.
func (c *Cluster) Self() Node {
	if c == nil {
		return Node{}
	}
	return c.self
}

// OnChange has watch called, as handlers are, with what happens to other nodes. A node that came after what it has told was lost is told as Came.
func (c *Cluster) OnChange(watch func(Change)) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watchers = append(c.watchers, watch)
}

// heardFrom notes that a node lives, and what of its words is missing. It tells what has changed.
func (c *Cluster) heardFrom(m *message) (changes []Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.peers[m.From]
	switch {
	case m.Kind == bye:
		if p != nil {
			delete(c.peers, m.From)
			changes = append(changes, Change{p.node, Left})
		}
		return changes
	case p == nil && m.Node == nil:
		return nil // its next beat tells who it is
	case p == nil:
		p = &peer{node: *m.Node, seq: m.Seq}
		c.peers[m.From] = p
		return append(changes, Change{p.node, Came})
	}
	p.since = 0
	if m.Seq != 0 {
		if m.Seq != p.seq+1 {
			c.lost.Add(1)
			changes = append(changes, Change{p.node, Lost})
		}
		p.seq = m.Seq
	}
	return changes
}

// heardSelf counts a beat of our own, and takes for gone whom we have not heard for a while.
func (c *Cluster) heardSelf() (changes []Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, p := range c.peers {
		if p.since++; p.since > silence {
			delete(c.peers, id)
			changes = append(changes, Change{p.node, Left})
		}
	}
	return changes
}
