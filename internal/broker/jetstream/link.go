package jetstream

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wsedge/wsedge/internal/broker"
)

// The client library's defaults, which are not ours: it gives up after 60 attempts, notices a dead server after 4 to 6 minutes, gives up at once where
// credentials are refused twice, and keeps 8 MiB of what is published while there is no connection, to send it some time, or never.
const (
	reconnectMin = 100 * time.Millisecond
	reconnectMax = 2 * time.Second
	pingInterval = 5 * time.Second // with 2 pings that may go unanswered: a server that is stopped, or cut off, is noticed within 15 s
	pingsOut     = 2
	dialTimeout  = 2 * time.Second
)

// options are those of the connection.
func (e *Engine) options() []nats.Option {
	attempt := func(n int) time.Duration {
		d := min(reconnectMin<<min(n, 8), reconnectMax)
		return d/2 + jitter(d/2)
	}
	return append([]nats.Option{
		nats.Name("wsedge"), nats.MaxReconnects(-1), nats.CustomReconnectDelay(attempt), nats.RetryOnFailedConnect(true),
		nats.IgnoreAuthErrorAbort(), nats.PingInterval(pingInterval), nats.MaxPingsOutstanding(pingsOut), nats.Timeout(dialTimeout),
		nats.ReconnectBufSize(-1), nats.FlusherTimeout(e.config.Timeout),
		nats.ConnectHandler(e.up),
		nats.ReconnectHandler(e.up),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { e.down(err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { e.down(err) }),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) { e.trouble(sub, err) }),
	}, e.config.Options...)
}

// link is the connection, and what is to be said to the server. The library holds a lock while it writes to a socket, so that
// whoever calls it can be held up by a server that does not read: one goroutine does, and nobody waits for it.
type link struct {
	nc    *nats.Conn // immutable
	state atomic.Pointer[broker.Health]

	mu     sync.Mutex
	queue  []op // bounded by what is under way
	ended  bool
	wake   chan struct{}
	closed chan struct{}
}

// op is one thing to say. failed is called where that was not possible; nil: nobody asks.
type op struct {
	say    func(nc *nats.Conn) error
	failed func(error)
}

// say queues an op. It never waits.
func (l *link) say(o op) {
	l.mu.Lock()
	ended := l.ended
	if !ended {
		l.queue = append(l.queue, o)
	}
	l.mu.Unlock()
	if ended {
		if o.failed != nil {
			o.failed(ErrClosed)
		}
		return
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run says what is queued, in its order, until end.
func (l *link) run() {
	defer close(l.closed)
	var spare []op
	for range l.wake {
		l.mu.Lock()
		ops, ended := l.queue, l.ended
		l.queue = spare[:0]
		l.mu.Unlock()
		for i, o := range ops {
			err := ErrClosed
			if ended = ended || l.isEnded(); !ended { // each may be held up by a server that does not read
				err = o.say(l.nc)
			}
			if err != nil && o.failed != nil {
				o.failed(err)
			}
			ops[i] = op{}
		}
		if spare = ops; cap(spare) > 4096 {
			spare = nil // of a burst
		}
		if ended {
			return
		}
	}
}

func (l *link) isEnded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

// lastWords is how long Close waits until the server has what was said, such as that this node ends.
const lastWords = time.Second

// settle waits until the server has taken all that is queued, or for a while: what it has not read when the connection ends may be lost, since
// there may be something unread at our side, too (RFC 1122, section 4.2.2.13).
func (l *link) settle(most time.Duration) {
	if !l.nc.IsConnected() {
		return
	}
	said := make(chan struct{})
	l.say(op{say: func(*nats.Conn) error { close(said); return nil }, failed: func(error) { close(said) }})
	select {
	case <-said:
		_ = l.nc.FlushTimeout(most)
	case <-time.After(most):
	}
}

// end has run return, after it has failed what is queued.
func (l *link) end() {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
	<-l.closed
}

// publish sends a message, if it is still wanted when its turn comes; failed gets ErrDown, or why the library refused.
func (l *link) publish(m *nats.Msg, wanted func() bool, failed func(error)) {
	l.say(op{
		say: func(nc *nats.Conn) error {
			if !wanted() {
				return nil
			}
			switch err := nc.PublishMsg(m); err {
			case nil:
				return nil
			case nats.ErrMaxPayload:
				return broker.ErrTooLarge
			default: // nothing was written, or the connection is lost
				return ErrDown
			}
		},
		failed: failed,
	})
}
