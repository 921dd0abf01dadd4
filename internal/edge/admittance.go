package edge

import (
	"encoding/json"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/flight"
	"github.com/wsedge/wsedge/internal/webhook"
	"github.com/wsedge/wsedge/reactor"
)

// receive has the session know its visitor. Where there are webhooks it has a guard from the beginning.
func (s *session) receive(v *visitor) {
	if v != nil {
		s.guarded().visitor = v
	}
}

// guest is the session's visitor; nil without webhooks.
func (s *session) guest() *visitor {
	if s.guard == nil {
		return nil
	}
	return s.guard.visitor
}

// letIn welcomes a client, once the backend has agreed where it wants to be asked. user is who the client has proven to be, "" for
// nobody yet; id is that of the command that is answered, nil for none.
func (s *session) letIn(c *reactor.Conn, id []byte, user string) {
	v := s.guest()
	if v == nil {
		s.greet(c, id)
		return
	}
	s.server.unname(v)
	v.user = user
	if !v.hooks.Wants(webhook.Connect) {
		v.inside = true
		s.greet(c, id)
		return
	}
	v.enter(c, s.id(), func(c *reactor.Conn, verdict webhook.Verdict) {
		if !verdict.Allow {
			s.turnAway(c, id, &verdict)
			return
		}
		if !s.server.name(c, v, &verdict) {
			s.end(c, s.server.userConnsCode(verdict.User), "user_connections")
			return
		}
		s.greet(c, id, verdict.Channels...)
		s.proceed(c)
	})
}

// greet welcomes the client, and puts it into the channels that its token names, those that the backend gives it, and those of the ticket that it
// comes back with. It leaves those of whom it may have been before.
func (s *session) greet(c *reactor.Conn, id []byte, given ...string) {
	s.server.note(s.number, flight.Welcomed)
	s.respond(c, s.welcome(c, id))
	s.reconsider(c, native.CodePermissionDenied)
	if s.member != nil {
		s.subscribeServerSide(c, s.member.identity.Channels)
	}
	s.subscribeServerSide(c, given)
	s.comeBack(c)
}

// turnAway tells a client why it may not come in. Where the backend did not decide, it may come back.
func (s *session) turnAway(c *reactor.Conn, id []byte, verdict *webhook.Verdict) {
	s.refuse(c, id, "", refusal(verdict))
	if verdict.Failed {
		s.disconnect(c, frame.CloseTryAgainLater, native.CodeUnavailable)
		return
	}
	s.disconnect(c, native.ClosePermission, verdict.Code)
}

// refusal is a verdict as clients are told. The backend's text may hold anything that can be printed, so it is escaped.
func refusal(verdict *webhook.Verdict) *native.Error {
	quoted, _ := json.Marshal(verdict.Message) // a string can't fail
	return &native.Error{Code: verdict.Code, Message: string(quoted[1 : len(quoted)-1])}
}
