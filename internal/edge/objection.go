package edge

import (
	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/limit"
	"github.com/wsedge/wsedge/reactor"
)

// Objections are why subscribe or publish is refused by what this node knows itself. They are looked for before a backend is asked, so that
// who may not anyway costs it nothing, and again behind its answer, because much may have changed meanwhile. Looking for them has
// no effect.

// mayNotSubscribe tells why the client can't be subscribed to a channel; nil: it can.
func (s *session) mayNotSubscribe(name string) *native.Error {
	if !s.isGiven(name) && !s.allowed(auth.Subscribe, name) {
		return errDenied
	}
	return s.mayNotJoin(name)
}

// mayNotJoin is mayNotSubscribe for those who have the permission.
func (s *session) mayNotJoin(name string) *native.Error {
	switch {
	case !mayHave(s.member, s.guest(), name):
		return errPersonal
	case s.subscribedTo(name) >= 0 || s.joining(name) >= 0:
		return errAlready
	case s.channels() >= s.server.current.Load().ChannelsPerConn:
		return errLimit
	}
	return nil
}

// mayNotPublish tells why a publication is refused, however many came before it; nil: it is not.
func (s *session) mayNotPublish(cmd *native.Command) *native.Error {
	name := cmd.Channels[0]
	if !s.server.hub.Options(name).Fits(len(cmd.Data)) {
		return tooLarge.err
	}
	if !s.allowed(auth.Publish, name) {
		return errDenied
	}
	return nil
}

// payPublication takes a publication from the client's rate in the namespace; an error: there is none left.
func (s *session) payPublication(cmd *native.Command) *native.Error {
	options := s.server.hub.Options(cmd.Channels[0])
	if options.PublishRate == 0 {
		return nil
	}
	now := s.server.limiter.clock()
	bucket := s.guarded().publishBucket(options, now)
	if _, ok := bucket.Take(limit.PerSecond(options.PublishRate, rateSeconds), now); !ok {
		return tooManyPublications.err
	}
	return nil
}

// object refuses what a command wants of a channel, with all that follows from the reason. struck says whether the command has been held
// against the client as a denial: that happens once, whatever number of channels it names.
func (s *session) object(c *reactor.Conn, id []byte, channel string, err *native.Error, action auth.Action, struck *bool) {
	for _, o := range [...]*overstep{tooManyChannels, tooManyPublications, tooLarge} {
		if err == o.err {
			s.overstep(c, id, channel, o)
			return
		}
	}
	if err == errDenied {
		s.server.denied.count(action)
		if !*struck {
			*struck = true
			s.strikeDenial(c)
		}
	}
	s.refuse(c, id, channel, err)
}
