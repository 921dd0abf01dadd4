package edge

import (
	"bytes"
	"errors"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/ticket"
	"github.com/wsedge/wsedge/internal/webhook"
	"github.com/wsedge/wsedge/reactor"
)

// A client that comes back with a ticket is who it was, without a token, and is subscribed to what it was, from where it was. What the ticket says
// is looked at as if it were said now: a token that has expired or was revoked does not count, channels are judged by the namespaces of today,
// and a backend that decides about clients or subscriptions is asked again.

// errTicket tells nothing of why, so that whoever tries tickets learns nothing. The client can still connect with a token.
var errTicket = &native.Error{Code: native.CodeUnauthorized, Message: "the ticket is not good here; connect with a token"}

// resumption is a client that comes back with a ticket.
type resumption struct {
	id        []byte // of the command
	ticket    *ticket.Ticket
	positions map[string]*native.Recover // where the client was, by channel
}

// connectAgain carries out a connect with a ticket.
func (s *session) connectAgain(c *reactor.Conn, cmd *native.Command) {
	m := s.member
	switch {
	case len(cmd.Positions) > s.server.current.Load().ChannelsPerConn:
		s.overstep(c, cmd.ID, "", tooManyChannels)
		return
	case m != nil && !m.identity.Anonymous():
		s.refuse(c, cmd.ID, "", errConnected)
		return
	}
	opened, reason := s.server.openTicket(cmd.Ticket)
	if reason != "" {
		s.refuseTicket(c, cmd.ID, reason)
		return
	}
	s.takeTickets()
	s.holder().back = &resumption{bytes.Clone(cmd.ID), opened, cmd.Positions}
	id := s.holder().back.id
	switch {
	case m == nil, m.identity != nil && opened.Identity.Anonymous(): // it is in already, and nobody else now
		s.respond(c, s.welcome(c, id))
		s.comeBack(c)
	case opened.Identity.Anonymous():
		s.admit(c, id, &auth.Identity{})
	default:
		s.readmit(c, id, opened.Identity)
	}
}

// readmit is admit for an identity that was verified when the ticket was made.
func (s *session) readmit(c *reactor.Conn, id []byte, identity *auth.Identity) {
	var refused *auth.Error
	if err := s.server.gate.auth.Recheck(identity); errors.As(err, &refused) {
		s.server.tickets.refused[ticketIdentity].Add(1)
		s.end(c, native.CloseBadToken, badTokenReason(refused))
		return
	}
	s.admit(c, id, identity)
}

// refuseTicket counts a ticket that is not good, and lets the client go on without.
func (s *session) refuseTicket(c *reactor.Conn, id []byte, reason string) {
	s.server.tickets.refused[reason].Add(1)
	s.refuse(c, id, "", errTicket)
	s.strike(c)
}

// openTicket opens a ticket, or tells why it is refused.
func (s *Server) openTicket(text string) (opened *ticket.Ticket, reason string) {
	box := s.tickets.box.Load()
	if box == nil {
		return nil, ticketsOff
	}
	opened, err := box.Open(text, s.deployment(), s.config.now())
	var refused *ticket.Error
	switch {
	case errors.As(err, &refused):
		return nil, refused.Reason
	case s.gate != nil && opened.Identity.Anonymous() && !s.gate.auth.Config().Anonymous:
		return nil, ticketAnonymous
	case s.gate != nil && !s.gate.auth.RevocationsKnown():
		return nil, ticketUnknown
	case s.tickets.barred.hit(opened):
		return nil, ticketBarred
	}
	return opened, ""
}

// cameFrom is where a client that comes back with a ticket was in a channel; nil where it has not said so, or does not come back.
func (s *session) cameFrom(name string) *native.Recover {
	if h := s.holder(); h != nil && h.back != nil {
		return h.back.positions[name]
	}
	return nil
}

// returnsTo are the channels that a ticket is about to bring back; nil where there is none.
func (s *session) returnsTo() []string {
	if h := s.holder(); h != nil && h.back != nil {
		return append([]string{}, h.back.ticket.Channels...)
	}
	return nil
}

// comeBack subscribes the client to what its ticket names, once it has been welcomed.
func (s *session) comeBack(c *reactor.Conn) {
	h := s.holder()
	if h == nil || h.back == nil {
		return
	}
	t := s.server.tickets
	back := h.back
	h.back = nil
	h.conn, h.client, h.issued, h.print = c, back.ticket.Client, back.ticket.Issued, back.ticket.Print()
	t.taken.Add(1)
	t.schedule(h, renewal(h.issued))
	now := s.server.config.now()
	for _, leave := range back.ticket.Leaves {
		if s.member != nil && now.Before(leave.Expires) {
			_ = s.grant(leave, nil) // what is wrong with it shows with its channel
		}
	}
	if v := s.guest(); v != nil && v.hooks.Wants(webhook.Subscribe) {
		s.askToReturn(c, back)
		return
	}
	struck := false
	for _, name := range back.ticket.Channels {
		if s.returnTo(c, back, name, &struck); s.member != nil && s.member.over {
			return
		}
	}
}

// returnTo subscribes to one channel. Of one that the server has subscribed the client to meanwhile it has heard.
func (s *session) returnTo(c *reactor.Conn, back *resumption, name string, struck *bool) {
	err := s.subscribe(c, back.id, name, back.positions[name])
	if err == nil || err == errAlready {
		return
	}
	s.object(c, back.id, name, err, auth.Subscribe, struck)
	s.ticketChanged()
}

// askToReturn has the backend decide about the channels, in front of whatever the client has sent behind its connect.
func (s *session) askToReturn(c *reactor.Conn, back *resumption) {
	v := s.guest()
	if v.turns == nil {
		v.turns = &turns{}
	}
	message := &turnMessage{counted: true}
	var first []*turn
	for _, name := range back.ticket.Channels {
		if s.isGiven(name) {
			continue
		}
		cmd := native.Command{Verb: native.Subscribe, ID: back.id, Channels: []string{name}, Recover: back.positions[name]}
		first = append(first, &turn{command: cmd, event: webhook.Subscribe, message: message})
	}
	v.turns.waiting = append(first, v.turns.waiting...)
	v.turns.next = 0
	s.proceed(c)
}
