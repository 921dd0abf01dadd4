package edge

import (
	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/webhook"
	"github.com/wsedge/wsedge/reactor"
)

// turnMessage is what the turns of one message have in common.
type turnMessage struct {
	channel string    // the only one that it names, if it is one
	counted bool      // against the rates
	over    *overstep // the rate that it is above; nil: none
	told    bool      // that it is
	paid    bool      // it has been taken from the rate of publications
	struck  bool      // held against the client as a denial
}

// step does what is next for the first command that waits, and tells whether anything was to be done.
func (s *session) step(c *reactor.Conn, t *turns, one *turn) bool {
	asked := one.event == 0 || one.question != nil
	switch {
	case asked && one.event != 0 && one.verdict == nil:
		return false
	case asked:
		t.take()
		s.takeTurn(c, one)
	case s.above(one):
		t.take()
		s.tellAbove(c, one)
	case one.event == webhook.Subscribe && one.command.Token != "" && s.member != nil:
		s.proveTurn(c, t, one)
	default:
		if err := s.objection(one); err != nil {
			t.take()
			s.object(c, one.command.ID, one.command.Channels[0], err, one.action(), &one.message.struck)
			s.ticketChanged()
			return true
		}
		if t.asked < maxAsked {
			s.askAbout(c, t, one)
		}
		return false
	}
	return true
}

// take takes the first command off those that wait.
func (t *turns) take() {
	one := t.waiting[0]
	t.waiting[0] = nil
	t.waiting = t.waiting[1:]
	t.next = max(0, t.next-1)
	t.bytes -= one.bytes
}

// proveTurn has the token of the first command verified before anything is asked about it.
func (s *session) proveTurn(c *reactor.Conn, t *turns, one *turn) {
	s.prove(c, &one.command, func(c *reactor.Conn, refusal *native.Error) {
		if len(t.waiting) == 0 || t.waiting[0] != one { // the client is being closed
			return
		}
		one.command.Token = "" // what it allows has been noted
		if refusal == nil {
			s.proven(t, one.message)
		} else {
			t.take()
			s.refuseToken(c, &one.command, refusal)
		}
	})
}

// proven spares the other channels of a message the verification of its token, as far as that is good for them: a message would cost the loop
// up to ChannelsPerConn of them.
func (s *session) proven(t *turns, m *turnMessage) {
	for _, other := range t.waiting {
		if other.message == m && s.member.hasLeave(other.command.Channels[0]) {
			other.command.Token = ""
		}
	}
	t.next = 0 // they may be asked about ahead now
}

// action is what the command wants to do in its channel.
func (t *turn) action() auth.Action {
	if t.event == webhook.Publish {
		return auth.Publish
	}
	return auth.Subscribe
}

// objection is why the command is refused whatever the backend says; nil: it is not.
func (s *session) objection(one *turn) *native.Error {
	if one.event == webhook.Subscribe {
		return s.mayNotSubscribe(one.command.Channels[0])
	}
	err := s.mayNotPublish(&one.command)
	if err == nil && !one.message.paid {
		err = s.payPublication(&one.command)
		one.message.paid = err == nil
	}
	return err
}

// above tells whether the command is above a rate. It is counted against that when it is looked at first.
func (s *session) above(one *turn) bool {
	if m := one.message; !m.counted && one.err == nil {
		m.counted, m.over = true, s.overRate()
	}
	return one.message.over != nil
}

// tellAbove refuses a message that is above a rate, once, whatever number of channels it names.
func (s *session) tellAbove(c *reactor.Conn, one *turn) {
	if m := one.message; !m.told {
		m.told = true
		s.overstep(c, one.command.ID, m.channel, m.over)
	}
}

// takeTurn carries out a command to which the backend has agreed, or that it is not asked about. Behind its answer all is looked at again
// but for rates.
func (s *session) takeTurn(c *reactor.Conn, one *turn) {
	cmd := &one.command
	switch {
	case one.err != nil:
		s.carryOut(c, cmd, one.err)
	case s.above(one):
		s.tellAbove(c, one)
	case one.verdict == nil:
		s.run(c, cmd)
	case !one.verdict.Allow:
		s.refuse(c, cmd.ID, cmd.Channels[0], refusal(one.verdict))
		s.ticketChanged()
	case one.event == webhook.Publish:
		s.publishUnless(c, cmd, s.mayNotPublish(cmd))
	default:
		s.run(c, cmd)
	}
}

// askAhead asks about the first commands, but not beyond one that may make the client somebody else. Those that the client may not carry
// out as it stands are left for their turn.
func (s *session) askAhead(c *reactor.Conn, t *turns) {
	for ; t.next < len(t.waiting) && t.asked < maxAsked; t.next++ {
		one := t.waiting[t.next]
		if one.command.Verb == native.Connect {
			return
		}
		if one.event == 0 || one.question != nil || one.command.Token != "" || s.above(one) || s.objection(one) != nil {
			continue
		}
		s.askAbout(c, t, one)
	}
}

func (s *session) askAbout(c *reactor.Conn, t *turns, one *turn) {
	t.asked++
	o := &webhook.Occasion{Client: s.id(), Channel: one.command.Channels[0], Data: one.command.Data}
	one.question = s.guest().ask(c, one.event, o, func(c *reactor.Conn, verdict webhook.Verdict) {
		one.verdict = &verdict
		t.asked--
		if s.guest().turns == t {
			s.proceed(c)
		}
	})
}
