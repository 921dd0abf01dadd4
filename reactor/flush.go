package reactor

import (
	"syscall"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/pool"
)

// corkMaxBytes is the size of cork that a loop keeps; a larger one, after a burst, is let go.
const corkMaxBytes = 256 << 10

// directBytes is the size from which bytes are sent from where they are. Smaller ones are joined by copying, which costs
// less than telling the kernel of many pieces.
const directBytes = 16 << 10

// maxJoinBytes bounds what is joined for one write.
const maxJoinBytes = 64 << 10

// arena holds what a turn gathers for conns other than the corked one: a list per conn, circular, through one slice, so
// that gathering allocates nothing. A conn holds the index of its last entry; index 0 is none.
type arena struct {
	nodes []node
}

type node struct {
	entry
	next int32
}

// scratchMaxItems is how large the scratch slices of a loop may stay; after a burst they are let go.
const scratchMaxItems = 4096

// emptied returns s without its items, and without its storage if a burst has made that large.
func emptied[T any](s []T) []T {
	if cap(s) > scratchMaxItems {
		return nil
	}
	clear(s)
	return s[:0]
}

// reset empties the arena. All its entries have been taken.
func (a *arena) reset() {
	if len(a.nodes) > 0 {
		a.nodes = emptied(a.nodes)
	}
}

// append puts e behind the list that ends at last and returns the new last.
func (a *arena) append(last int32, e entry) int32 {
	if len(a.nodes) == 0 {
		a.nodes = append(a.nodes, node{}) // index 0
	}
	i := int32(len(a.nodes))
	n := node{entry: e, next: i}
	if last != 0 {
		n.next = a.nodes[last].next
		a.nodes = append(a.nodes, n)
		a.nodes[last].next = i
		return i
	}
	a.nodes = append(a.nodes, n)
	return i
}

// list appends the entries of the list that ends at last to dst, in order.
func (a *arena) list(dst []entry, last int32) []entry {
	for i := a.nodes[last].next; ; i = a.nodes[i].next {
		dst = append(dst, a.nodes[i].entry)
		if i == last {
			return dst
		}
	}
}

// putFrame queues one whole frame; it copies payload.
func (c *Conn) putFrame(op frame.Opcode, payload []byte) {
	l := c.loop
	if l.corked == c && len(payload) < directBytes {
		l.cork = c.appendFrame(l.cork, op, payload)
		l.spillCork()
		return
	}
	s := pool.NewShared(frame.MaxHeaderBytes + len(payload))
	s.SetBytes(c.appendFrame(s.Storage(), op, payload))
	l.gather(c, entry{shared: s})
}

// appendFrame appends a frame as the conn's side sends it: what a client sends is masked (RFC 6455, section 5.3).
func (c *Conn) appendFrame(dst []byte, op frame.Opcode, payload []byte) []byte {
	if c.class == classDialed {
		return frame.AppendMaskedFrame(dst, op, payload, c.loop.maskingKey())
	}
	return frame.AppendFrame(dst, op, payload)
}

// putBytes queues ready wire bytes; it copies b.
func (c *Conn) putBytes(b []byte) {
	l := c.loop
	if l.corked == c {
		l.cork = append(l.cork, b...)
		return
	}
	s := pool.NewShared(len(b))
	_, _ = s.Write(b)
	l.gather(c, entry{shared: s})
}

// gather notes e for the end of the turn, behind all that the turn has for c already; it takes ownership.
func (l *loop) gather(c *Conn, e entry) {
	if c.gathered == 0 {
		c.flags |= flagGathered
		l.dirty = append(l.dirty, c)
	}
	if l.corked == c && len(l.cork) > 0 {
		c.gathered = l.arena.append(c.gathered, entry{shared: l.takeCork()})
	}
	c.gathered = l.arena.append(c.gathered, e)
}

// takeCork moves the cork's bytes to a shared buffer.
func (l *loop) takeCork() *pool.Shared {
	s := pool.NewShared(len(l.cork))
	_, _ = s.Write(l.cork)
	l.emptyCork()
	return s
}

// spillCork keeps what one callback sends from growing beyond what is joined for one write: the conn's limit would not
// be seen to hold. The conn may be closed by it, so it is for messages alone, and not for what ends a conn.
func (l *loop) spillCork() {
	if len(l.cork) < maxJoinBytes {
		return
	}
	c := l.corked
	if c.gathered != 0 {
		c.gathered = l.arena.append(c.gathered, entry{shared: l.takeCork()})
		return
	}
	b := l.cork
	l.cork = nil // sending may put a close frame into it
	c.sendBytes(b)
	if len(l.cork) == 0 && cap(b) <= corkMaxBytes {
		l.cork = b[:0]
	}
}

func (l *loop) emptyCork() {
	l.cork = l.cork[:0]
	if cap(l.cork) > corkMaxBytes {
		l.cork = nil
	}
}

// uncork ends the handling of one conn's input: its output goes out.
func (l *loop) uncork() {
	c := l.corked
	if c.gathered != 0 { // the order between cork and arena is the arena's to keep
		if len(l.cork) > 0 {
			c.gathered = l.arena.append(c.gathered, entry{shared: l.takeCork()})
		}
		l.corked = nil
		return // flushed with the rest of the turn
	}
	l.corked = nil
	if len(l.cork) > 0 {
		c.sendBytes(l.cork)
		l.emptyCork()
	}
	c.outputDone()
}

// sendBytes sends b at once, or queues what the socket does not take; it copies that.
func (c *Conn) sendBytes(b []byte) {
	if c.state >= stateHandedOver {
		return
	}
	begun := false
	if c.out == nil {
		n, errno := c.send(b)
		begun = n > 0
		c.loop.stats.sends.Add(1)
		c.loop.stats.bytesOut.Add(int64(n))
		if errno != 0 && errno != syscall.EAGAIN {
			c.abort(errno)
			return
		}
		if b = b[n:]; len(b) == 0 {
			return
		}
	}
	s := pool.NewShared(len(b))
	_, _ = s.Write(b)
	c.enqueue(entry{shared: s}, 0, begun)
}

// flushDirty sends what the turn has gathered.
func (l *loop) flushDirty() {
	var scratch [16]entry
	for i := 0; i < len(l.dirty); i++ {
		c := l.dirty[i]
		if c.gathered == 0 {
			continue // closed meanwhile
		}
		entries := l.arena.list(scratch[:0], c.gathered)
		c.gathered = 0
		c.flags &^= flagGathered
		c.flush(entries)
	}
	l.dirty = emptied(l.dirty)
}

// flush sends entries in one write, as far as that goes, and queues the rest. It takes ownership of the entries.
func (c *Conn) flush(entries []entry) {
	offset := 0
	if c.out == nil {
		sent, rest, errno := c.sendEntries(entries, 0)
		for i := range entries[:sent] {
			entries[i].release()
		}
		entries, offset = entries[sent:], rest
		if errno != 0 && errno != syscall.EAGAIN {
			c.lose(entries)
			c.abort(errno)
			return
		}
	}
	for i := range entries {
		if c.state >= stateHandedOver {
			c.lose(entries[i:])
			return
		}
		c.enqueue(entries[i], offset, false)
		offset = 0
	}
	c.outputDone()
}

// lose gives back what cannot be sent any more, because the peer is gone.
func (c *Conn) lose(entries []entry) {
	for i := range entries {
		c.loop.stats.drops[DropPeerGone].Add(int64(entries[i].frames))
		c.loop.receipts.lost(entries[i].shared)
		entries[i].release()
	}
}

// sendEntries sends entries, the first from offset on, small ones joined. It returns how many the socket took whole, and
// how many bytes of the one after those.
func (c *Conn) sendEntries(entries []entry, offset int) (sent, rest int, errno syscall.Errno) {
	l := c.loop
	for sent < len(entries) {
		b := entries[sent].shared.Bytes()[offset:]
		if c.flags&flagNoCoalesce == 0 {
			b = l.joined(b, entries[sent+1:])
		}
		n, errno := c.send(b)
		l.stats.sends.Add(1)
		l.stats.bytesOut.Add(int64(n))
		offset += n
		for sent < len(entries) && offset >= entries[sent].shared.Len() {
			offset -= entries[sent].shared.Len()
			sent++
		}
		if errno != 0 {
			return sent, offset, errno
		}
		if n < len(b) {
			return sent, offset, syscall.EAGAIN
		}
	}
	return sent, 0, 0
}

// joined returns b with the bytes of following entries behind it, where both are small; b itself where nothing is joined.
func (l *loop) joined(b []byte, following []entry) []byte {
	if len(following) == 0 || len(b) >= directBytes || following[0].shared.Len() >= directBytes {
		return b
	}
	l.join = append(l.join[:0], b...)
	for i := range following {
		next := following[i].shared.Bytes()
		if len(next) >= directBytes || len(l.join)+len(next) > maxJoinBytes {
			break
		}
		l.join = append(l.join, next...)
	}
	return l.join
}

// dropGathered gives back what the turn holds for a conn that is going.
func (l *loop) dropGathered(c *Conn) {
	if c.gathered == 0 {
		return
	}
	var scratch [16]entry
	c.lose(l.arena.list(scratch[:0], c.gathered))
	c.gathered = 0
	c.flags &^= flagGathered
}
