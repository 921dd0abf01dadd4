package flight

import (
	"strings"
	"sync"
	"time"
)

// End says how a connection has ended.
type End struct {
	// User is who the client was; "" for nobody.
	User string
	// Dialect is what it spoke: wsedge.v1 or raw.
	Dialect string
	// Code is the close code, 1006 where no close frame went either way (RFC 6455, section 7.4.1), and Reason what came with it. Both are
	// the client's where it was the one to close.
	Code   int
	Reason string
	// Remote tells that the client began it.
	Remote bool
	// Err says what became of a socket that ended without a close frame: ErrReset, ErrEOF, ErrTimeout, or anything; "" for nothing.
	Err string
}

// What becomes of sockets.
const (
	ErrReset   = "reset"   // the peer's system has thrown the connection away
	ErrEOF     = "eof"     // the peer has ended it, without a close frame
	ErrTimeout = "timeout" // the peer's system does not answer
)

// Texts in an End are cut: a client's name may be long.
const (
	maxTextBytes = 255
	// endedBytes is what an end takes beside its texts: 224 of its Flight, 96 of its own, and 40 of the tables.
	endedBytes = 360
	// bytesPerEnd is how much memory there is for each end that may be kept: with long names there are fewer.
	bytesPerEnd = 512
)

// ended is a connection that has ended. It never changes.
type ended struct {
	flight *Flight
	end    End
	closed int64 // Unix time in milliseconds
}

func newEnded(f *Flight, end End, now int64) *ended {
	for _, text := range []*string{&end.User, &end.Reason, &end.Err} {
		*text = strings.Clone(cut(*text)) // and not what it is a part of
	}
	return &ended{f, end, max(now, f.opened+f.last)}
}

// cut is the beginning of a text, as far as there is room for it.
func cut(text string) string { return strings.ToValidUTF8(text[:min(len(text), maxTextBytes)], "") }

func (e *ended) size() int {
	return endedBytes + len(e.end.User) + len(e.end.Reason) + len(e.end.Err)
}

func (e *ended) report() Report {
	r := e.flight.report(time.UnixMilli(e.closed))
	r.End = &e.end
	return r
}

// ends are the connections that have ended lately, as many as there is room for. Safe from any goroutine.
type ends struct {
	// Guarded by mu.
	mu       sync.Mutex
	most     int
	bytes    int
	queue    []*ended // from first on, the oldest first
	first    int
	byNumber map[uint64]*ended
}

// bound says how many may be kept, and forgets those above it.
func (s *ends) bound(most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most = max(most, 0)
	s.shrink()
}

func (s *ends) add(e *ended) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byNumber == nil {
		s.byNumber = make(map[uint64]*ended)
	}
	s.queue = append(s.queue, e)
	s.byNumber[e.flight.number] = e
	s.bytes += e.size()
	s.shrink()
}

// shrink forgets the oldest until the rest has room.
func (s *ends) shrink() {
	for len(s.queue)-s.first > s.most || s.bytes > s.most*bytesPerEnd {
		e := s.queue[s.first]
		s.queue[s.first] = nil
		s.first++
		s.bytes -= e.size()
		delete(s.byNumber, e.flight.number)
	}
	if s.first > len(s.queue)/2 { // amortised: as many steps as were forgotten since
		n := copy(s.queue, s.queue[s.first:])
		clear(s.queue[n:])
		s.queue, s.first = s.queue[:n], 0
	}
}

func (s *ends) find(number uint64) *ended {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byNumber[number]
}

// of finds those of a user, the last first. It looks at all ends, outside the lock.
func (s *ends) of(user string, limit int) (found []*ended) {
	s.mu.Lock()
	all := make([]*ended, len(s.queue)-s.first)
	copy(all, s.queue[s.first:])
	s.mu.Unlock()
	user = cut(user)
	for i := len(all) - 1; i >= 0 && len(found) < limit; i-- {
		if user != "" && all[i].end.User == user {
			found = append(found, all[i])
		}
	}
	return found
}
