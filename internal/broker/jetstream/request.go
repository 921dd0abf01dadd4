package jetstream

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// maxAsked is how many requests are with the server at a time. The others wait. With batchBytes that bounds what the answers may take: a server closes the connection of
	// who leaves 64 MiB lying (its max_pending), publications included.
	maxAsked = 32
	// maxRequests is how many there may be in all, some 300 B each.
	maxRequests = 100_000
	// batch and batchBytes bound one answer.
	batch      = 256
	batchBytes = 1 << 20
	// allBytes is for an answer that is bounded by its number of messages.
	allBytes = 1 << 30
)

// request is a question to the server, which answers with one message or, if it is a batch, with several and an end.
type request struct {
	// Immutable.
	subject string
	body    []byte
	header  nats.Header // nil: none
	batch   bool
	done    func(answer, error)

	// Guarded by requests.mu.
	number uint64
	got    []*nats.Msg
	until  time.Time
}

// answer is what the server said. end is the message that ended a batch; nil where there was nothing.
type answer struct {
	messages []*nats.Msg
	end      *nats.Msg
}

// requests are those under way. Safe from any goroutine.
type requests struct {
	// Immutable.
	link    *link
	inbox   string // a request's number goes behind it
	timeout time.Duration
	now     func() time.Time

	// Guarded by mu.
	mu      sync.Mutex
	next    uint64
	asked   map[uint64]*request
	waiting []*request
}

// ask asks, or has the request wait for its turn. done is called once, with no lock held.
func (r *requests) ask(q *request) {
	r.mu.Lock()
	if len(r.waiting) >= maxRequests {
		r.mu.Unlock()
		q.done(answer{}, ErrBusy)
		return
	}
	q.until = r.now().Add(r.timeout)
	r.waiting = append(r.waiting, q)
	r.mu.Unlock()
	r.turn()
}

// turn asks those whose turn it is.
func (r *requests) turn() {
	for {
		r.mu.Lock()
		if len(r.asked) >= maxAsked || len(r.waiting) == 0 {
			r.mu.Unlock()
			return
		}
		q := r.waiting[0]
		r.waiting[0] = nil
		if r.waiting = r.waiting[1:]; len(r.waiting) == 0 {
			r.waiting = nil
		}
		r.next++
		q.number = r.next
		r.asked[q.number] = q
		r.mu.Unlock()
		m := nats.NewMsg(q.subject)
		m.Reply, m.Data, m.Header = r.inbox+strconv.FormatUint(q.number, 36), q.body, q.header
		r.link.publish(m, func() bool { return r.isAsked(q.number) }, func(err error) { r.end(q.number, nil, err) })
	}
}

// end ends a request, if it has not ended, and asks the next.
func (r *requests) end(number uint64, last *nats.Msg, err error) {
	r.mu.Lock()
	q := r.asked[number]
	delete(r.asked, number)
	r.mu.Unlock()
	if q == nil {
		return
	}
	q.done(answer{q.got, last}, err)
	r.turn()
}

// isAsked tells whether a request is under way.
func (r *requests) isAsked(number uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked[number] != nil
}

// answered takes a message of the server.
func (r *requests) answered(m *nats.Msg) {
	number, err := strconv.ParseUint(m.Subject[strings.LastIndexByte(m.Subject, '.')+1:], 36, 64)
	if err != nil {
		return
	}
	switch status := header(m, headerStatus); status {
	case "":
		r.mu.Lock()
		q := r.asked[number]
		if q != nil {
			q.got = append(q.got, m)
		}
		r.mu.Unlock()
		if q != nil && !q.batch {
			r.end(number, nil, nil)
		}
	case "204":
		r.end(number, m, nil)
	case "404":
		r.end(number, nil, nil)
	case "503":
		r.end(number, nil, ErrLeaderless)
	default:
		r.end(number, nil, because(ErrRefused, "%s %s", status, header(m, headerDescription)))
	}
}

// expire fails what has not been answered in time.
func (r *requests) expire() {
	now := r.now()
	r.fail(ErrUnknown, func(q *request) bool { return !q.until.After(now) })
}

// lose fails all of them.
func (r *requests) lose(err error) { r.fail(err, func(*request) bool { return true }) }

// fail ends those of which that is true.
func (r *requests) fail(err error, which func(*request) bool) {
	var failed []*request
	r.mu.Lock()
	for number, q := range r.asked {
		if which(q) {
			failed = append(failed, q)
			delete(r.asked, number)
		}
	}
	n := 0
	for n < len(r.waiting) && which(r.waiting[n]) {
		n++
	}
	failed = append(failed, r.waiting[:n]...)
	if r.waiting = r.waiting[n:]; len(r.waiting) == 0 {
		r.waiting = nil
	}
	r.mu.Unlock()
	for _, q := range failed {
		q.done(answer{}, err)
	}
	r.turn()
}
