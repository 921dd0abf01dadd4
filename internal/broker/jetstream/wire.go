package jetstream

import (
	"sync"

	"github.com/nats-io/nats.go"
)

// maxSaying bounds what waits to be said to other nodes, and what they have said that waits to be taken, in messages. What is more is lost, which they notice.
const maxSaying = 4096

// hearing is what is heard of other nodes. All of it comes by one channel of the library, so that what one node says is taken in its order,
// whatever the subjects.
type hearing struct {
	begin    sync.Once
	messages chan *nats.Msg // made by begin

	// Guarded by mu.
	mu       sync.Mutex
	subjects map[string]heard // by the engine's subject
}

// heard is a subject.
type heard struct {
	subscription *nats.Subscription
	take         func(data []byte)
}

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
	h := &e.hearing
	e.mu.Lock()
	closed := e.closed
	if !closed {
		h.begin.Do(func() {
			h.messages, h.subjects = make(chan *nats.Msg, maxSaying), make(map[string]heard)
			e.running.Go(func() { e.each(h.messages, h.took) })
		})
	}
	e.mu.Unlock() // the library's lock is held while a socket is written to, and loops need this one
	if closed {
		return ErrClosed
	}
	subject = e.wireSubject(subject)
	h.mu.Lock()
	h.subjects[subject] = heard{take: take}
	h.mu.Unlock()
	subscription, err := e.link.nc.ChanSubscribe(subject, h.messages)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		delete(h.subjects, subject)
		return err
	}
	h.subjects[subject] = heard{subscription, take}
	return nil
}

// Unhear implements cluster.Wire. It waits for nothing but the library's lock.
func (e *Engine) Unhear(subject string) {
	subject = e.wireSubject(subject)
	h := &e.hearing
	h.mu.Lock()
	was := h.subjects[subject].subscription
	delete(h.subjects, subject)
	h.mu.Unlock()
	if was != nil {
		_ = was.Unsubscribe() // an error means that the connection is closed, and with it the subscription
	}
}

// took has a message taken by who hears its subject.
func (h *hearing) took(m *nats.Msg) {
	h.mu.Lock()
	take := h.subjects[m.Subject].take
	h.mu.Unlock()
	if take != nil {
		take(m.Data)
	}
}

// wireSubject is beside those of all streams.
func (e *Engine) wireSubject(subject string) string { return e.config.Prefix + ".wire." + subject }
