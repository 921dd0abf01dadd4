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

// catchUp asks the engine where a channel is, and what a subscriber is to get who joins there and was at from before; nil: it is new.
func (s *Server) catchUp(channel *hub.Channel, from *broker.Position, done func(broker.Past, error)) {
	o := channel.Options()
	if o.HistorySize == 0 || !o.Latest && (!o.Recover || from == nil) {
		channel.Position(func(p broker.Position, err error) {
			done(broker.Past{Position: p, Exact: from != nil && *from == p}, err)
		})
		return
	}
	q := broker.RecoverQuery{Since: from, MaxBytes: s.outboundMaxBytes(), Latest: o.Latest}
	if !o.Recover {
		q.Since = nil
	}
	channel.Recover(q, func(past broker.Past, err error) {
		if !o.Recover && from != nil && *from == past.Position {
			past.Exact, past.Publications = true, nil // it has seen the latest
		}
		done(past, err)
	})
}

// outboundMaxBytes is how much may wait for a connection.
func (s *Server) outboundMaxBytes() int64 {
	return cmp.Or(s.config.OutboundMaxBytes, reactor.DefaultOutboundMaxBytes)
}

// replay is what a client gets of the past: the messages one after the other, and where each ends.
type replay struct {
	texts []byte
	ends  []int
}

// replay makes what the client gets who joins a channel. What it has missed is recovered whole, or not at all: if the conn can't hold it,
// past is not Exact any more, and the latest value is what is left of it, where the channel promises that. It is false where the conn
// can't hold that either.
func (s *session) replay(c *reactor.Conn, channel *hub.Channel, past *broker.Past) (missed replay, fits bool) {
	if missed, fits = replayOf(c, channel.Name(), past, s.id()); fits {
		return missed, true
	}
	past.Exact = false
	if !channel.Options().Latest {
		return missed, true
	}
	past.Publications = past.Publications[len(past.Publications)-1:]
	return replayOf(c, channel.Name(), past, s.id())
}

// replayOf makes the messages of the past, but for those that were not for the client of that id. They may take three quarters of what
// the conn can still hold, so that it does not count as slow with the first publication behind them. If all of them do not fit,
// fits is false, and there is none.
func replayOf(c *reactor.Conn, channel string, past *broker.Past, client string) (missed replay, fits bool) {
	if len(past.Publications) == 0 {
		return missed, true
	}
	room := c.OutboundRoom() / 4 * 3
	for _, r := range past.Publications {
		if r.Exclude != "" && r.Exclude == client {
			continue
		}
		missed.texts = native.AppendMessageText(missed.texts, &dialect.Message{
			Publication: r.Publication, Channel: channel, Offset: r.Offset, Prev: r.Prev,
		})
		missed.ends = append(missed.ends, len(missed.texts))
		if int64(len(missed.texts)+len(missed.ends)*frame.MaxHeaderBytes) > room {
			return replay{}, false
		}
	}
	return missed, true
}

// send puts the messages on the conn.
func (r *replay) send(c *reactor.Conn) {
	begin := 0
	for _, end := range r.ends {
		send(c, r.texts[begin:end])
		begin = end
	}
}
