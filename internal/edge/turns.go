package edge

import (
	"bytes"
	"slices"

	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/webhook"
	"github.com/wsedge/wsedge/reactor"
)

const (
	// maxTurns and maxTurnBytes bound the commands of a client that wait for a backend; one may be larger. A client that sends on
	// regardless is closed.
	maxTurns     = 1024
	maxTurnBytes = 256 << 10
	// maxAsked is how many questions about one client are under way at once, so that nobody takes the queue for themselves.
	maxAsked = 8
)

// turns are the commands of a client that wait because a backend is being asked about one of them: they are carried out in their
// order, and so behind it. It exists only then.
//
// Owned by the loop.
type turns struct {
	waiting []*turn
	bytes   int
	asked   int // questions under way
	next    int // index of the first whose question may have to be asked
}

// turn is one command.
type turn struct {
	command  native.Command
	err      *native.Error // the command is none
	bytes    int
	event    webhook.Event     // 0: nobody is asked
	question *webhook.Question // nil: not asked yet, and perhaps never, because the client may not anyway
	verdict  *webhook.Verdict  // nil: not known
	message  *turnMessage
}

// drop forgets all that waits, and asks no more about it.
func (t *turns) drop() {
	if t == nil {
		return
	}
	for _, one := range t.waiting {
		if one.question != nil {
			one.question.Abandon(nil)
		}
	}
	t.waiting = nil
}

// waits keeps a message for later if a backend has to decide first, about it or about one before it. It tells whether it has.
func (s *session) waits(c *reactor.Conn, cmd *native.Command, err *native.Error, payload []byte) bool {
	v := s.guest()
	if v == nil {
		return false
	}
	if event := s.eventOf(cmd, err); event == 0 && v.turns == nil && !v.deciding {
		return false
	}
	if v.turns == nil {
		v.turns = &turns{}
	}
	if !s.keep(v.turns, payload) {
		s.server.overruns.Add(1)
		s.disconnect(c, native.CloseRate, native.CodeLimit)
		return true
	}
	s.proceed(c)
	return true
}

// keep adds a message to those that wait. It tells whether there was room.
func (s *session) keep(t *turns, payload []byte) bool {
	cmd, err := native.Parse(bytes.Clone(payload)) // again, because a command borrows from the frame
	event := s.eventOf(&cmd, err)
	each := [][]string{cmd.Channels}
	if event == webhook.Subscribe {
		each = slices.Collect(slices.Chunk(cmd.Channels, 1)) // each channel has a question and an answer of its own
	}
	if len(t.waiting)+len(each) > maxTurns || len(t.waiting) > 0 && t.bytes+len(payload) > maxTurnBytes {
		return false
	}
	t.bytes += len(payload)
	message := &turnMessage{channel: onlyChannel(&cmd)}
	for i, channels := range each {
		one := &turn{command: cmd, err: err, event: event, message: message}
		one.command.Channels = channels
		if i == len(each)-1 {
			one.bytes = len(payload)
		}
		t.waiting = append(t.waiting, one)
	}
	return true
}

// eventOf tells what the backend wants to be asked about a command; 0 for nothing.
func (s *session) eventOf(cmd *native.Command, err *native.Error) webhook.Event {
	v := s.guest()
	switch {
	case err != nil || !v.inside && !v.deciding:
		return 0
	case cmd.Verb == native.Subscribe && len(cmd.Channels) <= s.server.current.Load().ChannelsPerConn && v.hooks.Wants(webhook.Subscribe):
		return webhook.Subscribe
	case cmd.Verb == native.Publish && v.hooks.Wants(webhook.Publish):
		return webhook.Publish
	default:
		return 0
	}
}

// proceed carries out the commands whose turn has come, and asks about those to come.
func (s *session) proceed(c *reactor.Conn) {
	v := s.guest()
	if v == nil || v.turns == nil {
		return
	}
	t := v.turns
	for v.turns == t && !v.deciding && !s.verifying() && len(t.waiting) > 0 && s.step(c, t, t.waiting[0]) {
	}
	switch {
	case v.turns != t || v.deciding || s.verifying(): // the client is closed, or is to be somebody else
	case len(t.waiting) == 0:
		v.turns = nil
	default:
		s.askAhead(c, t)
	}
}

// verifying tells whether the verdict on a token of the client is owed. Messages that come meanwhile are held before they get here.
func (s *session) verifying() bool { return s.member != nil && s.member.verifying }
