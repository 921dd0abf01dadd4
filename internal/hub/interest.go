package hub

import (
	"errors"
	"strings"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect"
	"github.com/wsedge/wsedge/reactor"
)

// interests are those of wildcards, by what their names begin with, with an engine that has to be told of them; nil with others.
type interests map[string]broker.Interest

// openWide has the engine bring what a wildcard covers, if it does not by itself. The caller holds h.wild.
func (h *Hub) openWide(prefix string) {
	if engine, ok := h.config.Broker.(broker.Wide); ok {
		if h.interests == nil {
			h.interests = make(interests)
		}
		h.interests[prefix] = engine.OpenWide(prefix, retentionOf(h.Options(prefix)), wideSink{h})
	}
}

// closeWide ends that. The caller holds h.wild.
func (h *Hub) closeWide(prefix string) {
	if i := h.interests[prefix]; i != nil {
		delete(h.interests, prefix)
		i.Close()
	}
}

// Listening calls done when a wildcard has everything that is published from then on, on any node, or with why that can't be: at once with an engine
// of this process alone. It is called once, from any goroutine.
func (c *Channel) Listening(done func(error)) {
	h := c.hub
	h.wild.Lock()
	i := h.interests[strings.TrimSuffix(c.name, "*")]
	h.wild.Unlock()
	if i == nil {
		done(nil)
		return
	}
	i.Ready(done)
}

// wideSink implements broker.WideSink.
type wideSink struct{ hub *Hub }

// Log implements broker.WideSink. The channel is one that nobody uses: it is dropped when it has been idle.
func (s wideSink) Log(name string) broker.Log {
	if !channel.ValidName(name) || len(s.hub.covering(name)) == 0 {
		return nil
	}
	c, err := s.hub.Acquire(name)
	if err != nil {
		return nil
	}
	defer c.Release()
	return c.log
}

// Deliver implements broker.WideSink.
func (s wideSink) Deliver(name string, p *broker.Publication, offset, prev uint64) (broker.Delivered, error) {
	d := broker.Delivered{}
	publication := reactor.Publication{Encoder: &encoder{s.hub.config.Forms, dialect.Message{Publication: p, Channel: name, Offset: offset, Prev: prev}}}
	if p.Exclude != "" {
		publication.Exclude = s.hub.config.Conn(p.Exclude)
	}
	var problems []error
	for _, topic := range s.hub.covering(name) { // nobody has two of them
		matched, err := topic.Publish(publication)
		if d.Matched += matched; err != nil {
			problems = append(problems, err)
		}
	}
	s.hub.fanout.count(p)
	return d, errors.Join(problems...)
}
