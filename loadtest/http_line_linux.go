package loadtest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
)

// maxAnswerBytes bounds an answer, head and body. Answers to publications are a hundred bytes or two.
const maxAnswerBytes = 1 << 20

// httpLine publishes by requests on one keep-alive connection.
type httpLine struct {
	// Immutable.
	number int
	dial   publishDial

	// Owned by the publisher.
	request requestMaker
	stamps  stamper
	sent    values // of the last request, for rules
	id      uint64
	conn    net.Conn
	answers *bufio.Reader
	limit   *io.LimitedReader // under answers: what one of them may still bring
	buf     []byte
	body    incoming
}

func (l *httpLine) isOpen() bool { return l.conn != nil }

func (l *httpLine) open(ctx context.Context) error {
	if l.conn != nil {
		return nil
	}
	conn, err := l.dial(ctx)
	if err != nil {
		return err
	}
	l.conn, l.limit = conn, &io.LimitedReader{R: conn}
	l.answers = bufio.NewReader(l.limit)
	return nil
}

func (l *httpLine) shut() {
	if l.conn != nil {
		_ = l.conn.Close()
		l.conn = nil
	}
}

func (l *httpLine) waits() bool { return true }

func (l *httpLine) write(ctx context.Context, stream int, sequence uint32, intended int64) error {
	defer interruptible(ctx, l.conn)()
	l.id++
	l.sent = l.stamps.values(l.number, l.id, stream, sequence, intended)
	l.buf = l.request.append(l.buf[:0], &l.sent)
	_, err := l.conn.Write(l.buf)
	return err
}

func (l *httpLine) answer(ctx context.Context) (given publishAnswer, err error) {
	defer interruptible(ctx, l.conn)()
	l.limit.N = maxAnswerBytes
	answer, err := http.ReadResponse(l.answers, nil)
	if err != nil {
		return given, err
	}
	body, err := l.read(answer.Body)
	if closeErr := answer.Body.Close(); err == nil {
		err = closeErr
	}
	if answer.Close && err == nil {
		err = errors.New("the server closes the connection")
	}
	if status := answer.StatusCode; err == nil && (status == http.StatusBadGateway || status == http.StatusGatewayTimeout) {
		return given, failureError{statusFailure(status)} // whoever is behind it has not said: it may have been published (RFC 9110, 15.6)
	}
	return l.judge(answer.StatusCode, body), err
}

// read reads an answer's body to its end, and keeps it where a rule looks at it.
func (l *httpLine) read(from io.Reader) ([]byte, error) {
	if l.request.form.ok == nil {
		_, err := io.Copy(io.Discard, from)
		return nil, err
	}
	return io.ReadAll(from) // limited above
}

func (l *httpLine) judge(status int, body []byte) publishAnswer {
	if status/100 != 2 {
		f := statusFailure(status)
		return publishAnswer{refused: &f}
	}
	if ok := l.request.form.ok; ok != nil {
		l.body.take(body)
		if !ok.holds(&l.body, &l.sent) {
			f := bodyRefusal(body)
			return publishAnswer{refused: &f}
		}
	}
	return publishAnswer{accepted: true}
}
