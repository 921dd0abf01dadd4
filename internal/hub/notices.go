package hub

import (
	"time"

	"github.com/wsedge/wsedge/internal/dialect"
	"github.com/wsedge/wsedge/reactor"
)

// noticeGap is the least time between two notices of a channel with more than MaxListed members.
const noticeGap = time.Second

// Notices is where those are subscribed who want to hear of joins and leaves; nil where the namespace has no notices. It is a topic
// of its own, so that no notice is ever dropped in the place of a publication, or the other way round. Subscribe to it before
// Enter: then nothing is missed that changes after it.
func (c *Channel) Notices() *reactor.Topic {
	if o := c.Options(); !o.Members || !o.JoinLeave {
		return nil
	}
	all := c.roll()
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.notices == nil {
		all.notices = c.hub.config.NewTopic(reactor.TopicOptions{Policy: reactor.DropOldest, Gap: all})
	}
	return all.notices
}

// Unnotice ends a conn's subscription to the notices, if it has one. On the loop of the conn only.
func (c *Channel) Unnotice(conn *reactor.Conn) {
	all := c.members.Load()
	if all == nil {
		return
	}
	all.mu.Lock()
	t := all.notices
	all.mu.Unlock()
	if t != nil {
		conn.Unsubscribe(t)
	}
}

// tell sends what has changed to all but conn: who it was, or, where there are too many, the count alone and not more often than every
// noticeGap. The caller holds mu.
func (all *members) tell(client uint64, m *Member, joined bool, conn *reactor.Conn) {
	if all.tellsWho() {
		who := all.present(client, m)
		all.send(&dialect.Notice{Who: &who, Joined: joined}, conn)
	}
}

// tellsWho tells whether somebody wants to hear who has come or gone. Where there are too many for that, the count is told instead. The caller holds mu.
func (all *members) tellsWho() bool {
	if all.notices == nil || !all.channel.Options().JoinLeave {
		return false
	}
	if all.count() > MaxListed {
		all.tellCount()
		return false
	}
	return true
}

// tellCount has the count told alone, now or as soon as noticeGap has passed. The caller holds mu.
func (all *members) tellCount() {
	if all.untold = true; !all.resting {
		all.sendCount()
	}
}

// sendCount tells of the count alone, and keeps from doing so again before noticeGap has passed. The caller holds mu.
func (all *members) sendCount() {
	all.send(&dialect.Notice{}, nil)
	all.rest()
}

// send posts one notice with the present count. If the node has no room for it, the count is told later. The caller holds mu.
func (all *members) send(n *dialect.Notice, exclude *reactor.Conn) {
	n.Channel, n.Count = all.channel.name, all.count()
	_, err := all.notices.Publish(reactor.Publication{Encoder: noticeEncoder{all.channel.hub.config.Notices, n}, Exclude: exclude})
	switch {
	case err != nil:
		all.untold = true
		all.rest()
	case n.Who == nil:
		all.untold = false
	}
}

// rest lets noticeGap pass; then the count is told if something has changed meanwhile that was not. The caller holds mu.
func (all *members) rest() {
	if !all.resting {
		all.resting = true
		all.channel.hub.config.AfterFunc(noticeGap, all.rested)
	}
}

func (all *members) rested() {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.resting = false
	if all.untold && all.channel.Options().JoinLeave {
		all.sendCount()
	}
}

// AppendGap implements reactor.GapEncoder: in the place of notices that a slow subscriber did not get it has the present count. It is
// called on a loop, where all.mu may be waited for: it is held for a post, never for a client.
func (all *members) AppendGap(dst []byte, f reactor.Form, _, _ uint64) []byte {
	encode := all.channel.hub.config.Notices
	if int(f) >= len(encode) || encode[f] == nil {
		return dst
	}
	all.mu.Lock()
	count := all.count()
	all.mu.Unlock()
	return encode[f](dst, &dialect.Notice{Channel: all.channel.name, Count: count})
}

// noticeEncoder implements reactor.Encoder.
type noticeEncoder struct {
	forms  []dialect.EncodeNotice
	notice *dialect.Notice
}

func (e noticeEncoder) AppendForm(dst []byte, f reactor.Form) []byte {
	return e.forms[f](dst, e.notice)
}
