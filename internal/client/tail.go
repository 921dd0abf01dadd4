package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// ErrEnough is what Tail.Message returns when it wants no more.
var ErrEnough = errors.New("client: enough")

// Tail says what to follow.
type Tail struct {
	// Channels are names of channels, or wildcards. At least one.
	Channels []string
	// Since has the history come first, of channels that are no wildcards. Default: only what is published from now on.
	Since *Since
	// Token makes the token of a connection, and another when that is about to expire. Default: there is none.
	Token func() (string, error)
	// Message gets each publication, those of a channel in order, each once. Required. While it takes its time nothing is read. An error ends the tail.
	Message func(*Message) error
	// Notice gets a line about what is not as it should be: the connection was lost, something was missed. Required.
	Notice func(line string)
}

const (
	// firstBackoff and lastBackoff bound the time before a connection is tried again, of which a random part is waited.
	firstBackoff = 500 * time.Millisecond
	lastBackoff  = 30 * time.Second
	// steady is how long a connection must have lasted for the next one to be tried at once again.
	steady = 10 * time.Second
)

// Tail follows channels until the context ends, Message wants no more, or the server says for good that it may not be; the first two are no error.
// A connection that is lost is made again, with increasing pauses, and goes on where it was; what can't be had any more Notice is told of. A server
// that can't be reached at the beginning is an error.
func (c *Client) Tail(ctx context.Context, t Tail) error {
	feeds := make([]*feed, len(t.Channels))
	for i, channel := range t.Channels {
		feeds[i] = newFeed(channel, t.Since)
		if feeds[i].wildcard && t.Since != nil {
			return fmt.Errorf("%s: a wildcard has no history", channel)
		}
	}
	met := false
	for backoff := firstBackoff; ; backoff = min(2*backoff, lastBackoff) {
		began := time.Now()
		s := &stream{client: c, tail: &t, feeds: feeds, pending: make(map[int]pending)}
		err := s.run(ctx)
		switch {
		case errors.Is(err, ErrEnough), ctx.Err() != nil:
			return nil
		case s.final || !met && !s.welcomed && !s.refused():
			return err
		}
		met = met || s.welcomed
		if time.Since(began) > steady {
			backoff = firstBackoff
		}
		wait := max(s.retryAfter, rand.N(backoff))
		t.Notice(fmt.Sprintf("%v; trying again in %v", err, wait.Round(time.Millisecond)))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

// over tells whether all feeds are.
func over(feeds []*feed) bool {
	return !slices.ContainsFunc(feeds, func(f *feed) bool { return !f.over })
}
