package edge

import (
	"cmp"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/hub"
	"github.com/wsedge/wsedge/reactor"
)

// catchUp asks the engine where a channel is, and what a subscriber is to get who joins there and was at from before; nil: it is new. user is
// whose acknowledgements count, as far as the channel still promises that; "" for nobody's.
func (s *Server) catchUp(channel *hub.Channel, from *broker.Position, user string, done func(broker.Past, error)) {
	o := channel.Options()
	if !o.Ack {
		user = ""
	}
	recover := o.Recover || o.Ack
	if o.HistorySize == 0 || !o.Latest && user == "" && (!recover || from == nil) {
		channel.Position(func(p broker.Position, err error) {
			done(broker.Past{Position: p, Exact: from != nil && *from == p}, err)
		})
		return
	}
	q := broker.RecoverQuery{Since: from, MaxBytes: s.outboundMaxBytes(), Limit: s.outboundMaxMessages(), Latest: o.Latest, User: user}
	if !recover {
		q.Since = nil
	}
	channel.Recover(q, func(past broker.Past, err error) {
		if !recover && from != nil && *from == past.Position {
			past.Exact, past.Publications = true, nil // it has seen the latest
		}
		done(past, err)
	})
}

// outboundMaxBytes is how much may wait for a connection.
func (s *Server) outboundMaxBytes() int64 {
	return cmp.Or(s.config.OutboundMaxBytes, reactor.DefaultOutboundMaxBytes)
}

// outboundMaxMessages is more messages than can wait for a connection: the shortest has 50 bytes. Without that bound a client could have lists
// of a million tiny publications made by one short command.
func (s *Server) outboundMaxMessages() int { return int(s.outboundMaxBytes()/50) + 1 }

// replay makes what the client gets who joins a channel. What it has missed is recovered whole, or not at all: if the conn can't hold it,
// past is not Exact any more, and the latest value is what is left of it, where the channel promises that. It is false where the conn
// can't hold that either.
//
// The caller owns missed, which is nil where there is nothing.
func (s *session) replay(c *reactor.Conn, channel *hub.Channel, past *broker.Past) (missed *reactor.Batch, fits bool) {
	room := c.OutboundRoom() / 4 * 3 // the rest is for what is published meanwhile: the conn shall not count as slow at once
	missed, fits = s.server.replay(room, channel, past.Position.Epoch, past.Publications, s.id())
	if fits {
		return missed, true
	}
	past.Exact = false
	if !channel.Options().Latest {
		return nil, true
	}
	return s.server.replay(room, channel, past.Position.Epoch, past.Publications[len(past.Publications)-1:], s.id())
}
