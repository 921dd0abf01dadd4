package loadtest

import (
	"bytes"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// lateAfter is how far behind the schedule a message may be sent before it counts as late. Waking up takes some 60 µs.
const lateAfter = int64(time.Millisecond)

// echoSchedule is a loop's part of an echo. The schedule is the same for all loops of a run, and the loops take its messages
// in turns: as many of them as there are do not change the times.
type echoSchedule struct {
	at     int64 // when the next message is due
	all    *schedule
	loops  int
	cursor int // connection that the next one goes to
}

// startEcho begins to send at the window's time; without a rate, one message on every connection.
func (l *loop) startEcho() {
	if l.spec.Scenario != Echo {
		return
	}
	l.tally.counts.Sending = 1
	l.echo = echoSchedule{at: l.window.Send, all: newSchedule(l.window.Send, l.spec.Plan), loops: l.spec.Loops}
	if l.spec.Plan.Rate > 0 {
		l.echo.skip(l.number)
	}
}

// skip goes on to the message behind the next n.
func (e *echoSchedule) skip(n int) {
	for range n {
		e.all.next()
	}
	e.at = e.all.next()
}

// advance goes on to the loop's next message.
func (e *echoSchedule) advance() { e.skip(e.loops - 1) }

// echoDue sends what is due and returns when the next message is.
func (l *loop) echoDue(now int64) int64 {
	switch {
	case l.echo.at == never:
		return never
	case l.echo.at >= l.window.End || l.closing:
		l.missEchoes(min(now, l.window.End))
		return never
	case now < l.echo.at:
		return l.echo.at
	}
	if l.spec.Plan.Rate == 0 {
		for slot := range l.conns {
			l.sendEcho(slot, now)
		}
		l.endEcho() // from here on each answer sends the next
		return never
	}
	// A turn's worth at most, so that answers are read in between.
	for range eventsATurn {
		if l.echo.at > now || l.echo.at >= l.window.End || !l.sendNextEcho(now) {
			break
		}
		l.echo.advance()
	}
	return l.echo.at
}

// missEchoes ends the schedule. What was due before end and is unsent has missed its time; what was sent late was sent
// nevertheless, however late, because leaving it out would leave the worst latencies out.
func (l *loop) missEchoes(end int64) {
	for ; l.echo.at < end && l.spec.Plan.Rate > 0; l.echo.advance() {
		l.tally.counts.Late++
	}
	l.endEcho()
}

func (l *loop) endEcho() {
	l.echo.at = never
	l.tally.counts.Sending = 0
}

// sendNextEcho finds the next connection that is alive. Without any the message is not sent at all.
func (l *loop) sendNextEcho(now int64) bool {
	for range l.conns {
		slot := l.echo.cursor
		l.echo.cursor = (l.echo.cursor + 1) % len(l.conns)
		if l.conns[slot].state == stateReady {
			if now-l.echo.at > lateAfter {
				l.tally.counts.Late++
			}
			l.sendEcho(slot, l.echo.at)
			return true
		}
	}
	l.endEcho()
	return false
}

func (l *loop) sendEcho(slot int, intended int64) {
	c := &l.conns[slot]
	if c.state != stateReady {
		return
	}
	s := stamp{Run: l.spec.Run, Publisher: uint32(l.first + slot), Sequence: c.sent, Intended: intended}
	l.text = appendStamp(l.text[:0], s, l.spec.Payload)
	message := l.text
	if !l.talk.bare {
		v := values{conn: l.first + slot, id: uint64(len(l.talk.setup)) + 1 + uint64(c.sent), payload: l.text}
		l.envelope = l.talk.echo.append(l.envelope[:0], &v)
		message = l.envelope
	}
	l.scratch = l.appendMessage(l.scratch[:0], c, frame.OpText, message)
	c.sent++
	l.tally.counts.Sent++
	l.send(slot, c, l.scratch)
}

// echoed checks that a message came back to where it was sent from, as it was sent; in an envelope, whose way back may be
// another, that is the stamp, which has a checksum.
func (l *loop) echoed(slot int, c *conn, s stamp, payload []byte, now int64) {
	l.text = appendStamp(l.text[:0], s, l.spec.Payload)
	switch {
	case int(s.Publisher) != l.first+slot:
		l.tally.counts.Misdelivered++
	case s.Sequence >= c.sent || l.talk.bare && !bytes.Equal(payload, l.text):
		l.tally.counts.Corrupted++
	case l.ledger.note(slot, 0, s.Sequence):
		l.book(slot, s, now, false)
		if l.spec.Plan.Rate == 0 && now < l.window.End && !l.closing {
			l.sendEcho(slot, now)
		}
	}
}
