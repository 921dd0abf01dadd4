package edge

import (
	"net/url"
	"slices"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect/raw"
	"github.com/wsedge/wsedge/internal/flight"
	"github.com/wsedge/wsedge/internal/hub"
	"github.com/wsedge/wsedge/reactor"
)

// rawSession is a client of /ws/raw: it gets the data of the channels that its URL names, and what it sends is of no
// interest. Owned by the loop.
type rawSession struct {
	server *Server  // immutable
	number uint64   // of the client
	names  []string // from the URL; nil once joined
	joined []*hub.Channel
	member *member // who the client is; nil without authentication
	missed refills

	visitor *visitor // nil without webhooks
}

func (s *rawSession) open(c *reactor.Conn) {
	s.number = s.server.clients.add(c)
	s.server.flights.Load().Open(s.number)
	s.server.traffic.raw.Add(1)
	if s.member != nil && !s.enter(c) {
		return
	}
	if s.visitor != nil {
		s.letIn(c)
		return
	}
	s.join(c)
}

// join subscribes to all channels.
func (s *rawSession) join(c *reactor.Conn) {
	names := s.names
	s.names = nil
	if !s.remain(c, names) { // a reload since the handshake has not found these among the channels
		return
	}
	s.joined = make([]*hub.Channel, 0, len(names))
	for _, name := range names {
		channel, err := s.server.hub.Acquire(name)
		if err != nil {
			c.Close(frame.CloseTryAgainLater, "limit")
			return
		}
		s.joined = append(s.joined, channel)
		s.server.traffic.subscriptions.Add(1)
		if err := s.subscribe(c, channel); err != nil {
			c.Close(frame.CloseInternalError, "internal")
			return
		}
		channel.Enter(s.number, seenAs(s.member, s.visitor), c)
		s.server.noteChannel(s.number, flight.Subscribed, channel.Name())
	}
	s.reconsider(c) // namespaces may have been replaced between the verdict and the list of clients that Reconsider goes through
}

// subscribe makes the client a subscriber, at once, or behind the channel's latest value where that is promised.
func (s *rawSession) subscribe(c *reactor.Conn, channel *hub.Channel) error {
	if o := channel.Options(); !o.Latest || o.HistorySize == 0 {
		return c.SubscribeIn(channel.Topic(), formRaw)
	}
	joining, err := c.Join(channel.Topic(), formRaw)
	if err != nil {
		return err
	}
	s.server.catchUp(channel, nil, "", func(past broker.Past, err error) {
		c.Post(func(c *reactor.Conn) {
			if err != nil {
				c.Close(frame.CloseTryAgainLater, "unavailable")
				return
			}
			for _, r := range past.Publications {
				_ = c.Send(raw.Opcode(r.Kind), r.Data) // an error means that the conn is closed: OnClose follows
			}
			_ = joining.Complete(past.Position.Offset) // likewise
		})
	})
	return nil
}

func (s *rawSession) message(*reactor.Conn, frame.Opcode, []byte) {}

func (s *rawSession) closed() {
	s.server.clients.remove(s.number)
	s.server.traffic.raw.Add(-1)
	s.server.traffic.subscriptions.Add(-int64(len(s.joined)))
	s.server.unname(s.visitor)
	if s.member != nil {
		s.member.unseat(s.server)
		s.server.gate.leave(s.member)
	}
	for _, channel := range s.joined {
		channel.Leave(s.number, nil)
		channel.Release()
	}
	s.joined = nil
}

func (s *rawSession) goodbye(*reactor.Conn, frame.CloseCode, string) {}

func (s *rawSession) closeCode(cause reactor.Cause) (frame.CloseCode, string) {
	if cause == reactor.CauseShutdown {
		return raw.CloseShutdown, "shutdown"
	}
	return cause.Default()
}

// rawChannels reads the channels out of a query: one or more parameters called channel, each named once even if it stands
// there twice. A *frame.HandshakeError says what is wrong with it.
func rawChannels(query string, limit int) ([]string, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, &frame.HandshakeError{Status: 400, Reason: "bad_query"}
	}
	var names []string
	for _, name := range values["channel"] {
		if !channel.ValidName(name) {
			return nil, &frame.HandshakeError{Status: 400, Reason: "bad_channel"}
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, &frame.HandshakeError{Status: 400, Reason: "channel_missing"}
	}
	if len(names) > limit {
		return nil, &frame.HandshakeError{Status: 400, Reason: "limit"}
	}
	return names, nil
}
