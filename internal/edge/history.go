package edge

import (
	"bytes"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/metrics"
	"github.com/wsedge/wsedge/reactor"
)

// maxHistoryBytes bounds the data of one answer to a client. One publication may be larger.
const maxHistoryBytes = 256 << 10

// history answers with a part of a channel's history.
func (s *session) history(c *reactor.Conn, cmd *native.Command) {
	name := cmd.Channels[0]
	if denied := s.permit(c, auth.History, name); denied != nil {
		s.refuse(c, cmd.ID, name, denied)
		return
	}
	ch, err := s.server.hub.Acquire(name)
	if err != nil {
		s.refuse(c, cmd.ID, name, errLimit)
		return
	}
	id, asked, slot := bytes.Clone(cmd.ID), cmd.Recover != nil, s.reserve(c)
	ch.History(broker.HistoryQuery{Since: cmd.Recover.Position(), Limit: cmd.Limit, MaxBytes: maxHistoryBytes}, func(past broker.Past, err error) {
		ch.Release()
		c.Post(func(c *reactor.Conn) {
			s.answer(c, slot, func(c *reactor.Conn) { send(c, s.historyReply(c, id, name, &past, err, asked)) })
		})
	})
}

// historyReply is made when its turn has come: until then it is not known what the conn can hold. It has fewer publications than it might
// where that is less, and one at least if nothing else waits.
func (s *session) historyReply(c *reactor.Conn, id []byte, name string, past *broker.Past, err error, asked bool) []byte {
	room := c.OutboundRoom()
	past.Publications = shorten(past.Publications, room/4*3, asked)
	for err == nil {
		text, n := native.AppendHistory(nil, id, name, past, asked, s.id()), len(past.Publications)
		if int64(len(text)) <= room/4*3 || n == 1 && room == s.server.outboundMaxBytes() {
			return text
		}
		if n <= 1 {
			break
		}
		past.Publications = part(past.Publications, n/2, asked)
	}
	return native.AppendError(nil, id, name, errUnavailable)
}

// shorten leaves no more than might fit into room bytes, but one at least: an answer for which there is no room must cost next to nothing.
func shorten(records []broker.Record, room int64, oldest bool) []broker.Record {
	n, bytes := 0, int64(0)
	for ; n < len(records); n++ {
		i := n
		if !oldest {
			i = len(records) - 1 - n
		}
		if bytes += int64(len(records[i].Data)); bytes > room && n > 0 {
			break
		}
	}
	return part(records, n, oldest)
}

// part are the oldest n, which follow on a position, or the newest.
func part(records []broker.Record, n int, oldest bool) []broker.Record {
	if oldest {
		return records[:n]
	}
	return records[len(records)-n:]
}

// historyShort tells that the engine, if it is the one in the process, has hardly room for more history.
func (s *Server) historyShort() bool {
	m, ok := s.config.Broker.(*broker.Memory)
	return ok && m.Short()
}

// historyStats are those of the engine, if it is the one in the process, and of the hub.
func (s *Server) historyStats() metrics.History {
	h := metrics.History{Channels: s.hub.Forgotten()}
	if m, ok := s.config.Broker.(*broker.Memory); ok {
		stats := m.Stats()
		h.Bytes, h.KeyBytes, h.Publications, h.Keys = stats.HistoryBytes, stats.KeyBytes, stats.Publications, stats.Keys
	}
	return h
}
