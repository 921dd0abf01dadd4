package client

import (
	"fmt"
	"strings"
)

// Since says where in the history a tail begins.
type Since struct {
	All    bool   // with the oldest publication that is kept; otherwise behind Offset
	Offset uint64 // of the present epoch
}

// feed is one channel of a tail, across connections. Owned by the goroutine of Tail.
type feed struct {
	channel  string
	wildcard bool
	since    *Since   // what is still to be read of the history first; nil: nothing
	at       Position // nothing up to it is missing
	told     uint64   // offset of the last publication that was told, of the epoch of at
	known    bool     // at means something: there was a subscription, or a history
	live     bool     // on this connection the subscription stands
	over     bool     // the server has ended it for good
}

func newFeed(channel string, since *Since) *feed {
	return &feed{channel: channel, wildcard: strings.HasSuffix(channel, "*"), since: since}
}

// covers tells whether a message of the channel is of this feed.
func (f *feed) covers(channel string) bool {
	return f.channel == channel || f.wildcard && strings.HasPrefix(channel, strings.TrimSuffix(f.channel, "*"))
}

// subscribe is the command with which it begins, or goes on.
func (f *feed) subscribe() command {
	c := command{Type: "subscribe", Channel: f.channel}
	if f.known && !f.wildcard {
		c.Recover = &Position{f.at.Epoch, f.at.Offset}
	}
	return c
}

// subscribed takes the position of the subscription, and returns what is to be told of it; "" for nothing.
func (f *feed) subscribed(m *incoming) (notice string) {
	switch before := f.at; {
	case !f.known || m.Recovered != nil && *m.Recovered:
	case f.wildcard:
		notice = fmt.Sprintf("%s: what was published while there was no connection is missed: a wildcard is live only", f.channel)
	case before.Epoch != m.Epoch:
		notice = fmt.Sprintf("%s: not recovered: the server has forgotten the epoch, and what was published behind offset %d is missed", f.channel, before.Offset)
	case before.Offset < m.Offset:
		notice = fmt.Sprintf("%s: not recovered: missed %s", f.channel, between(before.Offset, m.Offset+1))
	}
	if !f.known || m.Recovered == nil || !*m.Recovered {
		f.moveTo(m.Epoch, m.Offset)
	}
	return notice
}

// moveTo has it be somewhere else.
func (f *feed) moveTo(epoch string, offset uint64) {
	if f.at.Epoch != epoch {
		f.told = 0
	}
	f.at, f.known = Position{epoch, offset}, true
}

// passed takes note of a publication, and tells whether it is new. One that is not above the position of the subscription is the latest value.
func (f *feed) passed(offset uint64) bool {
	if f.wildcard {
		return true // its channels have offsets of their own
	}
	if offset <= f.told {
		return false
	}
	f.told, f.at.Offset = offset, max(f.at.Offset, offset)
	return true
}

// lost takes note of a gap.
func (f *feed) lost(after, before uint64) (notice string) {
	if before > 0 && !f.wildcard {
		f.at.Offset = max(f.at.Offset, before-1)
	}
	return fmt.Sprintf("%s: missed %s: they were not taken in time", f.channel, between(after, before))
}

// between names the publications between two offsets, both exclusive.
func between(after, before uint64) string {
	if before == after+2 {
		return fmt.Sprintf("publication %d", after+1)
	}
	return fmt.Sprintf("publications %d to %d", after+1, before-1)
}
