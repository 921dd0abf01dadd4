package reactor

// drainPerTick is how many conns of a server that is shutting down are closed at once, at least: 1,000 a second. A few conns
// are not worth the whole of DrainSpread.
const drainPerTick = 1000 / int(ticksPerSecond)

// draining is what a loop still has to close because the server is shutting down.
type draining struct {
	conns []*Conn // open when it began; they are closed in this order
	next  int
	began uint32 // tick
	span  uint32 // ticks in which all are to be closed
}

// drainConns begins to end every conn of the loop because the server is shutting down: at once what has not got beyond the
// handshake, and what is open in slices, one a tick, so that the peers do not come back elsewhere all at once.
func (l *loop) drainConns() {
	s := l.srv
	d := &draining{began: l.wheel.now, span: 1}
	if spread := s.cfg.DrainSpread; spread > 0 {
		d.span = min(ticks(spread), uint32(int(s.conns.Load())/drainPerTick)+1)
	}
	l.wheel.each(func(c *Conn) {
		switch c.state {
		case stateHandshaking:
			l.drainHandshake(c)
		case stateOpen:
			d.conns = append(d.conns, c)
		}
	})
	l.draining = d
	l.drainSlice()
}

// drainSlice closes those whose time has come.
func (l *loop) drainSlice() {
	d := l.draining
	if d == nil {
		return
	}
	passed := min(l.wheel.now-d.began+1, d.span)
	for due := int(uint64(len(d.conns)) * uint64(passed) / uint64(d.span)); d.next < due; d.next++ {
		c := d.conns[d.next]
		d.conns[d.next] = nil
		if c.state == stateOpen { // it may have gone by itself
			l.drainOpen(c)
		}
	}
	if passed == d.span {
		l.draining = nil
	}
}

func (l *loop) drainHandshake(c *Conn) {
	if c.established() {
		c.refuse(statusDraining, false)
		return
	}
	l.srv.counters.refusal(statusDraining.Reason)
	c.gone(nil)
	c.closeSocket()
}

func (l *loop) drainOpen(c *Conn) {
	if f := l.srv.cfg.OnDrain; f != nil {
		l.call(c, f)
	}
	if c.state == stateOpen {
		c.end(CauseShutdown)
	}
}
