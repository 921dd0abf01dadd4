package reactor

import (
	"github.com/wsedge/wsedge/frame"
)

// idleCheckTicks is how often a conn is looked at that is not pinged: 51 s, a round of the wheel.
const idleCheckTicks = wheelSlots - 1

// deadline does what is due for the conn now. It is out of the wheel.
func (c *Conn) deadline() {
	l := c.loop
	switch c.state {
	case stateHandshaking:
		if l.heads[c] != nil { // it has begun to speak HTTP, so it understands the answer
			c.refuse(statusTimeout, false)
			return
		}
		reason := statusTimeout.Reason
		if c.flags&flagRefusal != 0 {
			reason = l.srv.refusal().Reason
		}
		l.srv.counters.refusal(reason)
		c.gone(nil)
		c.closeSocket()
	case stateOpen:
		c.heartbeat()
	case stateClosing, stateLingering:
		c.gone(nil)
		c.closeSocket()
	}
}

// heartbeat checks all that an open conn may be late with, pings it if it has been silent, and sets the next deadline.
//
// Pings are armed lazily: inbound traffic only notes its tick, and the deadline is moved when it comes.
func (c *Conn) heartbeat() {
	l := c.loop
	cfg := &l.srv.cfg
	now := l.wheel.now
	next := now + idleCheckTicks

	if c.out != nil {
		due := c.oldestOutput() + ticks(cfg.OutboundMaxAge)
		if due <= now {
			c.end(CauseSlow)
			return
		}
		var lives bool
		if next, lives = c.dropStale(min(next, due)); !lives {
			c.end(CauseSlow)
			return
		}
	}
	if c.partialSince != 0 && c.unfinished() {
		due := c.partialSince + ticks(cfg.MessageTimeout)
		if due <= now {
			c.end(CauseMessageTimeout)
			return
		}
		next = min(next, due)
	}
	if cfg.PingInterval > 0 {
		due := c.nextPing(now)
		if due <= now {
			c.end(CauseNoPong)
			return
		}
		next = min(next, due)
	}
	l.wheel.set(c, next)
}

// nextPing pings the conn if that is due. It returns when to look again; now, if the peer did not answer in time.
func (c *Conn) nextPing(now uint32) uint32 {
	cfg := &c.loop.srv.cfg
	if c.flags&flagAwaitingPong != 0 {
		return c.pingSent + ticks(cfg.PongTimeout)
	}
	silent := c.lastInbound + ticks(cfg.PingInterval)
	if c.flags&flagFirstPing == 0 && silent > now {
		return silent
	}
	if c.out != nil { // a ping behind a backlog proves nothing; its age is bounded instead
		return now + ticks(cfg.PongTimeout)
	}
	c.flags = c.flags&^flagFirstPing | flagAwaitingPong
	if c.flags&flagSealed != 0 {
		c.loop.cooling = append(c.loop.cooling, c)
	}
	c.pingSent = now
	c.loop.stats.pings.Add(1)
	c.putFrame(frame.OpPing, nil)
	c.trace(TracePing, 0, 0)
	return now + ticks(cfg.PongTimeout)
}

// oldestOutput is the tick since which something has been waiting for the socket of a congested conn.
func (c *Conn) oldestOutput() uint32 {
	oldest := c.loop.wheel.now
	if len(c.out.entries) > 0 {
		oldest = c.out.entries[0].since
	}
	if c.cipherWaits() {
		oldest = min(oldest, c.more.sealed.since)
	}
	return oldest
}
