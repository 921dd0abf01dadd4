package reactor

// awaitStale has the conn looked at when what begins to wait now is as old as its topic lets it be.
func (c *Conn) awaitStale(t *Topic) {
	l := c.loop
	if t == nil || t.maxAge() == 0 || c.state != stateOpen {
		return
	}
	if due := l.wheel.now + t.maxAge(); due < c.due {
		l.wheel.set(c, due)
	}
}

// dropStale drops what has waited longer than its topic lets it. It returns when to look again, and whether the conn may live: it
// ends where the policy is Disconnect.
func (c *Conn) dropStale(next uint32) (uint32, bool) {
	now := c.loop.wheel.now
	stale, lives := false, true
	for i := range c.out.entries {
		e := &c.out.entries[i]
		if e.topic == nil || e.gap || i == 0 && c.out.begun {
			continue
		}
		switch maxAge := e.topic.maxAge(); {
		case maxAge == 0:
		case e.since+maxAge > now:
			next = min(next, e.since+maxAge)
		case e.topic.policy() == Disconnect:
			lives = false
		default:
			stale = true
		}
	}
	if !lives || !stale {
		return next, lives
	}
	for _, t := range c.out.topics() {
		switch policy, maxAge := t.slowness(); {
		case maxAge == 0 || maxAge > now || policy == Disconnect: // it has changed since the look above
		case policy == Suspend:
			if c.out.hasStale(t, now-maxAge) {
				c.suspend(t)
			}
		case policy == KeepLatest:
			c.conflate(t, now-maxAge)
		default:
			c.out.dropWhere(c, t, 0, func(e *entry) (drop, goOn bool) {
				goOn = e.since+maxAge <= now // none behind it has waited longer
				return goOn, goOn
			}, DropStale)
		}
	}
	return next, true
}

// conflate drops what has waited of a topic since that tick or longer, but the newest that waits.
func (c *Conn) conflate(t *Topic, since uint32) {
	o := c.out
	newest := len(o.entries) - 1
	for ; newest >= 0 && (o.entries[newest].topic != t || o.entries[newest].gap); newest-- {
	}
	i := -1
	o.dropWhere(c, t, 0, func(e *entry) (drop, goOn bool) {
		i++
		return e.since <= since, i < newest
	}, DropConflated)
	o.narrow(c, t, since)
}

// narrow leaves of the last entry of a topic the newest publication alone, if it has several that have waited since that tick.
func (o *outbound) narrow(c *Conn, t *Topic, since uint32) {
	for i := len(o.entries) - 1; i >= 0; i-- {
		e := &o.entries[i]
		if e.topic != t || e.gap {
			continue
		}
		if e.newest == nil || e.since > since || i == 0 && o.begun {
			return
		}
		before := e.size()
		rest := o.entries[i+1:]
		kept := *e
		o.entries = o.entries[:i]
		c.keepNewest(&kept) // leaves its gap behind what is before it
		o.entries = append(o.entries, append([]entry{kept}, rest...)...)
		o.count(c.loop)
		o.bytes += kept.size() - before
		c.loop.stats.queuedBytes.Add(kept.size() - before)
		return
	}
}
