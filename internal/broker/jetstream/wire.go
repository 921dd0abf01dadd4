package jetstream

import (
	"github.com/nats-io/nats.go"
)

// maxSaying bounds what waits to be said to other nodes, in messages. What is more is lost, which they notice.
const maxSaying = 4096

// Say implements cluster.Wire: it sends data to all nodes that hear the subject. Nothing of it is stored.
func (e *Engine) Say(subject string, data []byte) {
	if e.saying.Add(1) > maxSaying {
		e.saying.Add(-1)
		return
	}
	e.link.say(op{say: func(nc *nats.Conn) error {
		e.saying.Add(-1)
		return nc.Publish(e.wireSubject(subject), data)
	}})
}

// Hear implements cluster.Wire. It waits for nothing but the library's lock.
func (e *Engine) Hear(subject string, take func(data []byte)) error {
	messages := make(chan *nats.Msg, maxSaying)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	if _, err := e.link.nc.ChanSubscribe(e.wireSubject(subject), messages); err != nil {
		return err
	}
	e.running.Go(func() { e.each(messages, func(m *nats.Msg) { take(m.Data) }) })
	return nil
}

// wireSubject is beside those of all streams.
func (e *Engine) wireSubject(subject string) string { return e.config.Prefix + ".wire." + subject }
