package jetstream

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wsedge/wsedge/internal/broker"
)

// deliveryPatience is how long the answer to a publication waits, once NATS has it, for its delivery on this node, which tells how many conns it
// was queued to. It is no part of the promise.
const deliveryPatience = 100 * time.Millisecond

// publishing are the publications that are under way. Safe from any goroutine.
type publishing struct {
	// Immutable after newPublishing.
	maxCount int
	maxBytes int64
	timeout  time.Duration
	now      func() time.Time
	failed   func(error) // counts

	// Guarded by mu.
	mu      sync.Mutex
	next    uint64
	under   map[uint64]*attempt
	bytes   int64
	left    int        // have ended, and are still queued: for the stream to be known, or in the link
	started []*attempt // in the order of their beginning; also what has ended meanwhile
	stored  []*attempt // likewise: those that NATS has, in the order of its answers
}

// attempt is a publication under way. Guarded by publishing.mu.
type attempt struct {
	number   uint64
	bytes    int64
	epoch    string
	expected bool // it will be delivered on this node
	queued   bool // its turn has not come
	seq      uint64
	until    time.Time
	done     func(broker.Result, error)
}

func newPublishing(c *Config, failed func(error)) *publishing {
	return &publishing{
		maxCount: c.MaxPending, maxBytes: c.MaxPendingBytes, timeout: c.Timeout, now: c.Now, failed: failed, under: make(map[uint64]*attempt),
	}
}

// begin enters a publication. ErrBusy where it would be one too many.
func (p *publishing) begin(bytes int64, done func(broker.Result, error)) (*attempt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.under) + p.left; n >= p.maxCount || p.bytes+bytes > p.maxBytes && n > 0 {
		p.failed(ErrBusy)
		return nil, ErrBusy
	}
	p.next++
	a := &attempt{number: p.next, bytes: bytes, queued: true, until: p.now().Add(p.timeout), done: done}
	p.under[a.number] = a
	p.bytes += bytes
	p.started = append(p.started, a)
	return a, nil
}

// sent notes to which epoch a publication goes, and whether it is to be delivered here.
func (p *publishing) sent(a *attempt, epoch string, expected bool) {
	p.mu.Lock()
	a.epoch, a.expected = epoch, expected
	p.mu.Unlock()
}

// take ends an attempt if it has not ended. The caller holds mu.
func (p *publishing) take(number uint64) *attempt {
	a := p.under[number]
	if a != nil {
		delete(p.under, number)
		p.release(a)
	}
	return a
}

// release gives back the room of an attempt that has ended; one that is still queued keeps it. The caller holds mu.
func (p *publishing) release(a *attempt) {
	if a.queued {
		p.left++
		return
	}
	p.bytes -= a.bytes
}

// turn notes that an attempt is queued no longer, and tells whether it is still to be made. Nothing is, once its publisher has been answered.
func (p *publishing) turn(a *attempt) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !a.queued {
		return false
	}
	a.queued = false
	if p.under[a.number] == a {
		return true
	}
	p.left--
	p.bytes -= a.bytes
	return false
}

// delivered tells that the sink has a publication of this node: NATS has it, too.
func (p *publishing) delivered(number, seq uint64, d broker.Delivered) {
	p.mu.Lock()
	a := p.take(number)
	p.mu.Unlock()
	if a != nil {
		a.succeed(seq, d)
	}
}

// fail ends an attempt.
func (p *publishing) fail(number uint64, err error) {
	p.mu.Lock()
	a := p.take(number)
	p.mu.Unlock()
	if a != nil {
		p.failed(err)
		a.done(broker.Result{}, err)
	}
}

func (a *attempt) succeed(seq uint64, d broker.Delivered) {
	a.done(broker.Result{Position: broker.Position{Epoch: a.epoch, Offset: seq}, Matched: d.Matched, Receipt: d.Receipt}, nil)
}

// ack is what JetStream answers to a publication.
type ack struct {
	Seq       uint64 `json:"seq"`
	Duplicate bool   `json:"duplicate"`
	Error     *struct {
		Code        int    `json:"err_code"`
		Description string `json:"description"`
	} `json:"error"`
}

// acknowledged takes such an answer. It tells whether nobody was there to answer: the stream may be gone.
func (p *publishing) acknowledged(m *nats.Msg) (nobody bool) {
	number, err := strconv.ParseUint(m.Subject[strings.LastIndexByte(m.Subject, '.')+1:], 36, 64)
	if err != nil {
		return false
	}
	if header(m, headerStatus) == "503" {
		p.fail(number, ErrLeaderless)
		return true
	}
	var answer ack
	switch err := json.Unmarshal(m.Data, &answer); {
	case err != nil:
		p.fail(number, because(ErrUnknown, "%w", err))
	case answer.Error != nil:
		p.fail(number, because(ErrRefused, "%s", answer.Error.Description))
	default:
		p.store(number, &answer)
	}
	return false
}

// store notes that NATS has a publication. Where it is to be delivered here that is awaited, for a while.
func (p *publishing) store(number uint64, answer *ack) {
	p.mu.Lock()
	a := p.under[number]
	if a != nil && a.expected && !answer.Duplicate {
		a.seq, a.until = answer.Seq, p.now().Add(deliveryPatience)
		p.stored = append(p.stored, a)
		a = nil
	} else {
		a = p.take(number)
	}
	p.mu.Unlock()
	if a != nil {
		a.done(broker.Result{Position: broker.Position{Epoch: a.epoch, Offset: answer.Seq}, Repeated: answer.Duplicate}, nil)
	}
}

// expire ends what has waited long enough.
func (p *publishing) expire() {
	now := p.now()
	for _, a := range p.overdue(&p.stored, now) {
		a.succeed(a.seq, broker.Delivered{})
	}
	for _, a := range p.overdue(&p.started, now) {
		p.failed(ErrUnknown)
		a.done(broker.Result{}, ErrUnknown)
	}
}

// overdue takes those out that have waited long enough, and forgets those that have ended.
func (p *publishing) overdue(list *[]*attempt, now time.Time) (late []*attempt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, a := range *list {
		inList := p.under[a.number] == a && (a.seq != 0) == (list == &p.stored)
		if inList && a.until.After(now) {
			break
		}
		if inList {
			late = append(late, p.take(a.number))
		}
		n++
	}
	clear((*list)[:n])
	if *list = (*list)[n:]; len(*list) == 0 {
		*list = nil
	}
	return late
}

// lose ends everything that is under way: where the connection is lost, nobody will answer any more. What NATS is known to have succeeds.
func (p *publishing) lose(err error) {
	p.mu.Lock()
	all := p.under
	p.under, p.started, p.stored = make(map[uint64]*attempt), nil, nil
	for _, a := range all {
		p.release(a)
	}
	p.mu.Unlock()
	for _, a := range all {
		if a.seq != 0 {
			a.succeed(a.seq, broker.Delivered{})
			continue
		}
		p.failed(err)
		a.done(broker.Result{}, err)
	}
}

// load is how many are under way, and their bytes.
func (p *publishing) load() (count int, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.under), p.bytes
}

// messageKey is the idempotency key as NATS gets it: its keys are those of a stream, ours of a channel, and ours may have any bytes.
func messageKey(channel, key string) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(len(channel)) + ":" + channel + key))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
