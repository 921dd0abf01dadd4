package edge

import (
	"bytes"
	"errors"
	"slices"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/webhook"
	"github.com/wsedge/wsedge/reactor"
)

var (
	errBadToken = &native.Error{Code: native.CodePermissionDenied, Message: "the token is not good for this channel"}
	errDenied   = &native.Error{Code: native.CodePermissionDenied, Message: "not allowed in this channel"}
)

// permit tells whether the client may do action in the channel of that name; if not, the error is to be answered, and is counted.
// Everything that has a permission of its own asks here.
func (s *session) permit(c *reactor.Conn, action auth.Action, name string) *native.Error {
	if s.allowed(action, name) {
		return nil
	}
	s.deny(c, action)
	return errDenied
}

// deny counts what was not permitted, and closes who goes on trying.
func (s *session) deny(c *reactor.Conn, action auth.Action) {
	s.server.denied.count(action)
	s.strikeDenial(c)
}

// strikeDenial closes who goes on trying what is not permitted.
func (s *session) strikeDenial(c *reactor.Conn) {
	if m := s.member; m != nil {
		if m.denials == nil {
			m.denials = &strikes{}
		}
		if m.denials.add(s.server.config.now()) {
			s.end(c, native.ClosePermission, native.CodePermissionDenied)
		}
	}
}

func (s *session) allowed(action auth.Action, name string) bool {
	if !s.mayLookInto(action, name) {
		return false
	}
	access := accessTo(s.server.hub.Options(name), action)
	return mayDo(s.member, s.guest(), action, name, access) || action == auth.Subscribe && access > 0 && s.member != nil && s.member.hasLeave(name)
}

// mayLookInto tells whether the client may read the history of a channel, or see who is there, beyond what its namespace says: who may not hear
// a channel may not read it either. Where a backend decides about that, who is in it, or was given it, has its word; others need a token's.
func (s *session) mayLookInto(action auth.Action, name string) bool {
	v := s.guest()
	switch {
	case action == auth.History && !mayHave(s.member, v, name):
		return false
	case action != auth.History && action != auth.Presence, v == nil, !v.hooks.Wants(webhook.Subscribe):
		return true
	case s.subscribedTo(name) >= 0, s.joining(name) >= 0, s.hearsWildcardOf(name), s.isGiven(name):
		return true
	}
	return s.member != nil && s.member.identity.Allows(action, name, channel.ByToken)
}

// mayDo tells whether a client, in either dialect, may do action in a channel whose namespace gives it to access. Who has a user is
// authenticated, whether a token or the backend names it.
func mayDo(m *member, v *visitor, action auth.Action, name string, access channel.Access) bool {
	var identity *auth.Identity // nobody's
	if m != nil {
		identity = m.identity
	}
	return identity.Allows(action, name, access) || access == channel.Authenticated && userOf(m, v) != ""
}

func (m *member) hasLeave(name string) bool {
	return slices.ContainsFunc(m.leaves, func(l *auth.Subscription) bool { return auth.MatchPattern(l.Channel, name) })
}

// subscribeWith carries out a subscribe with a token of its own.
func (s *session) subscribeWith(c *reactor.Conn, cmd *native.Command) {
	if s.member == nil {
		s.subscribeAll(c, cmd)
		return
	}
	kept := *cmd // its strings are its own
	kept.ID = bytes.Clone(cmd.ID)
	s.prove(c, &kept, func(c *reactor.Conn, refusal *native.Error) {
		if refusal == nil {
			s.subscribeAll(c, &kept)
			return
		}
		s.refuseToken(c, &kept, refusal)
	})
}

// refuseToken answers a subscribe whose token is not good for it.
func (s *session) refuseToken(c *reactor.Conn, cmd *native.Command, refusal *native.Error) {
	if refusal == errBadToken {
		s.deny(c, auth.Subscribe)
	}
	s.refuse(c, cmd.ID, cmd.Channels[0], refusal)
}

// prove has the token of a subscribe verified, keeps what it allows, and calls then with what is wrong with it; nil: nothing. What comes
// meanwhile is held.
func (s *session) prove(c *reactor.Conn, cmd *native.Command, then func(*reactor.Conn, *native.Error)) {
	verdict := func(c *reactor.Conn, leave *auth.Subscription, err error) {
		refusal := errBadToken
		switch refused := (*auth.Error)(nil); {
		case err == nil:
			refusal = s.grant(leave, cmd.Channels)
		case !errors.As(err, &refused) || refused.Later:
			refusal = errUnavailable
		}
		then(c, refusal)
	}
	leave, err := s.server.gate.auth.VerifySubscription(cmd.Token, s.member.identity, func(leave *auth.Subscription, err error) {
		c.Post(func(c *reactor.Conn) { s.resume(c, func() { verdict(c, leave, err) }) })
	})
	if errors.Is(err, auth.ErrPending) {
		s.member.verifying = true
		return
	}
	verdict(c, leave, err)
}

// grant keeps what a subscription token allows, in place of what an earlier one did. The token must be good for all channels.
func (s *session) grant(leave *auth.Subscription, names []string) *native.Error {
	for _, name := range names {
		if !auth.MatchPattern(leave.Channel, name) {
			return errBadToken
		}
	}
	m, gate := s.member, s.server.gate
	if i := slices.IndexFunc(m.leaves, func(l *auth.Subscription) bool { return l.Channel == leave.Channel }); i >= 0 {
		m.leaves[i] = leave
	} else if len(m.leaves) >= s.server.current.Load().ChannelsPerConn {
		return errLimit
	} else {
		m.leaves = append(m.leaves, leave)
	}
	s.ticketChanged()
	gate.leaves(m)
	gate.wake(m, leave.Expires)
	if gate.auth.Revoked(m.identity.User, leave.TokenID, leave.Issued) { // between verdict and books
		m.leaves = slices.DeleteFunc(m.leaves, func(l *auth.Subscription) bool { return l == leave })
		return errBadToken
	}
	return nil
}

// reconsider leaves the channels that the client may not be subscribed to any more.
func (s *session) reconsider(c *reactor.Conn, reason string) {
	for _, name := range s.channelNames() {
		if mayHave(s.member, s.guest(), name) && (s.allowed(auth.Subscribe, name) || s.isGiven(name)) {
			continue
		}
		s.depart(c, name)
		s.respond(c, native.AppendLeft(nil, name, reason))
	}
}

func (s *session) channelNames() (names []string) {
	for _, channel := range s.joined {
		names = append(names, channel.Name())
	}
	if s.pending != nil {
		for _, j := range s.pending.joins {
			names = append(names, j.channel.Name())
		}
	}
	return names
}
