package reactor

import (
	"maps"
	"slices"
)

// connSet is a set of conns of one loop. There may be as many as have a wildcard beside a channel, and each of them is asked about.
type connSet map[*Conn]struct{}

func (s connSet) has(c *Conn) bool {
	_, ok := s[c]
	return ok
}

// spread is what the posts of one publication to several topics have in common: the topic it is of, and the wide ones that get it, too.
type spread struct {
	first *Topic
	also  []*Topic
}

// publishWide is Publish for a publication that wide topics get as well. Each loop takes its posts in one turn, with nothing in between: so
// it can tell which conns have got it by the first topic. The caller holds t.publishing.
func (t *Topic) publishWide(p *Publication) (matched int) {
	matched = int(t.subscribers.Load())
	for _, w := range p.Also {
		w.publishing.Lock()
		defer w.publishing.Unlock()
		matched += int(w.subscribers.Load())
	}
	e := encoding{srv: t.srv, encoder: p.Encoder}
	defer e.release()
	s := &spread{first: t, also: p.Also}
	for _, l := range t.srv.knownLoops() {
		posts := t.appendPosts(nil, l, &e, post{kind: postPublication, topic: t, conn: p.Exclude, seq: p.Seq, prev: p.Prev, spread: s, receipt: p.Receipt})
		for _, w := range p.Also {
			posts = w.appendPosts(posts, l, &e, post{kind: postPublication, topic: w, conn: p.Exclude, spread: s, receipt: p.Receipt})
		}
		if len(posts) > 0 && !l.inbox.putAll(posts) {
			for i := range posts {
				posts[i].shared.Release()
				posts[i].receipt.settle()
			}
		}
	}
	return matched
}

// appendPosts appends a post like p for each variant of the topic that is in use on a loop.
func (t *Topic) appendPosts(posts []post, l *loop, e *encoding, p post) []post {
	for v := range t.shares[l.idx].variants() {
		p.variant, p.shared = v, e.in(v)
		p.shared.Retain()
		p.receipt.expect()
		posts = append(posts, p)
	}
	return posts
}

// doubles returns the conns of the loop that get a publication by its first topic, and are not to get it by a wide one.
func (l *loop) doubles(p *post) connSet {
	if p.spread == nil || p.topic == p.spread.first {
		return nil
	}
	return maps.Clone(l.wide[p.spread.first])
}

// heardWide tells whether the conn gets a publication by a wide topic.
func (c *Conn) heardWide(s *spread) bool {
	return s != nil && slices.ContainsFunc(s.also, func(w *Topic) bool {
		sub := c.subscriptionOf(w)
		return sub != nil && sub.index != joining
	})
}

// eachSubscription calls do for all subscriptions of the conn that are complete.
func (c *Conn) eachSubscription(do func(*subscription)) {
	if c.sub.topic != nil && c.sub.index != joining {
		do(&c.sub)
	}
	others := c.others()
	for i := range others {
		if others[i].index != joining {
			do(&others[i])
		}
	}
}

// enterWide is for a conn that is about to become a member of t: it notes those that are subscribed both to a wide topic and to
// another. What the wide ones have brought, and nobody has sent it yet, goes out first, as t will bring what is newer.
func (c *Conn) enterWide(t *Topic) {
	if !t.wide && c.flags&flagMulti == 0 {
		return
	}
	wide := false
	c.eachSubscription(func(s *subscription) {
		switch {
		case t.wide && !s.topic.wide:
			c.noteWide(s.topic)
		case !t.wide && s.topic.wide:
			c.sendPending(s)
			c.reenter(s)
			wide = true
		}
	})
	if wide {
		c.noteWide(t)
	}
}

func (c *Conn) noteWide(t *Topic) {
	l := c.loop
	if l.wide == nil {
		l.wide = make(map[*Topic]connSet)
	}
	if l.wide[t] == nil {
		l.wide[t] = make(connSet)
	}
	l.wide[t][c] = struct{}{}
}

// leaveWide is for a conn that is about to leave the topic of s. What that has brought, and nobody has sent yet, goes out, as no
// other topic will bring it.
func (c *Conn) leaveWide(s *subscription) {
	if c.loop.wide == nil || c.flags&flagMulti == 0 {
		return
	}
	wides := 0
	c.eachSubscription(func(other *subscription) {
		if other.topic.wide {
			wides++
		}
	})
	if wides == 0 {
		return
	}
	if c.out == nil || !c.suspendedFrom(s.topic) { // else it is dropped, and told so
		c.sendPending(s)
	}
	switch {
	case !s.topic.wide:
		c.unnoteWide(s.topic)
	case wides == 1:
		c.eachSubscription(func(other *subscription) { c.unnoteWide(other.topic) })
	}
}

// leaveAllWide is leaveWide for a conn that ends.
func (c *Conn) leaveAllWide() {
	if c.loop.wide != nil {
		c.eachSubscription(func(s *subscription) { c.unnoteWide(s.topic) })
	}
}

func (c *Conn) unnoteWide(t *Topic) {
	l := c.loop
	conns := l.wide[t]
	delete(conns, c)
	if len(conns) == 0 {
		delete(l.wide, t)
	}
}

// reenter has the conn's group forget it for all that is on its way, which the conn has got.
func (c *Conn) reenter(s *subscription) {
	if g := s.topic.groupOn(c.loop, c.variant(s.form)); g.busy() {
		g.members.remove(int(s.index))
		s.index = int32(g.members.add(c))
	}
}

// sendPending gathers for the conn what its group has for it.
func (c *Conn) sendPending(s *subscription) {
	l, g, index := c.loop, s.topic.groupOn(c.loop, c.variant(s.form)), int(s.index)
	if index == joining {
		return
	}
	deliveries := 0
	if b := &g.batch; b.shared != nil && g.cursor <= index && index < b.end {
		b.markExcluded(l, true)
		deliveries += l.deliverDetour(c, b, s.topic)
		b.markExcluded(l, false)
	}
	for _, a := range g.waiting() {
		switch {
		case index >= a.end:
		case a.excludes(c):
			a.receipt.leaveOut()
		default:
			e := entry{shared: a.shared, topic: s.topic, form: s.form, missing: a.missing, gap: a.gap}
			if !a.gap {
				e.frames = 1
			}
			a.shared.Retain()
			l.gather(c, e)
			a.receipt.queue(1)
			deliveries += int(e.frames)
		}
	}
	l.stats.deliveries.Add(int64(deliveries))
}
