package reactor

// subscription is a conn's side of its membership in a group.
type subscription struct {
	topic *Topic // nil: none
	index int32  // in the group's roster, or joining
	form  Form
}

// joining stands for an index while a Joining is not complete.
const joining = -1

// Subscribe makes the conn a subscriber of t: it gets what is published from now on, until Unsubscribe or its end. ErrSubscribed if it is one
// already, ErrClosed if the conn is not open.
func (c *Conn) Subscribe(t *Topic) error { return c.SubscribeIn(t, 0) }

// SubscribeIn is Subscribe in another form than the first: see Config.Forms. ErrForm if there is no such form.
func (c *Conn) SubscribeIn(t *Topic, f Form) error {
	s, err := c.addSubscription(t, f)
	if err != nil {
		return err
	}
	c.enterGroup(s)
	return nil
}

// Unsubscribe ends a subscription, or a Joining, and reports whether there was one. What has been published but not been
// queued for the conn yet does not reach it any more.
func (c *Conn) Unsubscribe(t *Topic) bool {
	c.loop.check()
	s := c.subscriptionOf(t)
	if s == nil {
		return false
	}
	c.leaveWide(s)
	c.leave(*s)
	c.removeSubscription(t)
	return true
}

// Subscribed reports whether the conn is subscribed to t, or joining it.
func (c *Conn) Subscribed(t *Topic) bool {
	c.loop.check()
	return c.subscriptionOf(t) != nil
}

// addSubscription notes that the conn belongs to t, and marks the loop as interested.
func (c *Conn) addSubscription(t *Topic, f Form) (*subscription, error) {
	c.loop.check()
	switch {
	case c.state != stateOpen:
		return nil, ErrClosed
	case int(f) >= len(c.loop.srv.cfg.Forms):
		return nil, ErrForm
	case c.subscriptionOf(t) != nil:
		return nil, ErrSubscribed
	}
	c.forgetSuspension(t)
	s := subscription{topic: t, index: joining, form: f}
	t.enlist(c.loop, c.variant(f))
	t.subscribers.Add(1)
	c.flags |= flagForeign
	if o := c.loop.srv.cfg.Forms[f]; o.NoCoalesce || o.Gap > 0 {
		c.flags |= flagNoCoalesce
	}
	if c.sub.topic == nil {
		c.sub = s
		return &c.sub, nil
	}
	more := c.attach()
	more.subscriptions = append(more.subscriptions, s)
	c.flags |= flagMulti
	return &more.subscriptions[len(more.subscriptions)-1], nil
}

// variant is the one in which the conn gets publications of form f.
func (c *Conn) variant(f Form) variant { return c.loop.srv.variant(f, c.class) }

// enterGroup puts the conn into the dense slice.
func (c *Conn) enterGroup(s *subscription) {
	c.enterWide(s.topic)
	s.index = int32(s.topic.enlist(c.loop, c.variant(s.form)).members.add(c))
}

// leave takes the conn out of the group of s.
func (c *Conn) leave(s subscription) {
	g := s.topic.groupOn(c.loop, c.variant(s.form))
	if s.index == joining {
		g.abandon(c)
	} else {
		g.members.remove(int(s.index))
	}
	s.topic.subscribers.Add(-1)
	s.topic.delist(g)
}

// leaveAll ends all subscriptions.
func (c *Conn) leaveAll() {
	c.leaveAllWide()
	if c.sub.topic != nil {
		c.leave(c.sub)
		c.sub = subscription{}
	}
	for _, s := range c.others() {
		c.leave(s)
	}
	c.dropOthers()
}

// subscriptionOf returns the conn's subscription to t, or nil. The pointer is valid until the next change.
func (c *Conn) subscriptionOf(t *Topic) *subscription {
	if c.sub.topic == t {
		return &c.sub
	}
	others := c.others()
	for i := range others {
		if others[i].topic == t {
			return &others[i]
		}
	}
	return nil
}

// dropOthers forgets the subscriptions beyond the first, and what nothing else needs.
func (c *Conn) dropOthers() {
	c.flags &^= flagMulti
	if c.more == nil {
		return
	}
	if c.more.subscriptions = nil; c.more.sealed == nil && c.more.announced == nil {
		c.more = nil
	}
}

// removeSubscription forgets the conn's subscription to t and keeps the first place filled.
func (c *Conn) removeSubscription(t *Topic) {
	var last subscription
	if n := len(c.others()) - 1; n >= 0 {
		last = c.more.subscriptions[n]
		if c.more.subscriptions = c.more.subscriptions[:n]; n == 0 {
			c.dropOthers()
		}
	}
	if last.topic == t {
		return
	}
	*c.subscriptionOf(t) = last
}
