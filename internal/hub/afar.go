package hub

import (
	"slices"
	"time"

	"github.com/wsedge/wsedge/internal/dialect"
)

// Exchange tells other nodes of the members of channels with notices.
type Exchange interface {
	// Stirred says that the members of a channel have changed since its last Report. It is called with the channel's members locked: it must neither wait nor use the channel.
	Stirred(c *Channel)
}

// Bounds of the changes that a Report tells one by one. More than 100 within some 20 ms are a crowd that comes or goes at once: each would be a delivery to up to 500 members, so the count
// stands for them all.
const (
	maxChanges      = 100
	maxChangesBytes = 64 << 10 // as JSON six times that at worst: one message of the cluster
)

// Change is one join or leave.
type Change struct {
	Joined bool // else left
	Who    dialect.Present
}

// Report is what a node tells others of its own members of a channel.
type Report struct {
	// Version rises with each change of a node's members, in whatever channel. Base is the one that the report before it had, 0 for the first since the channel has members.
	Base, Version uint64
	// Count is how many members the node has.
	Count int
	// Changes are those behind Base, if Whole; else they were too many to be told.
	Changes []Change
	Whole   bool
	// Closed says that there are no members any more.
	Closed bool
}

// afar is what members need to be those of several nodes. Guarded by members.mu.
type afar struct {
	// Of this node.
	version uint64 // of its members
	told    Tally  // by the last report
	changes []Change
	bytes   int  // of changes
	lost    bool // there were changes that are not among them
	stirred bool // the exchange knows that there is something to report

	// Of the others.
	nodes  map[string]*elsewhere // by the node's id
	count  int                   // the sum of theirs
	recent recent
}

// elsewhere are a channel's members on another node.
type elsewhere struct {
	Tally
	round uint64 // in which they were last told: see Channel.Expire
}

// Tally is how many members a node has, at a version of them.
type Tally struct {
	Version uint64
	Count   int
}

// stir notes a change of this node's members, for the report to come. The caller holds mu.
func (all *members) stir(client uint64, m *Member, joined bool) {
	h := all.channel.hub
	if h.config.Exchange == nil || !all.channel.Options().JoinLeave {
		return
	}
	a := all.afar
	if a == nil {
		a = &afar{nodes: make(map[string]*elsewhere)}
		all.afar = a
	}
	a.version = h.changes.Add(1)
	if size := len(m.User) + len(m.Info) + 64; !a.lost && all.count() <= MaxListed && len(a.changes) < maxChanges && a.bytes+size <= maxChangesBytes {
		a.changes, a.bytes = append(a.changes, Change{joined, all.present(client, m)}), a.bytes+size
	} else {
		a.changes, a.bytes, a.lost = nil, 0, true
	}
	if !a.stirred {
		a.stirred = true
		h.config.Exchange.Stirred(all.channel)
	}
}

// Report is what the other nodes are to hear. wanted is false where none of them is known to have members of the channel, and always is not asked for. For the exchange
// only, on one goroutine: who takes a report passes it on.
func (c *Channel) Report(always bool) (r Report, wanted bool) {
	all := c.members.Load()
	if all == nil {
		return Report{Closed: true}, always
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	a := all.afar
	if a == nil {
		return Report{Closed: true}, always
	}
	r = Report{Base: a.told.Version, Version: a.version, Count: len(all.byClient), Changes: a.changes, Whole: !a.lost}
	wanted = always || len(a.nodes) > 0
	a.told = Tally{r.Version, r.Count}
	a.stirred, a.changes, a.bytes, a.lost = false, nil, 0, false
	switch {
	case !c.Options().JoinLeave: // not any more
		r.Count, r.Changes, r.Whole = 0, nil, false
		fallthrough
	case r.Count == 0:
		r.Closed, all.afar = true, nil
	}
	return r, wanted
}

// Told is how many members notices tell of, on all nodes; open is false where other nodes are not concerned.
func (c *Channel) Told() (count int, open bool) {
	c.withAfar(func(all *members, _ *afar) { count, open = all.count(), true })
	return count, open
}

// Heard takes another node's report of a round, and tells the members of this one. What is older than what is known is passed over. Reports of one node come in their order.
func (c *Channel) Heard(node string, r *Report, round uint64) {
	c.withAfar(func(all *members, a *afar) {
		e := a.nodes[node]
		if e == nil {
			e = &elsewhere{}
			a.nodes[node] = e
		}
		if r.Version < e.Version {
			return
		}
		e.round = max(e.round, round)
		a.recent.add(node, r, c.hub.config.Now())
		seamless := r.Whole && r.Base == e.Version || r.Version == e.Version
		if r.Base == e.Version {
			for i := range r.Changes {
				all.follow(e, &r.Changes[i])
			}
		}
		a.count += r.Count - e.Count
		e.Tally = Tally{r.Version, r.Count}
		if !seamless {
			all.tellCountOnce()
		}
		if r.Closed {
			delete(a.nodes, node)
		}
	})
}

// follow counts one change on another node, and tells of it. The caller holds mu.
func (all *members) follow(e *elsewhere, change *Change) {
	by := -1
	if change.Joined {
		by = 1
	}
	e.Count += by
	all.afar.count += by
	if all.tellsWho() {
		all.send(&dialect.Notice{Who: &change.Who, Joined: change.Joined}, nil)
	}
}

// tellCountOnce tells the count, as soon as may be, if somebody wants to hear it. The caller holds mu.
func (all *members) tellCountOnce() {
	if all.notices != nil && all.channel.Options().JoinLeave {
		all.tellCount()
	}
}

// Forget takes off a node's members, which has left, and tells those that are here of the count.
func (c *Channel) Forget(node string) {
	c.withAfar(func(all *members, a *afar) { all.forget(a, node) })
}

// Expire takes off a node's members if it has not told of them in that round, in which it has told all that it has: that it has none any more was lost.
func (c *Channel) Expire(node string, round uint64) {
	c.withAfar(func(all *members, a *afar) {
		if e := a.nodes[node]; e != nil && e.round < round {
			all.forget(a, node)
		}
	})
}

// EachNode calls f for each other node that has members of the channel: with what it was told by this one, and what it has told. f must not use the channel.
func (c *Channel) EachNode(f func(node string, mine, theirs Tally)) {
	c.withAfar(func(_ *members, a *afar) {
		for node, e := range a.nodes {
			f(node, a.told, e.Tally)
		}
	})
}

// forget takes off a node's members. The caller holds mu.
func (all *members) forget(a *afar, node string) {
	e := a.nodes[node]
	if e == nil {
		return
	}
	delete(a.nodes, node)
	a.count -= e.Count
	a.recent.add(node, &Report{Base: e.Version, Version: e.Version, Closed: true}, all.channel.hub.config.Now())
	if e.Count != 0 {
		all.tellCountOnce()
	}
}

// withAfar calls f with the members locked, if they are told to other nodes.
func (c *Channel) withAfar(f func(all *members, a *afar)) {
	all := c.members.Load()
	if all == nil {
		return
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.afar != nil {
		f(all, all.afar)
	}
}

// recentLife is for how long changes are kept behind a question: longer than it is waited for, and than answers wait for their turn.
const recentLife = 3 * time.Second

// maxRecent bounds them.
const maxRecent = 500

// recent are reports of other nodes that came while somebody waits for the members of all of them: see Hub.Merge.
type recent struct {
	until   time.Time
	reports []heardReport
	changes int // in reports, at most maxRecent
}

// heardReport is a node's.
type heardReport struct {
	node string
	Report
}

// add notes a report, if somebody may want it. The oldest make room: who waits for them all the same is told that something is missing.
func (t *recent) add(node string, r *Report, now time.Time) {
	if now.After(t.until) {
		*t = recent{}
		return
	}
	if t.changes += len(r.Changes) + 1; t.changes > maxRecent {
		n := 0
		for ; t.changes > maxRecent/2 && n < len(t.reports); n++ {
			t.changes -= len(t.reports[n].Changes) + 1
		}
		t.reports = slices.Delete(t.reports, 0, n)
	}
	t.reports = append(t.reports, heardReport{node, *r})
}

// ended tells whether the last that was heard of a node is that it has no members any more, none of those that it had at that version.
func (t *recent) ended(node string, version uint64) bool {
	for _, r := range slices.Backward(t.reports) {
		if r.node == node {
			return r.Closed && r.Version >= version
		}
	}
	return false
}

// Await has the changes on other nodes kept for a while, for answers to a question that is about to be asked: see Hub.Merge.
func (c *Channel) Await() {
	c.withAfar(func(_ *members, a *afar) { a.recent.until = c.hub.config.Now().Add(recentLife) })
}
