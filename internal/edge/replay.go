package edge

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/dialect"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/hub"
	"github.com/wsedge/wsedge/reactor"
)

// What clients have missed is made once for all that have missed the same. When a network or a balancer fails, thousands of clients of a
// channel come back within a second, most of them from the same position: 18,000 that have missed 100 publications of 128 B would be 440 MB
// otherwise, made one by one.

// maxReplays is how many are kept at a time, which is as many positions as clients come back to from one another: those of a channel to which
// 64 publications a second go, say, or of 64 channels. maxReplayBytes bounds them together; they are charged to the node's budget.
const (
	maxReplays     = 64
	maxReplayBytes = 8 << 20
)

// replayTime is how long after the first of them all are let go.
const replayTime = time.Second

// replays are the newest replays. Safe from any goroutine; its lock is held for nothing but looking.
type replays struct {
	mu     sync.Mutex
	kept   []keptReplay // oldest first; one reference each
	bytes  int          // of them, on the wire
	expiry *time.Timer  // nil while there is none
	closed bool
}

// keptReplay is one of them, and what it is of.
type keptReplay struct {
	span  replaySpan
	batch *reactor.Batch
}

// replaySpan is a stretch of a channel's history. Within an epoch there is nothing else between two offsets.
type replaySpan struct {
	channel, epoch string
	first, last    uint64 // offsets
	records        int
}

func spanOf(channel *hub.Channel, epoch string, records []broker.Record) replaySpan {
	return replaySpan{channel.Name(), epoch, records[0].Offset, records[len(records)-1].Offset, len(records)}
}

// find returns a replay, of which the caller is an owner then; nil if it is not there.
func (r *replays) find(span replaySpan) *reactor.Batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(r.kept) - 1; i >= 0; i-- {
		if k := &r.kept[i]; k.span == span {
			k.batch.Retain()
			return k.batch
		}
	}
	return nil
}

// keep adds a replay; the caller stays an owner.
func (r *replays) keep(span replaySpan, batch *reactor.Batch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || batch.Len() > maxReplayBytes {
		return
	}
	batch.Retain()
	r.kept, r.bytes = append(r.kept, keptReplay{span, batch}), r.bytes+batch.Len()
	for len(r.kept) > maxReplays || r.bytes > maxReplayBytes {
		oldest := r.kept[0].batch
		r.bytes -= oldest.Len()
		oldest.Release()
		r.kept = slices.Delete(r.kept, 0, 1)
	}
	if r.expiry == nil {
		r.expiry = time.AfterFunc(replayTime, r.drop)
	}
}

// drop lets all of them go.
func (r *replays) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.kept {
		k.batch.Release()
	}
	r.kept, r.bytes, r.expiry = nil, 0, nil
}

// close lets all of them go, and keeps none any more.
func (r *replays) close() {
	r.mu.Lock()
	r.closed = true
	if r.expiry != nil {
		r.expiry.Stop()
	}
	r.mu.Unlock()
	r.drop()
}

// replay returns the messages of records, all of them but for those that were not for the client of that id; false if they are more than
// room bytes on the wire. The caller owns them; nil is none.
func (s *Server) replay(room int64, channel *hub.Channel, epoch string, records []broker.Record, client string) (*reactor.Batch, bool) {
	if len(records) == 0 {
		return nil, true
	}
	if slices.ContainsFunc(records, func(r broker.Record) bool { return r.Exclude != "" && r.Exclude == client }) {
		return s.whole(room, channel, records, client)
	}
	span := spanOf(channel, epoch, records)
	if batch := s.replays.find(span); batch != nil {
		if int64(batch.Len()) <= room {
			return batch, true
		}
		batch.Release()
		return nil, false
	}
	batch, fits := s.whole(room, channel, records, client)
	if fits {
		s.replays.keep(span, batch)
	}
	return batch, fits
}

// whole makes the messages of all records, or none.
func (s *Server) whole(room int64, channel *hub.Channel, records []broker.Record, client string) (*reactor.Batch, bool) {
	batch, n := s.batch(room, channel, records, client)
	if n < len(records) {
		batch.Release()
		return nil, false
	}
	return batch, true
}

// batch makes the messages of the first n records, which is as many as fit into room bytes on the wire, but for those that were not for the
// client of that id. The caller owns them.
func (s *Server) batch(room int64, channel *hub.Channel, records []broker.Record, client string) (b *reactor.Batch, n int) {
	const around = 96 // what is around the data of most messages, beside the channel's name
	size, fit := int64(0), 0
	for ; fit < len(records) && size < room; fit++ {
		size += int64(len(records[fit].Data) + len(channel.Name()) + around)
	}
	b = s.reactor.NewBatch(int(min(size, room, math.MaxInt32)), fit)
	var text []byte
	for i, r := range records {
		if r.Exclude != "" && r.Exclude == client {
			continue
		}
		text = native.AppendMessageText(text[:0], &dialect.Message{
			Publication: r.Publication, Channel: channel.Name(), Offset: r.Offset, Prev: r.Prev,
		})
		if int64(b.Len()+len(text)+frame.MaxHeaderBytes) > room {
			return b, i
		}
		_ = b.Add(frame.OpText, text) // the opcode is a message's
	}
	return b, len(records)
}

// sendBatch puts the messages on the conn, and lets them go. A conn that is closed by now has been told of its own end.
func sendBatch(c *reactor.Conn, b *reactor.Batch) {
	if b != nil {
		_ = c.SendBatch(b)
		b.Release()
	}
}
