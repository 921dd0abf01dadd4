package loadtest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// publisher posts publications over one keep-alive connection, one after the other, so that the server has no choice about
// their order. What falls due meanwhile waits, with its intended time.
//
// Sequences have no holes: one that the server refused is used again. One whose outcome is unknown is not.
type publisher struct {
	// Immutable after newPublisher.
	number  int
	board   *publicationBoard
	request requestMaker
	kicks   chan kick // to run; only from whoever has set busy, so that there is never more than one

	// Guarded by mu.
	mu      sync.Mutex
	busy    bool    // somebody owns the fields below
	waiting []int64 // intended times

	// Owned by whoever has set busy.
	conn    net.Conn
	answers *bufio.Reader
	limit   *io.LimitedReader // under answers: what one of them may still bring
	buf     []byte
	totals  publisherTotals
}

// kick tells run that the publisher is busy: with a publication that has been written, or with what is waiting.
type kick struct {
	written  bool
	intended int64
	err      error // of the writing
}

// newPublisher returns a publisher that is busy until run has connected it.
func newPublisher(number int, board *publicationBoard, request requestMaker) *publisher {
	return &publisher{number: number, board: board, request: request, kicks: make(chan kick, 1), busy: true}
}

// submit publishes now, from the caller's thread, if nothing is under way; a wake-up of another one would take longer than
// the writing. Otherwise the publication waits.
func (p *publisher) submit(intended int64) {
	p.mu.Lock()
	if p.busy || p.conn == nil {
		p.waiting = append(p.waiting, intended)
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
	p.board.starting(intended, false)
	p.kicks <- kick{written: true, intended: intended, err: p.write(intended)}
}

// run waits for answers and publishes what had to wait, until there has been a close and nothing is left. It returns what
// was sent.
func (p *publisher) run(ctx context.Context) publisherTotals {
	defer p.disconnect()
	// Where this fails, the first publication tells.
	_ = p.connect(ctx)
	p.publishWaiting(ctx)
	for k := range p.kicks {
		if k.written {
			p.finish(ctx, k.intended, k.err)
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
		intended := p.waiting[0]
		p.waiting = p.waiting[1:]
		p.mu.Unlock()
		if ctx.Err() != nil {
			p.board.unsent()
			continue
		}
		p.board.starting(intended, true)
		if err := p.connect(ctx); err != nil {
			p.board.failed(failureOf("connect", err))
			continue
		}
		p.finish(ctx, intended, p.write(intended))
	}
}

func (p *publisher) connect(ctx context.Context) error {
	if p.conn != nil {
		return nil
	}
	conn, err := p.request.dial(ctx)
	if err != nil {
		return err
	}
	p.conn, p.limit = conn, &io.LimitedReader{R: conn}
	p.answers = bufio.NewReader(p.limit)
	return nil
}

func (p *publisher) disconnect() {
	if p.conn != nil {
		_ = p.conn.Close()
		p.conn = nil
	}
}

func (p *publisher) write(intended int64) error {
	p.buf = p.request.append(p.buf[:0], p.number, p.totals.Sent, intended)
	_, err := p.conn.Write(p.buf)
	return err
}

// finish waits for the answer to what was written, with that error, and books what became of it.
func (p *publisher) finish(ctx context.Context, intended int64, err error) {
	status := 0
	if err == nil {
		// The end of the run interrupts the wait.
		conn := p.conn
		release := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
		status, err = p.answer()
		release()
	}
	switch {
	case status/100 == 2:
		p.totals.Sent++
		p.totals.Times = append(p.totals.Times, intended)
		p.board.acknowledged(intended)
	case status != 0:
		p.board.refused(statusFailure(status))
	default:
		p.totals.Unknown = append(p.totals.Unknown, p.totals.Sent)
		p.totals.Sent++
		p.totals.Times = append(p.totals.Times, intended)
		p.board.unknown(failureOf("answer", err))
	}
	if err != nil {
		p.disconnect()
	}
}

// maxAnswerBytes bounds an answer, head and body. Answers to publications are a hundred bytes or two.
const maxAnswerBytes = 1 << 20

// answer returns the status of the answer, 0 where there was none. After an error the connection is of no more use.
func (p *publisher) answer() (status int, err error) {
	p.limit.N = maxAnswerBytes
	answer, err := http.ReadResponse(p.answers, nil)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if closeErr := answer.Body.Close(); err == nil {
		err = closeErr
	}
	if answer.Close && err == nil {
		err = errors.New("the server closes the connection")
	}
	return answer.StatusCode, err
}
