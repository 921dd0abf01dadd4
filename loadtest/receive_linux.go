package loadtest

import (
	"bytes"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/wsedge/wsedge/frame"
)

// receive reads once; epoll is level-triggered, and says so if there is more.
func (l *loop) receive(slot int, c *conn) {
	n, errno := receiveNow(c.fd, l.buf)
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
	case errno != 0:
		l.lostPeer(slot, c, failureOf("receive", errno))
	case n == 0:
		l.lostPeer(slot, c, l.endOfStream(c))
	default:
		l.tally.counts.Bytes += uint64(n)
		if c.slow {
			l.tally.slow.bytes += uint64(n)
		}
		l.tally.counts.Reads++
		if s := l.session(c); s != nil {
			l.receiveSecure(s, c, l.buf[:n])
			return
		}
		l.arrived(slot, c, l.buf[:n])
	}
}

// arrived takes what came over the connection, out of its records where it has TLS. It changes in.
func (l *loop) arrived(slot int, c *conn, in []byte) {
	if c.state == stateUpgrading {
		l.receiveHead(slot, c, in)
		return
	}
	l.consume(slot, c, in)
}

// lostPeer is the end of the stream. After our close frame it is the way things should go.
func (l *loop) lostPeer(slot int, c *conn, f failure) {
	switch c.state {
	case stateClosing:
		l.closed(c)
	case stateSecuring:
		l.cutHandshake(slot, c, f)
	default:
		l.end(slot, c, f)
	}
}

// endOfStream is the end without a close frame.
func (c *conn) endOfStream() failure {
	if c.state == stateUpgrading {
		return badHandshake("closed")
	}
	return failure{failedClose, closedWithoutFrame, "closed without a close frame"}
}

// closedWithoutFrame is the code of an end without a close frame; it never stands on the wire (RFC 6455, section 7.4.1).
const closedWithoutFrame = "1006"

// consume takes the frames of one read. It changes in.
func (l *loop) consume(slot int, c *conn, in []byte) {
	now := l.clock.now()
	decoding, chunks := l.codecOf(c)
	atRest := chunks != nil && c.decoder.AtRest() && c.state == stateReady
	inflatedBefore := l.inflatedSoFar()
	if atRest {
		if stamps := chunks.find(in); stamps != nil {
			l.bookInflated(chunks.entries[chunks.last].inflated)
			for i := range stamps {
				l.deliver(slot, c, stamps[i], now)
			}
			return
		}
	}
	whole := in
	var stamps [16]arrival
	known, all := stamps[:0], true
	for len(in) > 0 {
		m, n, err := c.decoder.Next(decoding, in)
		if err != nil {
			l.broken(slot, c, err)
			return
		}
		in = in[n:]
		if m.Opcode == frame.OpContinuation { // all of it is used, and more is needed
			break
		}
		var only bool
		known, only = l.message(slot, c, &m, now, known)
		m.Release()
		if c.over() {
			return
		}
		all = all && only
	}
	if atRest && all && l.spec.Scenario == Fanout && c.decoder.AtRest() {
		chunks.keep(whole, known)
		chunks.entries[chunks.last].inflated = l.inflatedSoFar().since(inflatedBefore)
	}
}

// broken ends a connection whose bytes are no WebSocket frames (RFC 6455, section 7.1.7).
func (l *loop) broken(slot int, c *conn, err error) {
	if c.state == stateClosing {
		l.closed(c)
		return
	}
	code := frame.CloseProtocolError
	var broken *frame.Error
	if errors.As(err, &broken) {
		code = broken.Code
	}
	l.fail(slot, c, code, protocolFailure(err))
}

// message handles one message. It adds the stamps of good messages of this run to known, as far as there is room; only says
// that it has added all that there was.
func (l *loop) message(slot int, c *conn, m *frame.Message, now int64, known []arrival) (stamps []arrival, only bool) {
	switch m.Opcode {
	case frame.OpPing:
		if c.state != stateClosing && c.unsent() < maxUnsentPongs {
			l.tally.counts.Pings++
			l.scratch = frame.AppendMaskedFrame(l.scratch[:0], frame.OpPong, m.Payload, l.nextMask())
			l.send(slot, c, l.scratch)
		}
	case frame.OpClose:
		l.closeArrived(slot, c, m.Payload)
	case frame.OpText, frame.OpBinary:
		if l.talk.lines {
			return l.lines(slot, c, m.Payload, now, known)
		}
		return l.line(slot, c, m.Payload, now, known)
	}
	return known, false
}

// closeArrived answers a close frame (RFC 6455, section 5.5.1), unless it is the answer to ours.
func (l *loop) closeArrived(slot int, c *conn, payload []byte) {
	if c.state == stateClosing {
		l.closed(c)
		return
	}
	code, reason, err := frame.ParseClose(payload)
	if err != nil {
		l.broken(slot, c, err)
		return
	}
	l.fail(slot, c, code, closeFailure(code, reason))
}

// data handles a text or binary message of a connection that is ready.
func (l *loop) data(slot int, c *conn, payload []byte, now int64) (a arrival, stamped bool) {
	s, verdict := findStamp(payload, l.spec.Payload)
	switch {
	case verdict == stampNone && l.answered(slot, c, payload):
	case verdict == stampNone && (l.spec.Scenario == Echo || bytes.Contains(payload, l.runTag)), verdict == stampCorrupt:
		l.tally.counts.Corrupted++
	case verdict == stampNone:
		l.tally.counts.Other++
		l.keepTicket(slot, payload)
		if bytes.Contains(payload, []byte(`"type":"gap"`)) {
			l.tally.counts.Gaps++
			if c.slow {
				l.tally.slow.gaps++
			}
		}
	case s.Run != l.spec.Run:
		l.tally.counts.Stale++
	case l.spec.Scenario == Echo:
		l.echoed(slot, c, s, payload, now)
	case l.spec.Scenario == Idle:
		l.tally.counts.Other++
	case l.strange(s):
		l.tally.counts.Corrupted++
	default:
		a.stamp = s
		if l.talk.recover != nil {
			a.offset, _ = numberAt(payload, l.talk.recover.message)
		}
		l.deliver(slot, c, a, now)
		return a, true
	}
	return a, false
}

// strange says of a stamp of this run that nobody has sent it.
func (l *loop) strange(s stamp) bool {
	return int(s.Publisher) >= len(l.records) || s.Sequence >= l.spec.SequenceLimit
}

// deliver books a publication that arrived.
func (l *loop) deliver(slot int, c *conn, a arrival, now int64) {
	s, column, missed := a.stamp, int(a.Publisher), false
	if topics := len(l.spec.Topics.Sizes); topics > 1 {
		if column%topics != int(l.topicOf[slot]) {
			l.tally.counts.Misdelivered++
			return
		}
		column /= topics
	}
	if l.positions != nil {
		missed = l.advance(slot, a.offset, now)
	}
	switch {
	case c.slow:
		l.deliverSlow(slot, column, c, s, now)
		return
	case s.Intended < c.began && l.spec.phased():
		l.ledger.noteEarly(slot, column, s.Sequence)
		return
	case l.spec.phased():
		l.skipUnowed(slot, column, c, s)
	}
	if !l.ledger.note(slot, column, s.Sequence) {
		return
	}
	l.book(slot, s, now, missed)
	records := l.records[s.Publisher]
	for int(s.Sequence) >= len(records) {
		records = append(records, publicationRecord{})
		l.records[s.Publisher] = records
	}
	r := &records[s.Sequence]
	if r.Count == 0 {
		r.Intended, r.First = s.Intended, now
	}
	r.Last = now
	r.Count++
}

// booking is a first arrival. What a connection has missed while it was away has no latency.
type booking struct {
	slot     int
	intended int64
	now      int64
	missed   bool
}

// book counts a first arrival, and its latency where the loop knows the window: the order to start may be on its way to a loop that a
// busy machine has held up, and its arrivals are the late ones.
func (l *loop) book(slot int, s stamp, now int64, missed bool) {
	l.tally.counts.Delivered++
	b := booking{slot, s.Intended, now, missed}
	if !l.started() {
		l.unplaced = append(l.unplaced, b)
		return
	}
	l.place(b)
}

// started tells whether the loop knows the window.
func (l *loop) started() bool { return l.window.Send != never }

// placeAll books what came before the loop knew the window.
func (l *loop) placeAll() {
	for _, b := range l.unplaced {
		l.place(b)
	}
	l.unplaced = nil
}

// place books an arrival in the window and in its phase.
func (l *loop) place(b booking) {
	if l.spec.phased() {
		l.bookPhase(b.intended, b.now, b.missed)
	}
	if l.window.measures(b.now) {
		l.tally.counts.InTime++
	}
	if b.missed || !l.window.measures(b.intended) {
		return
	}
	l.tally.counts.Measured++
	record(l.tally.latency, b.now-b.intended)
	if b.now < b.intended {
		l.tally.counts.Early++
	}
	if l.classOf != nil {
		record(l.tally.classes[l.classOf[l.topicOf[b.slot]]], b.now-b.intended)
	}
}
