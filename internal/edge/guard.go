package edge

import (
	"slices"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/limit"
	"github.com/wsedge/wsedge/reactor"
)

// What is refused lets the connection live: maxRefusals at once, and refusalRate a second for ever. Whoever goes on beyond that
// has not understood, and is closed.
const (
	refusalRate = 10
	maxRefusals = 100
)

var persistence = limit.PerSecond(refusalRate, maxRefusals/refusalRate)

// Why a command was refused, and how a client is closed that goes on regardless.
type overstep struct {
	reason limit.Reason
	err    *native.Error
	code   frame.CloseCode
}

var (
	tooManyMessages     = &overstep{limit.MessageRate, &native.Error{Code: native.CodeRate, Message: "too many messages a second"}, native.CloseRate}
	tooManyUserMessages = &overstep{limit.UserMessageRate, &native.Error{Code: native.CodeRate, Message: "too many messages a second of this user"}, native.CloseRate}
	tooManyPublications = &overstep{limit.PublishRate, &native.Error{Code: native.CodeRate, Message: "too many publications a second"}, native.CloseRate}
	tooLarge            = &overstep{limit.MessageBytes, &native.Error{Code: native.CodeTooLarge, Message: "the data is larger than the channel takes"}, frame.CloseMessageTooBig}
	tooManyChannels     = &overstep{limit.Channels, errLimit, native.CloseChannelLimit}
)

// guard is what a session remembers of how its client behaves: 48 B, made when there is something to remember. Owned by the
// loop.
type guard struct {
	rare      *rare // nil for most
	messages  limit.Bucket
	refusals  limit.Bucket
	publishes *publishBuckets // nil until the first publication that a rate bounds
	visitor   *visitor        // nil without webhooks
	cursors   *cursors        // nil until the first subscription that holds one
}

// rare is what few clients need. It keeps the guards of the others small.
type rare struct {
	strikes *strikes // nil until the first bad message
	holder  *holder  // nil where the client wants no tickets
}

// rarities is the guard's rare, made if need be.
func (g *guard) rarities() *rare {
	if g.rare == nil {
		g.rare = &rare{}
	}
	return g.rare
}

// publishBuckets are by namespace; those in use lately.
type publishBuckets []publishBucket

type publishBucket struct {
	namespace *channel.Options
	bucket    limit.Bucket
}

// guarded is the session's guard, made if need be.
func (s *session) guarded() *guard {
	if s.guard == nil {
		s.guard = &guard{}
	}
	return s.guard
}

// strike counts a bad message.
func (s *session) strike(c *reactor.Conn) {
	r := s.guarded().rarities()
	if r.strikes == nil {
		r.strikes = &strikes{}
	}
	if r.strikes.add(s.server.config.now()) {
		s.disconnect(c, native.CloseBadRequest, native.CodeBadRequest)
	}
}

// overRate counts a command against the rates of the client, and of its user, and returns the one that it is above; nil: none.
func (s *session) overRate() *overstep {
	m := s.server.limiter
	if !m.userMessage(s.user()) {
		return tooManyUserMessages
	}
	if rate := m.limits().MessageRate; rate > 0 {
		if _, ok := s.guarded().messages.Take(limit.PerSecond(rate, rateSeconds), m.clock()); !ok {
			return tooManyMessages
		}
	}
	return nil
}

// userMessage counts a command against the rate of a user, all of whose clients share it, and tells whether it is within. Nobody has none.
func (m *limiter) userMessage(user string) bool {
	rate := m.limits().UserMessageRate
	if user == "" || rate == 0 {
		return true
	}
	_, ok := m.userMessages.Take(m.nameKey(user), m.sharedRate(rate), m.clock())
	return ok
}

// onlyChannel is the channel that a command is about, if it is about one.
func onlyChannel(cmd *native.Command) string {
	if len(cmd.Channels) != 1 {
		return ""
	}
	return cmd.Channels[0]
}

// publishBucket is the client's bucket for a namespace. There are never more than namespaces that it has published to in the last
// two seconds, and those of before a reload.
func (g *guard) publishBucket(namespace *channel.Options, now int64) *limit.Bucket {
	if g.publishes == nil {
		g.publishes = &publishBuckets{}
	}
	buckets := *g.publishes
	i := slices.IndexFunc(buckets, func(p publishBucket) bool { return p.namespace == namespace })
	if i < 0 {
		buckets = slices.DeleteFunc(buckets, func(p publishBucket) bool { return p.bucket.Full(now) })
		buckets = append(buckets, publishBucket{namespace: namespace})
		i = len(buckets) - 1
		*g.publishes = buckets
	}
	return &buckets[i].bucket
}

// overstep refuses a command that is beyond a limit, and closes whoever does not mind being refused.
func (s *session) overstep(c *reactor.Conn, id []byte, channel string, o *overstep) {
	m := s.server.limiter
	m.refusals.Count(o.reason)
	s.refuse(c, id, channel, o.err)
	if _, ok := s.guarded().refusals.Take(persistence, m.clock()); !ok {
		m.refusals.Count(limit.Persistent)
		s.disconnect(c, o.code, o.reason.String())
	}
}
