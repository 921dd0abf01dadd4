package jetstream

import (
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
)

// What users have acknowledged is kept in a stream (cursorStream), so that they can come back on any node. A node has in hand the cursors of users
// who are connected to it, and those that it has still to store.

const (
	// cursorDelay is how long an acknowledgement waits for more of the same user before it is stored: so a cursor is written ten times a second at most.
	// When a node is killed, what was acknowledged within it and the time of an answer is sent again.
	cursorDelay = 100 * time.Millisecond
	// cursorRetry is when what could not be stored is tried again.
	cursorRetry = time.Second
	// cursorBytes is what one in hand costs beside its subject, with its place in the map and in a queue.
	cursorBytes = 320
)

// cursors are those that this node has in hand. Safe from any goroutine.
type cursors struct {
	// Immutable after newCursors.
	engine   *Engine
	requests *requests // of their own, so that they hold nobody up who misses publications
	maxBytes int64

	// Shared: atomic.
	reads, writes, conflicts, failures, refused atomic.Int64

	// Guarded by mu.
	mu    sync.Mutex
	all   map[string]*cursor // by subject
	bytes int64
	owed  int           // how many are still to be stored
	empty chan struct{} // closed when that is none; nil: nobody waits
	soon  []*cursor     // that wait for cursorDelay, in their order
	later []*cursor     // likewise for cursorRetry
}

// cursor is a user's in a channel. Guarded by cursors.mu, but for what is immutable.
type cursor struct {
	// Immutable.
	table   *cursors
	stream  *cursorStream
	subject string

	epoch string
	at    uint64 // where it is, as far as this node knows: see has
	has   bool
	holds int
	since time.Time // it is in hand

	stored stored // what the stream has, if known
	known  bool

	// What is still to be stored.
	acked  uint64 // whatever there is below it, if acks
	acks   bool
	begins *beginning
	touch  bool // what there is, so that it does not become too old

	writing, counted bool
	due              time.Time // zero while it is in no queue
}

// beginning is where a subscription has begun: the cursor goes there only if it still is where it was; nil: there was none. That may be down, where the
// cursor was beyond what the stream has.
type beginning struct {
	was *uint64
	at  uint64
}

func newCursors(e *Engine) *cursors {
	return &cursors{
		engine: e, maxBytes: e.config.MaxCursorBytes, all: make(map[string]*cursor),
		requests: &requests{
			link: e.link, inbox: "_INBOX." + e.node + ".c.", timeout: e.config.Timeout, now: e.config.Now, asked: make(map[uint64]*request),
		},
	}
}

// subjectOf is a user's in a channel. Users' names may have any bytes, and any length.
func (s *cursorStream) subjectOf(channel, user string) string {
	sum := sha256.Sum256([]byte(user))
	return s.prefix + token(channel) + "." + base64.RawURLEncoding.EncodeToString(sum[:])
}

// of is a cursor, taken into hand in that epoch; nil where there is no room. The caller holds mu.
func (t *cursors) of(s *cursorStream, subject, epoch string) *cursor {
	c := t.all[subject]
	if c == nil {
		cost := int64(cursorBytes + len(subject))
		if t.bytes+cost > t.maxBytes {
			t.refused.Add(1)
			return nil
		}
		t.bytes += cost
		c = &cursor{table: t, stream: s, subject: subject, epoch: epoch, since: t.engine.config.Now()}
		t.all[subject] = c
	}
	if c.epoch != epoch { // what was acknowledged in another is void
		c.epoch, c.has, c.at, c.acks, c.begins, c.touch = epoch, false, 0, false, nil, false
	}
	return c
}

// owes tells whether there is something to store. The caller holds mu.
func (c *cursor) owes() bool { return c.acks || c.begins != nil || c.touch }

// settle counts a cursor that is to be stored, and lets go one that is not, if nobody holds it. The caller holds mu.
func (t *cursors) settle(c *cursor) {
	owes := c.owes() || c.writing
	if owes != c.counted {
		if c.counted = owes; owes {
			t.owed++
		} else {
			t.owed--
		}
	}
	if t.owed == 0 && t.empty != nil {
		close(t.empty)
		t.empty = nil
	}
	if !owes && c.holds == 0 && t.all[c.subject] == c {
		delete(t.all, c.subject)
		t.bytes -= int64(cursorBytes + len(c.subject))
	}
}

// acknowledge moves a cursor up. It is stored later.
func (t *cursors) acknowledge(s *cursorStream, subject, epoch string, offset uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.of(s, subject, epoch)
	if c == nil { // the user will be told on return that something may be missing, or gets it again
		return
	}
	if !c.has || offset > c.at {
		c.has, c.at, c.acks, c.acked = true, offset, true, offset
		t.queue(c, &t.soon, cursorDelay)
	}
	t.settle(c)
}

// hold is Log's Hold in an epoch.
func (t *cursors) hold(s *cursorStream, subject, epoch string, start broker.Start) (broker.Hold, uint64) {
	t.mu.Lock()
	c := t.of(s, subject, epoch)
	if c == nil {
		t.mu.Unlock()
		return nil, 0
	}
	c.holds++
	if start.Epoch != epoch { // it has changed meanwhile: what the subscriber was told does not count in this one
		t.mu.Unlock()
		return c, start.At
	}
	if was := start.Was; was != nil && (!c.has || c.at < *was) { // others have moved it up
		c.has, c.at = true, *was
	}
	switch was := start.Was; {
	case was == nil && !c.has, was != nil && c.at == *was && start.At != c.at:
		if c.begins != nil { // which is not stored yet
			was = c.begins.was
		}
		c.begins, c.has, c.at = &beginning{was, start.At}, true, start.At
	}
	at := c.at
	t.settle(c)
	begin := t.begin(c)
	t.mu.Unlock()
	begin.run()
	return c, at
}

// Release implements broker.Hold. What is still to be stored is stored now: the user may be on the way to another node.
func (c *cursor) Release() {
	t := c.table
	t.mu.Lock()
	c.holds--
	now := t.engine.config.Now()
	if age := c.stream.age(); age > 0 && c.holds == 0 && c.has && !c.owes() && now.Sub(c.since) > age/4 {
		c.touch = true
	}
	begin := afterwards(nil)
	if c.holds == 0 {
		t.settle(c)
		begin = t.begin(c)
	}
	t.mu.Unlock()
	begin.run()
}

// queue has a cursor stored after some time, unless it is about to be. The caller holds mu.
func (t *cursors) queue(c *cursor, q *[]*cursor, delay time.Duration) {
	if c.due.IsZero() && !c.writing {
		c.due = t.engine.config.Now().Add(delay)
		*q = append(*q, c)
	}
}

// begin has a cursor stored now, if that is owed and not under way. The caller holds mu, and runs the answer without it.
func (t *cursors) begin(c *cursor) afterwards {
	if c.writing || !c.owes() {
		return nil
	}
	c.writing, c.due = true, time.Time{} // in a queue it will be found not to be due
	return afterwards{func() { t.store(c) }}
}

// tick stores what is due, as long as there is a connection.
func (t *cursors) tick() {
	if !t.engine.Health().Up {
		return
	}
	var due afterwards
	now := t.engine.config.Now()
	t.mu.Lock()
	for _, q := range []*[]*cursor{&t.soon, &t.later} {
		n := 0
		for _, c := range *q {
			if c.due.After(now) {
				break
			}
			if !c.due.IsZero() {
				due = append(due, t.begin(c)...)
			}
			n++
		}
		clear((*q)[:n])
		if *q = (*q)[n:]; len(*q) == 0 {
			*q = nil
		}
	}
	t.mu.Unlock()
	due.run()
}

// flush stores all that is owed, and waits for that as long as an answer may take.
func (t *cursors) flush() {
	if !t.engine.Health().Up {
		return
	}
	var begin afterwards
	t.mu.Lock()
	for _, c := range t.all {
		begin = append(begin, t.begin(c)...)
	}
	if t.owed > 0 && t.empty == nil {
		t.empty = make(chan struct{})
	}
	empty := t.empty
	t.mu.Unlock()
	begin.run()
	if empty == nil {
		return
	}
	late := time.NewTimer(t.engine.config.Timeout)
	defer late.Stop()
	select {
	case <-empty:
	case <-late.C:
	}
}

// inHand is how many there are, and their bytes.
func (t *cursors) inHand() (n, bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return int64(len(t.all)), t.bytes
}
