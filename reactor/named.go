package reactor

import (
	"runtime"
	"sync"
	"weak"
)

// namedTopics are those that were asked for by name. It keeps none of them alive: a topic is held by its subscribers, by what is on its way to them, and
// by whoever keeps it. When nobody does it is gone, and the next who asks gets a new one, which differs from it by what Topic.SetSlow has set.
type namedTopics struct {
	mu     sync.Mutex
	byName map[string]weak.Pointer[Topic]
}

// Topic returns the topic of that name, made with Config.TopicOptions if there is none: a room, a user, a ticker symbol. All who ask for a name while somebody
// is subscribed to it, or keeps it, get the same one. It need not be given back: a topic without subscribers that nobody keeps is the garbage collector's, and its
// name with it, and what Topic.SetSlow has set: keep a topic for which that counts. Names are not looked at. It takes a lock: keep what it returns where messages are many. Safe from any goroutine.
func (s *Server) Topic(name string) *Topic {
	n := &s.named
	n.mu.Lock()
	defer n.mu.Unlock()
	if t := n.byName[name].Value(); t != nil {
		return t
	}
	if n.byName == nil {
		n.byName = make(map[string]weak.Pointer[Topic])
	}
	t := s.NewTopic(s.cfg.TopicOptions)
	p := weak.Make(t)
	n.byName[name] = p
	runtime.AddCleanup(t, n.forget, namedTopic{name, p})
	return t
}

// namedTopic is one that has gone.
type namedTopic struct {
	name string
	was  weak.Pointer[Topic]
}

// forget lets a name go, unless another topic has it by now.
func (n *namedTopics) forget(t namedTopic) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.byName[t.name] == t.was {
		delete(n.byName, t.name)
	}
}
