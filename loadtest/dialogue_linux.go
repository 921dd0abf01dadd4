package loadtest

import (
	"bytes"

	"github.com/wsedge/wsedge/frame"
)

// prepareMessages compiles what the worker was told of the protocol.
func (l *loop) prepareMessages() (err error) {
	if l.talk, err = l.spec.Protocol.compile(); err != nil {
		return err
	}
	l.path, err = compileTemplate(l.spec.Path, escapeURL, variableChannel, variableConn)
	l.classOf, l.tally.classes = newSizeClasses(l.spec.Topics.Sizes)
	if l.spec.Topics.count() > 1 {
		topics := newTopicMap(l.spec.Topics.Sizes)
		l.topicOf = make([]uint32, len(l.conns))
		for slot := range l.topicOf {
			l.topicOf[slot] = uint32(topics.of(l.first + slot))
		}
		l.ledger.withTopics(l.spec.Topics.count(), l.topicOf)
	}
	l.prepareRecovery()
	return err
}

// topic is that of a connection.
func (l *loop) topic(slot int) int {
	if l.topicOf == nil {
		return 0
	}
	return int(l.topicOf[slot])
}

// valuesOf are those of a connection. Each step of the setup has an id, from 1.
func (l *loop) valuesOf(slot int, c *conn) values {
	v := values{channel: l.spec.Topics.name(l.topic(slot)), conn: l.first + slot, id: uint64(c.step) + 1}
	if l.positions != nil {
		v.epoch, v.offset = l.positions[slot].epoch, l.positions[slot].offset
	}
	if l.tickets != nil {
		v.ticket = l.tickets[slot]
	}
	return v
}

// requestTarget is what the connection asks for in its handshake.
func (l *loop) requestTarget(slot int, c *conn) string {
	if l.path.fixed() {
		return l.spec.Path
	}
	v := l.valuesOf(slot, c)
	return string(l.path.append(nil, &v))
}

// nextStep goes on with the setup until a step waits for its reply, or there is none left.
func (l *loop) nextStep(slot int, c *conn) {
	for ; int(c.step) < len(l.talk.setup); c.step++ {
		e := &l.talk.setup[c.step]
		switch {
		case l.hasTicket(slot, c):
			l.useTicket(slot, c)
			e = &l.talk.setup[c.step]
		case l.recovers(slot, c):
			l.say(slot, c, &l.talk.recover.send)
		case e.send != nil:
			l.say(slot, c, e.send)
		}
		if c.state == stateDone {
			return
		}
		if e.expect != nil {
			c.state = stateSubscribing
			return
		}
	}
	if l.talk.waits {
		took := l.clock.now() - c.began
		record(l.tally.subscribe, took)
		l.setupTimed(timeSubscribe, took)
	}
	l.nowReady(slot, c)
}

// say sends a text message.
func (l *loop) say(slot int, c *conn, t *template) {
	v := l.valuesOf(slot, c)
	l.text = t.append(l.text[:0], &v)
	l.scratch = l.appendMessage(l.scratch[:0], c, frame.OpText, l.text)
	l.send(slot, c, l.scratch)
}

// setupMessage handles a message while the setup waits for a reply. What is no reply may be a welcome or a heartbeat.
func (l *loop) setupMessage(slot int, c *conn, payload []byte) {
	e := &l.talk.setup[c.step]
	v := l.valuesOf(slot, c)
	l.incoming.take(payload)
	switch e.judge(&l.incoming, &v) {
	case stepRefused:
		l.dropTicket(slot)
		l.fail(slot, c, frame.CloseNormal, e.refusal(&l.incoming))
	case stepDone:
		l.readSubscription(slot, c, &v)
		c.step++
		l.nextStep(slot, c)
		l.deliverReply(slot, c, payload, l.clock.now())
	default:
		switch answer := l.talk.answerTo(&l.incoming, &v); {
		case answer != nil:
			l.tally.counts.Answers++
			l.say(slot, c, answer)
		case e.expect.readsJSON() && !l.incoming.isJSON():
			l.fail(slot, c, frame.CloseUnsupportedData, failure{failedSubscription, "not_json", "subscribe: the answer is not JSON"})
		default:
			l.tally.counts.Other++
			l.keepTicket(slot, payload)
		}
	}
}

// lines handles a message that may be several.
func (l *loop) lines(slot int, c *conn, payload []byte, now int64, known []arrival) (stamps []arrival, only bool) {
	only = true
	for len(payload) > 0 && c.state != stateDone {
		var text []byte
		if text, payload, _ = bytes.Cut(payload, []byte{'\n'}); len(text) == 0 {
			continue
		}
		var one bool
		known, one = l.line(slot, c, text, now, known)
		only = only && one
	}
	return known, only
}

// line handles a message, or one of several in a frame.
func (l *loop) line(slot int, c *conn, payload []byte, now int64, known []arrival) (stamps []arrival, only bool) {
	if c.state == stateSubscribing {
		l.setupMessage(slot, c, payload)
		return known, false
	}
	s, stamped := l.data(slot, c, payload, now)
	if !stamped || len(known) == cap(known) {
		return known, false
	}
	return append(known, s), true
}

// answered answers a message that asks for it; after our close frame there is nothing more to be said (RFC 6455, section
// 5.5.1).
func (l *loop) answered(slot int, c *conn, payload []byte) bool {
	if len(l.talk.answers) == 0 {
		return false
	}
	l.incoming.take(payload)
	v := l.valuesOf(slot, c)
	answer := l.talk.answerTo(&l.incoming, &v)
	if answer == nil {
		return false
	}
	if c.state == stateReady {
		l.tally.counts.Answers++
		l.say(slot, c, answer)
	}
	return true
}
