package hub

import (
	"errors"
	"maps"
	"strings"

	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/reactor"
)

// maxWildcards bounds the wildcards of the node that are in use: the set of them is copied when one comes or goes.
const maxWildcards = 1000

// ErrWildcards says that the node has as many wildcards as it may have.
var ErrWildcards = errors.New("hub: too many wildcards")

// wildcards are those in use, by what their names begin with, the colon included. A set is never changed: a publication finds its own by one
// look-up for each colon in its channel's name, and by none where there is no wildcard.
type wildcards map[string]*Channel

// AcquireWildcard is Acquire for a pattern (channel.ValidPattern): it stands for all channels that it covers, has their publications from now on,
// and no log of its own. ErrWildcards where it would be one too many.
func (h *Hub) AcquireWildcard(pattern string) (*Channel, error) {
	h.wild.Lock()
	defer h.wild.Unlock()
	prefix := strings.TrimSuffix(pattern, "*")
	set := h.wildcards()
	if w := set[prefix]; w != nil {
		w.users++
		return w, nil
	}
	if len(set) >= maxWildcards {
		return nil, ErrWildcards
	}
	w := &Channel{hub: h, name: pattern, users: 1}
	w.options.Store(&channel.Options{Subscribe: h.Options(pattern).Subscribe})
	w.topic.Store(h.config.NewTopic(reactor.TopicOptions{Wide: true}))
	h.setWildcards(set, prefix, w)
	h.openWide(prefix)
	return w, nil
}

// IsWildcard tells whether it came from AcquireWildcard.
func (c *Channel) IsWildcard() bool { return c.log == nil }

// releaseWildcard is Release for a wildcard. It is forgotten with its last use.
func (c *Channel) releaseWildcard() {
	h := c.hub
	h.wild.Lock()
	defer h.wild.Unlock()
	if c.users--; c.users == 0 {
		prefix := strings.TrimSuffix(c.name, "*")
		h.setWildcards(h.wildcards(), prefix, nil)
		h.closeWide(prefix)
	}
}

func (h *Hub) wildcards() wildcards {
	if set := h.wildSet.Load(); set != nil {
		return *set
	}
	return nil
}

// setWildcards replaces the set by one with w, or without it if it is nil. The caller holds h.wild.
func (h *Hub) setWildcards(set wildcards, prefix string, w *Channel) {
	set = maps.Clone(set)
	if set == nil {
		set = make(wildcards)
	}
	if w != nil {
		set[prefix] = w
	} else {
		delete(set, prefix)
	}
	if len(set) == 0 {
		h.wildSet.Store(nil)
	} else {
		h.wildSet.Store(&set)
	}
}

// covering are the topics of the wildcards that cover a channel, the shortest first. None covers a personal channel.
func (h *Hub) covering(name string) (topics []*reactor.Topic) {
	set := h.wildSet.Load()
	if set == nil {
		return nil
	}
	if _, personal := channel.PersonalUser(name); personal {
		return nil
	}
	for i := range len(name) {
		if name[i] != ':' {
			continue
		}
		if w := (*set)[name[:i+1]]; w != nil {
			topics = append(topics, w.topic.Load())
		}
	}
	return topics
}
