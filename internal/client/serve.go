package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// historyPage is how many publications of a history are asked for at once.
const historyPage = 1000

// serve deals with what the server says.
func (s *stream) serve(ctx context.Context, m *incoming) error {
	switch m.Type {
	case "welcome":
		if s.welcomed {
			return nil // one is enough
		}
		s.welcomed = true
		s.expires(m.ExpiresIn)
		return s.begin(ctx)
	case "refreshed":
		s.answered(m)
		s.expires(m.ExpiresIn)
	case "subscribed":
		s.subscribed(m)
	case "history":
		return s.past(ctx, m)
	case "message":
		return s.tell(&m.Message)
	case "gap":
		s.gap(m)
	case "unsubscribed":
		return s.unsubscribed(m)
	case "error":
		return s.failed(ctx, m)
	case "disconnect":
		s.goodbye, s.retryAfter = m.Reason, time.Duration(min(max(m.RetryAfterMS, 0), int64(maxRetryAfter/time.Millisecond)))*time.Millisecond
	}
	return nil // of what is new in the protocol we know nothing
}

// maxRetryAfter bounds what we let the server have us wait.
const maxRetryAfter = 5 * time.Minute

// begin asks for what each feed needs.
func (s *stream) begin(ctx context.Context) error {
	for _, f := range s.feeds {
		if f.over {
			continue
		}
		f.live = false
		c := f.subscribe()
		if f.since != nil {
			c = f.history()
		}
		if err := s.ask(ctx, pending{feed: f, command: c}); err != nil {
			return err
		}
	}
	return nil
}

// answered finds what a reply is for; without a feed it is for nothing of ours.
func (s *stream) answered(m *incoming) pending {
	p := s.pending[m.ID]
	delete(s.pending, m.ID)
	return p
}

// named finds the feed of the channel.
func (s *stream) named(channel string) *feed {
	for _, f := range s.feeds {
		if f.channel == channel {
			return f
		}
	}
	return nil
}

// subscribed counts as the answer to our own command only: what the server does by itself, for channels of the token, recovers nothing.
func (s *stream) subscribed(m *incoming) {
	f := s.answered(m).feed
	if f == nil {
		return
	}
	f.live = true
	if notice := f.subscribed(m); notice != "" {
		s.tail.Notice(notice)
	}
}

// tell hands a publication over, of the feed that it is new to; what the server has subscribed us to beside that is nobody's.
func (s *stream) tell(m *Message) error {
	f := s.named(m.Channel)
	for _, other := range s.feeds {
		if f == nil && other.covers(m.Channel) {
			f = other
		}
	}
	if f == nil || !f.live {
		return nil
	}
	return s.hand(f, m)
}

// hand hands over a publication that is new to the feed. Who can't take it has the tail end.
func (s *stream) hand(f *feed, m *Message) error {
	if !f.passed(m.Offset) {
		return nil
	}
	err := s.tail.Message(m)
	s.final = err != nil
	return err
}

func (s *stream) gap(m *incoming) {
	for _, f := range s.feeds {
		if !m.Refill && f.covers(m.Channel) { // otherwise it is only late
			s.tail.Notice(f.lost(m.After, m.Before))
			return
		}
	}
}

// unsubscribed: by the server, or as the first half of subscribing ourselves.
func (s *stream) unsubscribed(m *incoming) error {
	f := s.named(m.Channel)
	if p := s.answered(m); p.feed != nil || f == nil {
		return nil
	}
	f.over = true
	err := fmt.Errorf("%s: the server has ended the subscription: %s", m.Channel, m.Reason)
	if over(s.feeds) {
		s.final = true
		return err
	}
	s.tail.Notice(err.Error())
	return nil
}

// failed: a command was refused.
func (s *stream) failed(ctx context.Context, m *incoming) error {
	p := s.answered(m)
	err := &Error{Code: m.word(), Message: m.Text}
	switch {
	case p.command.Type == "": // none of ours
		s.tail.Notice(strings.TrimPrefix(m.Channel+": "+err.Error(), ": "))
		return nil
	case p.command.Type == "unsubscribe": // the subscription has gone already
		return nil
	case err.Code == "already_subscribed" && !p.anew:
		return s.anew(ctx, p)
	case err.Code == "unavailable", err.Code == "rate", err.Code == "internal":
		if s.again = append(s.again, p); s.resend == nil {
			s.resend = time.After(commandPause)
		}
		return nil
	}
	s.final = true
	return fmt.Errorf("%s: %w", cmp.Or(p.command.Channel, p.command.Type), err)
}

// anew subscribes in the place of the server, which has done so for the token's sake, and from a position of its own.
func (s *stream) anew(ctx context.Context, p pending) error {
	if err := s.ask(ctx, pending{feed: p.feed, command: command{Type: "unsubscribe", Channel: p.command.Channel}}); err != nil {
		return err
	}
	p.anew = true
	return s.ask(ctx, p)
}

// sendAgain sends what was refused for now.
func (s *stream) sendAgain(ctx context.Context) error {
	again := s.again
	s.again, s.resend = nil, nil
	for _, p := range again {
		if err := s.ask(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// expires takes note of how long the token is still good: at four fifths of that another is asked for.
func (s *stream) expires(seconds int64) {
	s.refresh = nil
	if seconds > 0 && s.tail.Token != nil {
		s.refresh = time.After(time.Duration(seconds) * time.Second * 4 / 5)
	}
}

// renew presents another token, if there is one. If not, the server ends the connection when the old one has expired.
func (s *stream) renew(ctx context.Context) error {
	s.refresh = nil
	token, err := s.tail.Token()
	if err != nil || token == s.token {
		s.tail.Notice(errors.Join(errors.New("the token is about to expire, and there is no other"), err).Error())
		return nil
	}
	s.token = token
	return s.ask(ctx, pending{command: command{Type: "refresh", Token: token}})
}
