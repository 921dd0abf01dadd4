package jetstream

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wsedge/wsedge/internal/broker"
)

// phase is how far a log's interest has come.
type phase uint8

const (
	idle     phase = iota // nobody has asked for the position: nothing is delivered
	starting              // subscribed, or about to be; where the log begins is being asked for
	live
	closed
)

const (
	// maxHeld and maxHeldBytes bound what waits in a log while something before it is read. What is more is read as well.
	maxHeld      = 1024
	maxHeldBytes = 4 << 20
	// maxTries is how often a hole is looked for: a replica may be behind. Between them it takes firstRetry, doubled each time.
	maxTries   = 6
	firstRetry = 20 * time.Millisecond
	// stallRetry is when what the sink refused is offered again.
	stallRetry = 50 * time.Millisecond
)

// log implements broker.Log.
type log struct {
	// Immutable after Open.
	engine  *Engine
	stream  *stream
	channel string
	sink    broker.Sink

	// Guarded by mu.
	mu        sync.Mutex
	phase     phase
	reading   bool // what was missed is being read, or will be
	again     bool // and more has to be, behind that
	tries     uint8
	retention broker.Retention
	is        *identity // of the stream; nil while idle
	sub       *nats.Subscription
	fed       bool // an interest in a kind of channels brings what sub would
	stirred   bool // and has brought something since Trim was called
	blind     bool // last is no position of the channel, but one that nothing of it is missing up to
	asked     bool // somebody has asked for the position: it does not live for such an interest alone
	index     int  // in stream.open while live, guarded by stream.mu

	// last is the position: everything up to it was delivered, or announced as a gap. message is the last that was delivered or was there
	// at the beginning; 0 where none was. Up to verified there is nothing else, as of verifiedAt.
	last, message, verified uint64
	verifiedAt              time.Time
	messageAt               int64 // when message was stored, Unix time in nanoseconds; 0: not known

	held      []record // arrived while something before them is missing
	heldBytes int
	stalled   error   // why the sink refused
	refused   *record // what it was
	waiting   []func(error)

	recovering map[asked][]*recovery // under way; nil: none are
}

// subject is where the channel's publications are stored, in the epoch of is.
func (l *log) subject(is *identity) string { return is.in + subjectOf(l.channel) }

// Publish implements broker.Log.
func (l *log) Publish(p *broker.Publication, done func(broker.Result, error)) (broker.Result, error) {
	l.mu.Lock()
	err, expected := l.stalled, l.phase == live || l.engine.wides.cover(l.channel)
	if l.phase == closed {
		err = ErrClosed
	}
	l.mu.Unlock()
	if err != nil {
		return broker.Result{}, err
	}
	bytes := int64(len(p.Data) + len(p.Client) + len(p.User) + len(p.Exclude) + headersMaxBytes)
	if most := l.engine.link.nc.MaxPayload(); most > 0 && bytes > most {
		l.engine.counters.failed(broker.ErrTooLarge)
		return broker.Result{}, broker.ErrTooLarge
	}
	a, err := l.engine.publishing.begin(bytes, done)
	if err != nil {
		return broker.Result{}, err
	}
	l.stream.whenKnown(func(is *identity, err error) {
		publishing := l.engine.publishing
		if err != nil {
			publishing.turn(a)
			publishing.fail(a.number, err)
			return
		}
		publishing.sent(a, is.epoch, expected)
		message := l.engine.message(l, is, p, a.number)
		l.engine.link.publish(message, func() bool { return publishing.turn(a) }, func(err error) { publishing.fail(a.number, err) })
	})
	return broker.Result{}, broker.ErrPending
}

// message is what is sent for a publication.
func (e *Engine) message(l *log, is *identity, p *broker.Publication, number uint64) *nats.Msg {
	m := messageOf(l.subject(is), p)
	name := strconv.FormatUint(number, 36)
	m.Reply = e.ackInbox() + name
	m.Header.Set(headerFrom, e.node+"."+name)
	if p.IdempotencyKey != "" {
		m.Header.Set(headerKey, messageKey(l.channel, p.IdempotencyKey))
	}
	return m
}

// own is the number of a publication of this node.
func (e *Engine) own(r *record) (number uint64, ok bool) {
	node, name, _ := strings.Cut(r.from, ".")
	if node != e.node {
		return 0, false
	}
	number, err := strconv.ParseUint(name, 36, 64)
	return number, err == nil
}

// Position implements broker.Log.
func (l *log) Position(done func(broker.Position, error)) {
	l.whenLive(func(err error) {
		if err != nil {
			done(broker.Position{}, err)
			return
		}
		l.mu.Lock()
		position, ok := l.position()
		l.mu.Unlock()
		if !ok {
			err = ErrClosed
		}
		done(position, err)
	})
}

// position is the present one; false where the log is live no more. The caller holds mu.
func (l *log) position() (broker.Position, bool) {
	if l.phase != live {
		return broker.Position{}, false
	}
	return broker.Position{Epoch: l.is.epoch, Offset: l.last}, true
}

// Close implements broker.Log.
func (l *log) Close() {
	l.mu.Lock()
	wasLive := l.phase == live
	if wasLive && l.fed {
		l.stream.rise(l.last) // if it is opened again, it goes on there
	}
	if wasLive && !l.asked {
		l.engine.wides.tracked.Add(-1)
	}
	l.deafen()
	waiting := l.waiting
	l.phase, l.waiting, l.held, l.heldBytes, l.refused = closed, nil, nil, 0, nil
	l.mu.Unlock()
	if wasLive {
		l.stream.leave(l)
	}
	for _, do := range waiting {
		do(ErrClosed)
	}
}

// after calls do on a goroutine after d, unless the engine is closed by then.
func (e *Engine) after(d time.Duration, do func()) {
	e.afterOr(d, do, func(error) {})
}

// afterOr is after for what somebody waits for: where the engine is closed, closed is called with ErrClosed.
func (e *Engine) afterOr(d time.Duration, do func(), closed func(error)) {
	time.AfterFunc(d, func() {
		if !e.start(do) {
			closed(ErrClosed)
		}
	})
}

// SetRetention implements broker.Log. What is kept longer than that is not given any more; it goes with time.
func (l *log) SetRetention(r broker.Retention) {
	l.mu.Lock()
	l.retention = r
	l.mu.Unlock()
	l.stream.want(limitsOf(r))
	if r.Cursors > 0 {
		l.stream.acks.want(limitsOf(r).maxAge)
	}
}

// Trim implements broker.Log: what NATS keeps is not lost when the log is closed. One that is fed, and was heard of lately, would be opened again at once, and
// what is missing just then might be missed.
func (l *log) Trim() (keeps bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	stirred := l.stirred
	l.stirred = false
	return stirred
}
