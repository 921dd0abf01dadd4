package client

import (
	"context"
	"fmt"
)

// history is the command for the next part of what is wanted of the history. Where nothing is known of the channel it asks for as little as tells
// its epoch.
func (f *feed) history() command {
	c := command{Type: "history", Channel: f.channel, Limit: 1}
	if f.known {
		c.Limit, c.Since = historyPage, &Position{f.at.Epoch, f.at.Offset}
	}
	return c
}

// past deals with a part of the history. Behind the last the feed subscribes, from where the history has ended: nothing falls between the two.
func (s *stream) past(ctx context.Context, m *incoming) error {
	f := s.answered(m).feed
	if f == nil || f.since == nil {
		return nil
	}
	if !f.known { // it was about the epoch
		f.moveTo(m.Epoch, min(f.since.Offset, m.Offset))
		if f.since.Offset > m.Offset {
			s.tail.Notice(fmt.Sprintf("%s: offset %d is not reached yet, the last is %d", f.channel, f.since.Offset, m.Offset))
		}
		return s.ask(ctx, pending{feed: f, command: f.history()})
	}
	if exact := m.Recovered != nil && *m.Recovered; !exact && !(f.since.All && f.told == 0) {
		s.tail.Notice(fmt.Sprintf("%s: not all behind offset %d is kept in the history", f.channel, f.at.Offset))
	}
	if f.at.Epoch != m.Epoch {
		f.moveTo(m.Epoch, 0)
	}
	for i := range m.Publications {
		p := &m.Publications[i]
		p.Channel = f.channel
		if err := s.hand(f, p); err != nil {
			return err
		}
	}
	if len(m.Publications) > 0 && f.at.Offset < m.Offset {
		return s.ask(ctx, pending{feed: f, command: f.history()})
	}
	f.moveTo(m.Epoch, max(f.at.Offset, m.Offset))
	f.since = nil
	return s.ask(ctx, pending{feed: f, command: f.subscribe()})
}
