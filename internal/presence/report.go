package presence

import (
	"encoding/json"
	"time"

	"github.com/wsedge/wsedge/internal/cluster"
	"github.com/wsedge/wsedge/internal/dialect"
	"github.com/wsedge/wsedge/internal/hub"
)

// report is a hub.Report on the wire, of a channel.
type report struct {
	Channel string   `json:"channel"`
	Base    uint64   `json:"base,omitempty"`
	Version uint64   `json:"version"`
	Count   int      `json:"count"`
	Whole   bool     `json:"whole,omitempty"`
	Closed  bool     `json:"closed,omitempty"`
	Changes []change `json:"changes,omitempty"`
	Round   uint64   `json:"round"`
	// Greeting asks those who have the channel to tell of it.
	Greeting bool `json:"greeting,omitempty"`
}

// change is a hub.Change.
type change struct {
	Joined bool `json:"joined,omitempty"`
	client
}

// client is a dialect.Present.
type client struct {
	ID   string          `json:"client"`
	User string          `json:"user,omitempty"`
	Info json.RawMessage `json:"info,omitempty"`
}

func clientOf(p *dialect.Present) client { return client{p.Client, p.User, p.Info} }

func (c *client) present() dialect.Present {
	return dialect.Present{Client: c.ID, User: c.User, Info: c.Info}
}

func (r *report) report() (to hub.Report) {
	to = hub.Report{Base: r.Base, Version: r.Version, Count: r.Count, Whole: r.Whole, Closed: r.Closed}
	for i := range r.Changes {
		to.Changes = append(to.Changes, hub.Change{Joined: r.Changes[i].Joined, Who: r.Changes[i].present()})
	}
	return to
}

// tell tells the others of a channel, if there is something that they want to hear, or always. Called by run only.
func (x *Exchange) tell(c *hub.Channel, always bool, now time.Time) {
	name := c.Name()
	o, asked := x.take(name)
	greeting := o == nil || o.greeted < greetings && !now.Before(o.greetAt)
	always = always || asked || greeting
	r, wanted := c.Report(always || o.greeted < greetings) // while it is new there may be others that are not known yet
	switch {
	case o != nil && r.Closed && x.channelOf(o) != c: // the hub has made it anew since
		return
	case o == nil && r.Closed:
		return
	case o == nil:
		if o = x.follow(c); o == nil {
			return
		}
	}
	if wanted && (always || r.Base != r.Version) || r.Closed {
		x.reports.Add(1)
		x.failed(x.config.Cluster.TellGroup(name, topicReport, x.reportOf(name, &r, greeting)))
	}
	if r.Closed {
		x.unfollow(name)
		return
	}
	x.adopt(o, c)
	if n, _ := c.Told(); n > hub.MaxListed {
		o.next = now.Add(crowdGap)
	}
	if !greeting {
		return
	}
	if o.greeted++; o.greeted < greetings {
		o.greetAt = now.Add(greetingGap)
		x.greets = append(x.greets, greet{c, o.greetAt})
	}
}

// reportOf is r for the wire.
func (x *Exchange) reportOf(name string, r *hub.Report, greeting bool) *report {
	m := &report{
		Channel: name, Base: r.Base, Version: r.Version, Count: r.Count, Whole: r.Whole, Closed: r.Closed, Round: x.round, Greeting: greeting && !r.Closed,
	}
	for i := range r.Changes {
		m.Changes = append(m.Changes, change{r.Changes[i].Joined, clientOf(&r.Changes[i].Who)})
	}
	return m
}

// take finds an open channel, and what others have asked for.
func (x *Exchange) take(name string) (o *opened, asked bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if o = x.open[name]; o != nil {
		asked, o.asked = o.asked, false
	}
	return o, asked
}

func (x *Exchange) channelOf(o *opened) *hub.Channel {
	x.mu.Lock()
	defer x.mu.Unlock()
	return o.channel
}

// adopt notes that c is what stands for its name now.
func (x *Exchange) adopt(o *opened, c *hub.Channel) {
	x.mu.Lock()
	defer x.mu.Unlock()
	o.channel = c
}

// follow has this node hear what others tell of a channel. nil where that is not possible.
func (x *Exchange) follow(c *hub.Channel) *opened {
	o := &opened{channel: c}
	x.mu.Lock()
	x.open[c.Name()] = o
	x.mu.Unlock()
	err := x.config.Cluster.Follow(c.Name())
	if err == nil {
		return o
	}
	x.failed(err)
	x.mu.Lock()
	delete(x.open, c.Name())
	x.mu.Unlock()
	return nil
}

// unfollow ends that.
func (x *Exchange) unfollow(name string) {
	x.mu.Lock()
	delete(x.open, name)
	x.mu.Unlock()
	x.config.Cluster.Unfollow(name)
}

// heard takes another node's report. Of a node that is not known to live nobody would say that it has left: it is asked to tell again when it comes.
func (x *Exchange) heard(from string, body []byte) {
	var r report
	if !x.config.Cluster.Has(from) || json.Unmarshal(body, &r) != nil {
		return
	}
	x.mu.Lock()
	o := x.open[r.Channel]
	if o == nil {
		x.mu.Unlock()
		return
	}
	c := o.channel
	if r.Greeting && !o.asked {
		o.asked = true
		x.due = append(x.due, c)
		poke(x.wake)
	}
	x.mu.Unlock()
	to := r.report()
	c.Heard(from, &to, r.Round)
}

// roundEnd says that a node has told all that it has in some buckets.
type roundEnd struct {
	Round   uint64 `json:"round"`
	Buckets mask   `json:"buckets"`
}

// roundEnded takes off what a node has not told of in its round.
func (x *Exchange) roundEnded(from string, body []byte) {
	var end roundEnd
	if json.Unmarshal(body, &end) != nil {
		return
	}
	for _, c := range x.channels() {
		if end.Buckets.has(bucketOf(nameHash(c.Name()))) {
			c.Expire(from, end.Round)
		}
	}
}

// changed has who has come, or of whom something was lost, tell everything again; and takes off the members of who has left.
func (x *Exchange) changed(change cluster.Change) {
	if change.What != cluster.Left {
		x.failed(x.config.Cluster.TellOne(change.Node.ID, topicAgain, nil))
		return
	}
	for _, c := range x.channels() {
		c.Forget(change.Node.ID)
	}
}
