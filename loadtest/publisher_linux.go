package loadtest

import (
	"context"
	"errors"
	"sync"
)

// publisher sends publications over one connection, one after the other, so that the server has no choice about their order.
// What falls due meanwhile waits, with its intended time.
//
// The sequences of a stream have no holes: one that the server refused is used again. One whose outcome is unknown is not.
type publisher struct {
	// Immutable after newPublisher.
	board  *publicationBoard
	topics *topicPlan
	kicks  chan kick // to run; only from whoever has set busy, so that there is never more than one

	// Guarded by mu.
	mu      sync.Mutex
	busy    bool // somebody owns the fields below
	waiting []publication

	// Owned by whoever has set busy.
	line   publishLine
	ctx    context.Context   // of run
	opened bool              // line was open at some time
	totals []publisherTotals // by the number of the stream among those of the publisher
}

// publication is one that is due.
type publication struct {
	stream   int
	intended int64
}

// kick tells run that the publisher is busy: with a publication that has been written, or with what is waiting.
type kick struct {
	written bool
	what    publication
	err     error // of the writing
}

// newPublisher returns a publisher that is busy until run has connected it.
func newPublisher(board *publicationBoard, topics *topicPlan, line publishLine) *publisher {
	streams := (topics.streams() + topics.Publishers - 1) / topics.Publishers
	return &publisher{
		board: board, topics: topics, line: line, kicks: make(chan kick, 1), busy: true, totals: make([]publisherTotals, streams),
	}
}

// submit publishes now, from the caller's thread, if nothing is under way; a wake-up of another one would take longer than
// the writing. Otherwise the publication waits; so it does where writing may block, as the caller has a schedule to keep.
func (p *publisher) submit(what publication) {
	p.mu.Lock()
	if p.busy || !p.line.isOpen() || !p.line.waits() {
		p.waiting = append(p.waiting, what)
		kicked := !p.busy
		p.busy = true
		p.mu.Unlock()
		if kicked {
			p.kicks <- kick{}
		}
		return
	}
	p.busy = true
	p.mu.Unlock()
	p.board.starting(what.intended, false)
	p.kicks <- kick{written: true, what: what, err: p.write(what)}
}

// run waits for answers and publishes what had to wait, until there has been a close and nothing is left. It returns what
// was sent, by the number of the stream among its own.
func (p *publisher) run(ctx context.Context) []publisherTotals {
	defer p.line.shut()
	p.ctx = ctx
	// Where this fails, the first publication tells.
	_ = p.open(ctx)
	p.publishWaiting(ctx)
	for k := range p.kicks {
		if k.written {
			p.finish(ctx, k.what, k.err)
		}
		p.publishWaiting(ctx)
	}
	return p.totals
}

// close ends run after what is under way. It is called after the last submit.
func (p *publisher) close() { close(p.kicks) }

// publishWaiting publishes until nothing waits, and then is busy no more.
func (p *publisher) publishWaiting(ctx context.Context) {
	for {
		p.mu.Lock()
		if len(p.waiting) == 0 {
			p.busy = false
			p.mu.Unlock()
			return
		}
		what := p.waiting[0]
		p.waiting = p.waiting[1:]
		p.mu.Unlock()
		if ctx.Err() != nil {
			p.board.unsent()
			continue
		}
		p.board.starting(what.intended, true)
		if err := p.open(ctx); err != nil {
			p.board.failed(publishFailure("connect", err))
			continue
		}
		p.finish(ctx, what, p.write(what))
	}
}

// open connects, again if need be.
func (p *publisher) open(ctx context.Context) error {
	if p.line.isOpen() {
		return nil
	}
	if err := p.line.open(ctx); err != nil {
		return err
	}
	if p.opened {
		p.board.reconnected()
	}
	p.opened = true
	return nil
}

func (p *publisher) write(what publication) error {
	return p.line.write(p.ctx, what.stream, p.streamTotals(what.stream).Sent, what.intended)
}

func (p *publisher) streamTotals(stream int) *publisherTotals {
	_, index := p.topics.publisherOf(stream)
	return &p.totals[index]
}

// finish waits for the answer to what was written, with that error, and books what became of it.
func (p *publisher) finish(ctx context.Context, what publication, err error) {
	var answer publishAnswer
	if err == nil {
		answer, err = p.line.answer(ctx)
	}
	totals, subscribers := p.streamTotals(what.stream), p.topics.Sizes[what.stream%p.topics.count()]
	switch {
	case answer.accepted:
		totals.Sent++
		totals.Times = append(totals.Times, what.intended)
		p.board.acknowledged(what.intended, subscribers)
	case answer.refused != nil:
		p.board.refused(*answer.refused)
	default:
		totals.Unknown = append(totals.Unknown, totals.Sent)
		totals.Sent++
		totals.Times = append(totals.Times, what.intended)
		p.board.unknown(publishFailure("answer", err), subscribers)
	}
	if err != nil {
		p.line.shut()
	}
}

// publishFailure classifies what went wrong with a publication.
func publishFailure(doing string, err error) failure {
	var known failureError
	if errors.As(err, &known) {
		return known.failure
	}
	return failureOf(doing, err)
}
