package reactor

import "slices"

// suspend drops all that waits of a topic with SlowPolicy Suspend, and takes the conn out of the topic until resume. What waits of a
// subscription that the conn has left since, even to subscribe again, goes without that: nobody is to bring it.
func (c *Conn) suspend(t *Topic) {
	reason := DropOldestFirst
	if s := c.subscriptionOf(t); s != nil && s.index != joining {
		reason = DropSuspended
		c.out.suspended = append(c.out.suspended, t)
		c.Unsubscribe(t)
	}
	c.out.dropWhere(c, t, 0, func(*entry) (drop, goOn bool) { return true, true }, reason)
}

// suspendedFrom tells whether the conn has been taken out of the topic.
func (c *Conn) suspendedFrom(t *Topic) bool {
	return t != nil && len(c.out.suspended) > 0 && slices.Contains(c.out.suspended, t)
}

// skip drops e behind what suspend has dropped. It takes ownership of e, and empties it.
func (c *Conn) skip(e *entry) {
	reason := DropOldestFirst
	if c.suspendedFrom(e.topic) {
		reason = DropSuspended
	}
	c.dropEntry(reason, e)
	c.leaveGap(e.topic, e.form, e.missing, c.loop.wheel.now)
	e.release()
	*e = entry{}
}

// forgetSuspension keeps a topic that the conn subscribes to by itself from being resumed.
func (c *Conn) forgetSuspension(t *Topic) {
	if c.out == nil {
		return
	}
	c.out.suspended = slices.DeleteFunc(c.out.suspended, func(other *Topic) bool { return other == t })
}

// WhenSent has fn called, on the conn's loop and in a turn of its own, when the socket has taken all that waits for the conn; soon, if
// nothing does. Not called if the conn closes before.
func (c *Conn) WhenSent(fn func(c *Conn)) {
	c.loop.check()
	if c.out != nil {
		c.out.then = append(c.out.then, fn)
		return
	}
	c.Post(func(c *Conn) {
		if c.out != nil { // what this turn has gathered was too much
			c.WhenSent(fn)
			return
		}
		fn(c)
	})
}

// tellSent posts what was to be done when nothing waits any more.
func (c *Conn) tellSent() {
	if c.state != stateOpen {
		return
	}
	for _, t := range c.out.suspended {
		c.Post(func(c *Conn) {
			if c.subscriptionOf(t) == nil {
				c.loop.srv.cfg.OnResume(c, t)
			}
		})
	}
	for _, fn := range c.out.then {
		c.Post(fn)
	}
}

// hasStale tells whether something of the topic has waited since that tick or longer.
func (o *outbound) hasStale(t *Topic, since uint32) bool {
	for i := range o.entries {
		if e := &o.entries[i]; e.topic == t && !e.gap && !(i == 0 && o.begun) && e.since <= since {
			return true
		}
	}
	return false
}
