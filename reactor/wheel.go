package reactor

import "time"

// tickPeriod is the resolution of all timeouts. Ten wake-ups a second cost a loop under 0.1 % of a core, and no timeout
// here is shorter than a second.
const tickPeriod = 100 * time.Millisecond

const ticksPerSecond = time.Second / tickPeriod

// wheelSlots times tickPeriod is 51.2 s: deadlines further away stay in their slot for another round.
const wheelSlots = 512

// maxCatchUpTicks bounds how far one tick may move the clock of a loop. A process that was stopped for a minute has not
// given its peers a minute to answer.
const maxCatchUpTicks = 5

// maxTicks is 3.4 years: further away is never, and sums of deadlines stay below 1<<32.
const maxTicks = 1 << 30

// ticks turns a duration into wheel ticks, rounded up, at least one.
func ticks(d time.Duration) uint32 {
	n := d / tickPeriod
	if n*tickPeriod < d {
		n++
	}
	return uint32(min(max(n, 1), maxTicks))
}

// ticksOrNone is ticks, but 0 where d is.
func ticksOrNone(d time.Duration) uint32 {
	if d <= 0 {
		return 0
	}
	return ticks(d)
}

// wheel is a hashed timer wheel (Varghese and Lauck, 1987, scheme 6). It is intrusive: a conn is in it once, with its
// next deadline, whichever that is; so every conn of the loop can be found in it.
type wheel struct {
	slots [wheelSlots]*Conn
	now   uint32 // ticks since the loop began, as far as they were lived through
	due   []*Conn
}

// set makes due the conn's deadline, in place of any earlier one.
func (w *wheel) set(c *Conn, due uint32) {
	w.remove(c)
	due = max(due, w.now+1)
	slot := &w.slots[due%wheelSlots]
	c.due = due
	c.next = *slot
	if c.next != nil {
		c.next.prev = c
	}
	*slot = c
}

// remove takes the conn out of the wheel, if it is in.
func (w *wheel) remove(c *Conn) {
	if c.due == 0 {
		return
	}
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		w.slots[c.due%wheelSlots] = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.next, c.prev, c.due = nil, nil, 0
}

// advance moves the clock by some ticks and returns the conns whose deadline has come, taken out of the wheel. None is looked
// at before the clock stands where it will stay, so that a deadline which is set then has all its time. The slice is valid
// until the next advance; a conn in it may have been closed, or given a new deadline, by the time it is looked at.
func (w *wheel) advance(ticks uint32) []*Conn {
	w.due = w.due[:0]
	for range ticks {
		w.now++
		for c := w.slots[w.now%wheelSlots]; c != nil; {
			next := c.next
			if c.due <= w.now {
				w.remove(c)
				w.due = append(w.due, c)
			}
			c = next
		}
	}
	return w.due
}

// each calls f for every conn of the loop. f may take that conn out, or move it, but no other.
func (w *wheel) each(f func(*Conn)) {
	var all []*Conn
	for i := range w.slots {
		for c := w.slots[i]; c != nil; c = c.next {
			all = append(all, c)
		}
	}
	for _, c := range all {
		f(c)
	}
}
