package loadtest

import (
	"context"
	"fmt"
	"time"
)

// publishLine is a publisher's connection to the server: HTTP or WebSocket. It belongs to whoever has set the publisher's busy.
type publishLine interface {
	// open connects where there is no connection. Its errors may be failureErrors.
	open(ctx context.Context) error
	// isOpen says whether there is one, as far as is known.
	isOpen() bool
	// write sends one publication, or ends with ctx.
	write(ctx context.Context, stream int, sequence uint32, intended int64) error
	// waits says whether each publication is answered before the next one: then its bytes find the socket's buffer empty.
	waits() bool
	// answer waits for what the server says to what was written last, or for the end of ctx.
	answer(ctx context.Context) (publishAnswer, error)
	// shut closes the connection, and waits for what belongs to it.
	shut()
}

// publishAnswer is what a server says to a publication. With an error beside it the connection is of no more use, whatever the
// answer.
type publishAnswer struct {
	accepted bool
	refused  *failure // neither: there was no answer
}

// failureError is a failure on its way up as an error.
type failureError struct{ failure }

func (f failureError) Error() string { return f.text }

// newLine makes the connection of one publisher, as the run asks for.
func (r *run) newLine(number int) (publishLine, error) {
	dial, err := r.cfg.TLS.dialer(r.target.PublishURL)
	if err != nil {
		return nil, err
	}
	stamps := stamper{topics: &r.topics, run: r.id, size: r.cfg.Payload}
	ways := r.target.Protocol.Publish
	if r.target.PublishBy == PublishByWebSocket {
		form, err := ways.WebSocket.compile(&r.target.Protocol)
		if err != nil {
			return nil, err
		}
		return newWebSocketLine(r, number, dial, form, stamps)
	}
	form, err := ways.HTTP.compile()
	if err != nil {
		return nil, err
	}
	request, err := newRequestMaker(r.target.PublishURL, form, headerBlock(r.cfg.Header))
	return &httpLine{number: number, dial: dial, request: request, stamps: stamps}, err
}

// interruptible ends reads and writes when ctx does, until release is called.
func interruptible(ctx context.Context, conn interface{ SetDeadline(time.Time) error }) (release func() bool) {
	return context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
}

// acknowledgedBy says what tells publishers that a publication was taken.
func (t *target) acknowledgedBy() string {
	if t.PublishBy == PublishByHTTP {
		return "http"
	}
	if by := t.Protocol.Publish.WebSocket.Ack.By; by != AckReply {
		return string(by)
	}
	return "reply"
}

// bodyRefusal is of an answer whose status is good, but whose body is not what the protocol asks for.
func bodyRefusal(body []byte) failure {
	return failure{text: fmt.Sprintf("answer: %s", foreign(body))}
}
