package edge

import (
	"bytes"
	"cmp"
	"net/url"
	"slices"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/ticket"
	"github.com/wsedge/wsedge/reactor"
)

// holder is what a session remembers of its tickets: 88 B, for clients that asked for them.
//
// Owned by the loop, but for what is the server's.
type holder struct {
	conn    *reactor.Conn // nil until there is a ticket
	issued  time.Time     // the last one, or that which the client came with
	print   uint64        // of what it says
	client  string        // the first of those that have come back with tickets one after the other; "": this one
	changed bool          // something has changed since, and the office knows
	back    *resumption   // nil but while the client comes back with a ticket

	// Guarded by the mutex of the server's tickets.
	due       int64 // Unix time in ms
	heapIndex int   // 1 + place in the queue; 0: it is not in there
}

// wantsTickets tells whether a handshake asks for tickets: ?ticket=1.
func wantsTickets(r *frame.Request) bool {
	if !bytes.Contains(r.Query, []byte("ticket")) {
		return false
	}
	query, err := url.ParseQuery(string(r.Query))
	return err == nil && query.Get("ticket") == "1"
}

// takeTickets notes that the client wants tickets.
func (s *session) takeTickets() {
	if r := s.guarded().rarities(); r.holder == nil {
		r.holder = &holder{}
	}
}

// holder is what is remembered of the session's tickets; nil where the client wants none.
func (s *session) holder() *holder {
	if s.guard == nil || s.guard.rare == nil {
		return nil
	}
	return s.guard.rare.holder
}

// dropTickets forgets the holder.
func (s *session) dropTickets() {
	if h := s.holder(); h != nil {
		s.server.tickets.leave(h)
	}
}

// barTickets has all tickets refused that the client holds.
func (s *session) barTickets() {
	if h := s.holder(); h != nil {
		s.server.bar(cmp.Or(h.client, s.id()))
	}
}

// ticketChanged says that a ticket would say something else by now. The client gets it a moment later, with what else has changed until then.
func (s *session) ticketChanged() {
	h := s.holder()
	if h == nil || h.changed || h.conn == nil {
		return
	}
	h.changed = true
	s.server.tickets.schedule(h, s.server.config.now().Add(ticketPause))
}

// renewTicket sends a new ticket, if the client's says something else, or is old.
func (s *session) renewTicket(c *reactor.Conn) {
	h := s.holder()
	if h == nil || s.member != nil && s.member.over {
		return
	}
	h.changed = false
	now, next := s.server.config.now(), s.describe()
	if at := h.issued.Add(earliestRenewal); now.Before(at) && next.Print() == h.print {
		s.server.tickets.schedule(h, renewal(h.issued))
		return
	}
	if text := s.sealTicket(c, next, now); text != "" {
		s.respond(c, native.AppendTicket(nil, text))
	}
}

// firstTicket is what goes with a welcome; "" where the client wants none, or has brought one.
func (s *session) firstTicket(c *reactor.Conn) string {
	h := s.holder()
	if h == nil || h.back != nil {
		return ""
	}
	return s.sealTicket(c, s.describe(), s.server.config.now())
}

// sealTicket makes the text of a ticket, and notes when there shall be another; "" where there can be none.
func (s *session) sealTicket(c *reactor.Conn, t *ticket.Ticket, now time.Time) string {
	box := s.server.tickets.box.Load()
	if box == nil {
		return ""
	}
	h := s.holder()
	t.Issued = now
	h.conn, h.issued, h.print, h.changed = c, now, t.Print(), false
	s.server.tickets.schedule(h, renewal(now))
	text, ok := box.Seal(t, s.server.deployment())
	if !ok { // its identity alone is too large
		return ""
	}
	s.server.tickets.issued.Add(1)
	return text
}

// describe is what a ticket says of the client. What the server has subscribed the client to is for the server to do again.
func (s *session) describe() *ticket.Ticket {
	t := &ticket.Ticket{Client: cmp.Or(s.holder().client, s.id())}
	if m := s.member; m != nil {
		t.Identity, t.Leaves = m.identity, m.leaves
	}
	for _, name := range s.channelNames() {
		if !s.isGiven(name) {
			t.Channels = append(t.Channels, name)
		}
	}
	slices.Sort(t.Channels)
	return t
}

// deployment is what nodes must have in common to take each other's tickets beside keys: whose tokens they believe.
func (s *Server) deployment() string {
	if s.gate == nil {
		return "open"
	}
	config := s.gate.auth.Config()
	return "auth\x00" + config.Issuer + "\x00" + config.Audience
}
