package edge

import (
	"cmp"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/dialect"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/hub"
	"github.com/wsedge/wsedge/reactor"
)

// catchUp asks the engine where a channel is, and what a subscriber is to get who joins there and was at from before; nil: it is new. user is whose acknowledgements count, "" for nobody's.
func (s *Server) catchUp(channel *hub.Channel, from *broker.Position, user string, done func(broker.Past, error)) {
	o := channel.Options()
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

// replay is what a client gets of the past: the messages one after the other, and where each ends.
type replay struct {
	texts []byte
	ends  []int
}

// replay makes what the client gets who joins a channel. What it has missed is recovered whole, or not at all: if the conn can't hold it,
// past is not Exact any more, and the latest value is what is left of it, where the channel promises that. It is false where the conn
// can't hold that either.
func (s *session) replay(c *reactor.Conn, channel *hub.Channel, past *broker.Past) (missed replay, fits bool) {
	room := c.OutboundRoom() / 4 * 3 // the rest is for what is published meanwhile: the conn shall not count as slow at once
	missed, n := replayOf(room, channel.Name(), past.Publications, s.id())
	if n == len(past.Publications) {
		return missed, true
	}
	past.Exact = false
	if !channel.Options().Latest {
		return replay{}, true
	}
	missed, n = replayOf(room, channel.Name(), past.Publications[len(past.Publications)-1:], s.id())
	return missed, n == 1
}

// replayOf makes the messages of the first n records, which is as many as fit into room bytes on the wire, but for those that were not
// for the client of that id.
func replayOf(room int64, channel string, records []broker.Record, client string) (missed replay, n int) {
	const around = 96 // what is around the data of most messages, beside the channel's name
	size, fit := int64(0), 0
	for ; fit < len(records) && size < room; fit++ {
		size += int64(len(records[fit].Data) + len(channel) + around)
	}
	missed = replay{texts: make([]byte, 0, min(size, room)), ends: make([]int, 0, fit)}
	for i, r := range records {
		if r.Exclude != "" && r.Exclude == client {
			continue
		}
		end := len(missed.texts)
		missed.texts = native.AppendMessageText(missed.texts, &dialect.Message{
			Publication: r.Publication, Channel: channel, Offset: r.Offset, Prev: r.Prev,
		})
		if int64(len(missed.texts)+(i+1)*frame.MaxHeaderBytes) > room {
			missed.texts = missed.texts[:end]
			return missed, i
		}
		missed.ends = append(missed.ends, len(missed.texts))
	}
	return missed, len(records)
}

// send puts the messages on the conn.
func (r *replay) send(c *reactor.Conn) {
	begin := 0
	for _, end := range r.ends {
		send(c, r.texts[begin:end])
		begin = end
	}
}
