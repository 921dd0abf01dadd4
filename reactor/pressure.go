package reactor

import "slices"

// The node's budget. Above half of it, conns that have been slow for a while may hold less and less: their limit is halved with
// each sixteenth of the budget that is used beyond, so that those who hold most go first, each by its topics' policies.
// Shortly below all of it no more WebSockets are let in; above it nothing is accepted from publishers any more. A conn that is congested for a moment only is not touched: it
// may be no slower than this server is just now.
const (
	maxPressure = 8 // 1 MiB becomes 4 KiB
	// slowAfterTicks is how long something must have waited for a conn to count as slow here.
	slowAfterTicks = ticksPerSecond
	// entryCost is what an entry of an outbound queue costs in memory, in bytes: its own 64, and half as much again because
	// slices grow by doubling.
	entryCost = 96
)

// memoryInUse is what publications and queues take now, in bytes.
func (s *Server) memoryInUse() int64 {
	used := s.inFlightBytes.Load()
	for _, l := range s.knownLoops() {
		used += l.stats.queuedEntries.Load() * entryCost
	}
	return used
}

// backlogged tells whether the budget is used up. It keeps the pressure up to date. Safe from any goroutine.
func (s *Server) backlogged() bool {
	used := s.memoryInUse()
	s.press(used)
	return used > s.cfg.NodeMaxBytes
}

// press sets the pressure to what so many bytes in use call for. The loops relieve it at their next tick.
func (s *Server) press(used int64) {
	level, half := int64(0), s.cfg.NodeMaxBytes/2
	if used > half {
		level = min(1+(used-half)*maxPressure/max(half, 1), maxPressure)
	}
	s.pressure.Store(int32(level))
}

// outboundLimit is how many bytes may wait for the conn now.
func (c *Conn) outboundLimit() int64 {
	s := c.loop.srv
	limit := s.cfg.OutboundMaxBytes
	if pressure := s.pressure.Load(); pressure > 0 && c.isSlow() {
		limit >>= pressure
	}
	return limit
}

// isSlow tells whether something has been waiting for the conn for a while.
func (c *Conn) isSlow() bool {
	return c.out != nil && c.oldestOutput()+uint32(slowAfterTicks) <= c.loop.wheel.now
}

// relieve has every slow conn of the loop give up what it holds above its present limit.
func (l *loop) relieve() {
	l.srv.press(l.srv.memoryInUse())
	if l.srv.pressure.Load() == 0 {
		return
	}
	for _, c := range l.congested {
		if c.state == stateOpen && len(c.out.entries) > 1 && c.out.bytes > c.outboundLimit() {
			c.shed()
		}
	}
}

// shed drops, topic by topic, what is above the conn's limit. Where what is left is above it still and may not be dropped, the
// conn ends.
func (c *Conn) shed() {
	limit := c.outboundLimit()
	for _, t := range c.out.topics() {
		if c.out.bytes <= limit {
			return
		}
		switch t.policy() {
		case DropOldest:
			c.out.dropTopic(c, t, limit, DropOldestFirst)
		case DropNewest:
			c.out.dropNewest(c, t, limit)
		case Suspend:
			c.suspend(t)
		case KeepLatest:
			c.conflate(t, c.loop.wheel.now)
		}
	}
	if c.out.bytes > limit && slices.ContainsFunc(c.out.entries, func(e entry) bool { return e.topic == nil || e.topic.policy() == Disconnect }) {
		c.end(CauseSlow)
	}
}

// topics are those of which something waits, in the order of the oldest of each.
func (o *outbound) topics() []*Topic {
	var topics []*Topic
	for i := range o.entries {
		if t := o.entries[i].topic; t != nil && !slices.Contains(topics, t) {
			topics = append(topics, t)
		}
	}
	return topics
}
