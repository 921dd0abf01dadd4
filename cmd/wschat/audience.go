package main

import (
	"sync"

	"github.com/wsedge/wsedge/reactor"
)

// audience is who gets the same messages: the members of a path, or of a room.
type audience struct {
	// Immutable after newAudience.
	path  *path
	room  string // "" for that of a path
	topic *reactor.Topic
	notices

	mu      sync.Mutex // over a count and the notice of it, so that the last count that anybody gets is right
	members int
}

func (p *path) newAudience(room string, n notices) *audience {
	return &audience{path: p, room: room, notices: n, topic: p.chat.server.NewTopic(reactor.TopicOptions{})}
}

// enter makes m one of the audience.
func (a *audience) enter(m *member) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_ = m.Subscribe(a.topic) // fails for a conn that is closing: then exit follows
	a.members++
	switch {
	case a.joined == nil:
	case a.members > a.path.chat.quietAbove:
		m.tell(a.joined(m, a.members))
	default:
		_, _ = a.push(a.joined(m, a.members), nil) // one that a flood has taken is in the push log
	}
}

// exit takes m out, and returns how many are left.
func (a *audience) exit(m *member) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	m.Unsubscribe(a.topic)
	a.members--
	if a.left != nil && a.members > 0 && a.members <= a.path.chat.quietAbove {
		_, _ = a.push(a.left(m, a.members), nil)
	}
	return a.members
}

// push sends v to everyone but except, which may be nil, and returns how many they are. It does not wait. The error is
// reactor.ErrBacklog: nothing was sent.
func (a *audience) push(v any, except *member) (receivers int, err error) {
	text := encode(v)
	var sender *reactor.Conn
	if except != nil {
		sender = except.Conn
	}
	if receivers, err = a.topic.BroadcastExcept(sender, reactor.Text, text); sender != nil && receivers > 0 {
		receivers--
	}
	a.path.pushes.Add(1)
	a.path.chat.log.note(a, text, receivers, err)
	return receivers, err
}
