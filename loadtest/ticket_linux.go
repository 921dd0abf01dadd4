package loadtest

import "bytes"

// keepTicket looks for a ticket in a message that is no publication, and keeps it.
func (l *loop) keepTicket(slot int, payload []byte) {
	if l.tickets == nil || !bytes.Contains(payload, l.talk.recover.ticket.mark) {
		return
	}
	l.incoming.take(payload)
	if text, ok := l.incoming.value(l.talk.recover.ticket.path); ok && len(text) <= maxTicket {
		l.tickets[slot] = text
	}
}

// maxTicket bounds what a server can make each connection keep; longer ones are none.
const maxTicket = 4 << 10

// hasTicket says whether a connection that is about to begin its setup comes back by a ticket.
func (l *loop) hasTicket(slot int, c *conn) bool {
	return l.tickets != nil && c.step == 0 && c.life == lifeBroken && l.tickets[slot] != "" && l.positions[slot].epoch != ""
}

// useTicket goes on to the subscription, with the one message that brings it back.
func (l *loop) useTicket(slot int, c *conn) {
	for int(c.step) < l.talk.recover.step {
		c.step++
	}
	l.say(slot, c, &l.talk.recover.ticket.send)
}

// dropTicket forgets the ticket of a connection whose setup was refused: it may be the reason.
func (l *loop) dropTicket(slot int) {
	if l.tickets != nil {
		l.tickets[slot] = ""
	}
}
