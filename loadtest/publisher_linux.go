package loadtest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
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
	due     chan int64 // intended times; it has room for all of the run, so that the schedule never waits

	// Owned by run.
	conn    net.Conn
	answers *bufio.Reader
	buf     []byte
	totals  publisherTotals
}

func newPublisher(number, publications int, board *publicationBoard, request requestMaker) *publisher {
	return &publisher{number: number, board: board, request: request, due: make(chan int64, publications)}
}

// run publishes what is due until there is no more, or ctx is done. Returns what it sent.
func (p *publisher) run(ctx context.Context) publisherTotals {
	defer p.disconnect()
	// Dialling is not part of the first publication.
	_ = p.connect(ctx)
	free := int64(0)
	for intended := range p.due {
		if ctx.Err() != nil {
			p.board.unsent()
			continue
		}
		p.board.starting(intended, free)
		p.publish(ctx, intended)
		free = p.board.clock.now()
	}
	return p.totals
}

func (p *publisher) connect(ctx context.Context) error {
	if p.conn != nil {
		return nil
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", p.request.address)
	if err != nil {
		return err
	}
	p.conn, p.answers = conn, bufio.NewReader(conn)
	return nil
}

func (p *publisher) disconnect() {
	if p.conn != nil {
		_ = p.conn.Close()
		p.conn = nil
	}
}

// publish sends one publication and waits for what becomes of it.
func (p *publisher) publish(ctx context.Context, intended int64) {
	if err := p.connect(ctx); err != nil {
		p.board.failed(causeOf("connect", err))
		return
	}
	// The end of the run interrupts the wait for an answer.
	interrupt := context.AfterFunc(ctx, func() { _ = p.conn.SetDeadline(time.Unix(1, 0)) })
	status, err := p.exchange(intended)
	if !interrupt() {
		err = errors.Join(err, ctx.Err())
	}
	switch {
	case status/100 == 2:
		p.totals.Sent++
		p.board.acknowledged(intended)
	case status != 0:
		p.board.refused("status " + strconv.Itoa(status))
	default:
		p.totals.Unknown = append(p.totals.Unknown, p.totals.Sent)
		p.totals.Sent++
		p.board.unknown(causeOf("no answer", err))
	}
	if err != nil {
		p.disconnect()
	}
}

// exchange returns the status of the answer, 0 where there was none. After an error the connection is of no more use.
func (p *publisher) exchange(intended int64) (status int, err error) {
	p.buf = p.request.append(p.buf[:0], p.number, p.totals.Sent, intended)
	if _, err := p.conn.Write(p.buf); err != nil {
		return 0, err
	}
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

// PublicationCounts says what became of the publications.
type PublicationCounts struct {
	// Scheduled is the sum of Acknowledged, Refused, Unknown, Failed and Unsent.
	Scheduled    uint64 `json:"scheduled"`
	Acknowledged uint64 `json:"acknowledged"`
	// Refused were answered with another status than 2xx, and must not arrive.
	Refused uint64 `json:"refused"`
	// Unknown were sent, but no answer came: they may arrive or not.
	Unknown uint64 `json:"unknown"`
	// Failed could not be sent.
	Failed uint64 `json:"failed"`
	// Unsent were still waiting for an earlier one's answer when the run ended.
	Unsent uint64 `json:"unsent"`
	// Late were sent more than 1 ms after the intended time though nothing was in the way: the generator's fault.
	Late uint64 `json:"late"`
	// Held were sent late because the answer to an earlier one was.
	Held uint64 `json:"held"`
	// Causes tells of Refused, Unknown and Failed.
	Causes map[string]uint64 `json:"causes"`
}

// publicationBoard is what all publishers of a run count on together. Safe from any goroutine.
type publicationBoard struct {
	clock clock

	// Guarded by mu.
	mu     sync.Mutex
	counts PublicationCounts
	ack    *hdrhistogram.Histogram // intended time to answer, within the window
	window window
}

func newBoard(c clock, w window) *publicationBoard {
	return &publicationBoard{
		clock: c, ack: newHistogram(), window: w,
		counts: PublicationCounts{Causes: map[string]uint64{}},
	}
}

func (b *publicationBoard) update(change func(*PublicationCounts)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.counts)
}

func (b *publicationBoard) scheduled() { b.update(func(c *PublicationCounts) { c.Scheduled++ }) }
func (b *publicationBoard) unsent()    { b.update(func(c *PublicationCounts) { c.Unsent++ }) }

// starting judges by when the publisher became free whose fault a delay is.
func (b *publicationBoard) starting(intended, free int64) {
	if b.clock.now()-intended <= lateAfter {
		return
	}
	b.update(func(c *PublicationCounts) {
		if free > intended {
			c.Held++
		} else {
			c.Late++
		}
	})
}

func (b *publicationBoard) acknowledged(intended int64) {
	now := b.clock.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts.Acknowledged++
	if b.window.measures(intended) {
		record(b.ack, now-intended)
	}
}

func (b *publicationBoard) refused(cause string) {
	b.update(func(c *PublicationCounts) { c.Refused++; c.Causes[cause]++ })
}

func (b *publicationBoard) unknown(cause string) {
	b.update(func(c *PublicationCounts) { c.Unknown++; c.Causes[cause]++ })
}

func (b *publicationBoard) failed(cause string) {
	b.update(func(c *PublicationCounts) { c.Failed++; c.Causes[cause]++ })
}

// snapshot returns the counts; Causes is shared and may only be read after the run.
func (b *publicationBoard) snapshot() PublicationCounts {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.counts
}
