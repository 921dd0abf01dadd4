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

// guard is what a session remembers of how its client behaves: 40 B, which the allocator rounds up to 48, made when there is something to remember. Owned by the
// loop.
type guard struct {
	strikes   *strikes // nil until the first bad message
	messages  limit.Bucket
	refusals  limit.Bucket
	publishes *publishBuckets // nil until the first publication that a rate bounds
	visitor   *visitor        // nil without webhooks
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
	g := s.guarded()
	if g.strikes == nil {
		g.strikes = &strikes{}
	}
	if g.strikes.add(s.server.config.now()) {
		s.disconnect(c, native.CloseBadRequest, native.CodeBadRequest)
	}
}

// withinRate tells whether the client, and its user, may have the command carried out now; otherwise it has been answered.
func (s *session) withinRate(c *reactor.Conn, cmd *native.Command) bool {
	if user := s.user(); user != "" && !s.withinUserRate(c, cmd, user) {
		return false
	}
	m := s.server.limiter
	rate := m.limits().MessageRate
	if rate == 0 {
		return true
	}
	if _, ok := s.guarded().messages.Take(limit.PerSecond(rate, rateSeconds), m.clock()); ok {
		return true
	}
	s.overstep(c, cmd.ID, onlyChannel(cmd), tooManyMessages)
	return false
}

// withinUserRate tells the same of all clients of the user together.
func (s *session) withinUserRate(c *reactor.Conn, cmd *native.Command, user string) bool {
	m := s.server.limiter
	rate := m.limits().UserMessageRate
	if rate == 0 {
		return true
	}
	if _, ok := m.userMessages.Take(limit.NameKey(user), limit.PerSecond(rate, rateSeconds), m.clock()); ok {
		return true
	}
	s.overstep(c, cmd.ID, onlyChannel(cmd), tooManyUserMessages)
	return false
}

// onlyChannel is the channel that a command is about, if it is about one.
func onlyChannel(cmd *native.Command) string {
	if len(cmd.Channels) != 1 {
		return ""
	}
	return cmd.Channels[0]
}

// mayPublish tells whether a publication is within what its namespace takes, in size and, of this client, in number; otherwise it
// has been answered.
func (s *session) mayPublish(c *reactor.Conn, cmd *native.Command) bool {
	name := cmd.Channels[0]
	options := s.server.hub.Options(name)
	if !options.Fits(len(cmd.Data)) {
		s.overstep(c, cmd.ID, name, tooLarge)
		return false
	}
	if options.PublishRate == 0 {
		return true
	}
	now := s.server.limiter.clock()
	bucket := s.guarded().publishBucket(options, now)
	if _, ok := bucket.Take(limit.PerSecond(options.PublishRate, rateSeconds), now); !ok {
		s.overstep(c, cmd.ID, name, tooManyPublications)
		return false
	}
	return true
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
