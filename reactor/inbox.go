package reactor

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wsedge/wsedge/pool"
)

// postKind says what an item of the inbox asks the loop to do.
type postKind uint8

const (
	postPublication postKind = iota // send shared to the subscribers of topic in variant
	postCall                        // run call for conn
	postSend                        // run call for conn, and release shared, which it sends
	postWritable                    // the congested conn known by token can take bytes again
	postTLS                         // the TLS handshake of conn has gone on
	postResume                      // the gap of group's form has passed
	postDrain                       // the server is shutting down
	postAsk                         // run call, for no conn
)

// post is one item of an inbox. Which fields are set depends on the kind.
type post struct {
	kind    postKind
	variant variant
	topic   *Topic
	shared  *pool.Shared // owned by the item
	conn    *Conn        // postPublication: the conn to leave out, or nil
	call    func(*Conn)
	group   *group
	seq     uint64   // postPublication: the publication's; postWritable: the token
	prev    uint64   // postPublication: the one before it
	spread  *spread  // postPublication: what it has in common with those to other topics; nil: it is to one alone
	receipt *Receipt // postPublication: a part of it goes with the item; nil: nobody asks
}

// inbox is the only way into a loop from another goroutine: a queue, and one wake-up per batch.
//
// The engine's own task queue is not used. It does not keep its order when it is long, runs what is posted while it is
// drained before the next poll, so that a loop that posts to itself starves its reads, and allocates for each task. The
// wake-up is one byte through a socket pair, read by the loop like any other input: the poll gives it its turn behind
// what was ready before it.
type inbox struct {
	mu       sync.Mutex
	posts    []post
	tick     time.Time // when a tick of the clock became due; zero: none is. Several make one
	signaled bool      // a wake-up is on its way
	closed   bool
	wakeFD   int // our end of the socket pair

	spare []post // the loop's: the empty slice that the next take puts in place
}

// put queues p and wakes the loop if nobody has yet. It reports whether the inbox still takes posts: if not, p.shared
// stays the caller's. Safe from any goroutine.
func (in *inbox) put(p post) bool {
	in.mu.Lock()
	if in.closed {
		in.mu.Unlock()
		return false
	}
	in.posts = append(in.posts, p)
	in.signalLocked()
	in.mu.Unlock()
	return true
}

// putAll is put for several posts, which the loop takes in one turn.
func (in *inbox) putAll(posts []post) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return false
	}
	in.posts = append(in.posts, posts...)
	in.signalLocked()
	return true
}

// putTick tells the loop to look at the clock, which shows now. Safe from any goroutine.
func (in *inbox) putTick(now time.Time) {
	in.mu.Lock()
	if !in.closed {
		if in.tick.IsZero() {
			in.tick = now
		}
		in.signalLocked()
	}
	in.mu.Unlock()
}

// wake makes the loop take a turn. Safe from any goroutine.
func (in *inbox) wake() {
	in.mu.Lock()
	if !in.closed {
		in.signalLocked()
	}
	in.mu.Unlock()
}

// signalLocked writes under the mutex, so that the descriptor cannot be closed, and its number given away, in between.
func (in *inbox) signalLocked() {
	if in.signaled {
		return
	}
	in.signaled = true
	for {
		// EAGAIN cannot be: at most one byte is on its way. Any other error means that the loop has gone.
		if _, err := unix.Write(in.wakeFD, []byte{1}); err != unix.EINTR {
			return
		}
	}
}

// take gives the loop all that has gathered. The slice is the loop's, which leaves it in spare when it is done.
func (in *inbox) take() (posts []post, tick time.Time) {
	in.mu.Lock()
	posts, in.posts, in.spare = in.posts, in.spare, nil
	tick, in.tick = in.tick, time.Time{}
	in.signaled = false
	in.mu.Unlock()
	return posts, tick
}

// close ends the inbox, gives back what nobody will take, and closes the descriptor.
func (in *inbox) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return
	}
	in.closed = true
	for _, p := range in.posts {
		if p.shared != nil {
			p.shared.Release()
		}
		p.receipt.settle()
	}
	in.posts = nil
	_ = unix.Close(in.wakeFD)
}
