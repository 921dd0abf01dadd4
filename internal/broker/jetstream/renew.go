package jetstream

import (
	"context"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// A stream whose sequence went back is deleted, and made anew in another epoch, which begins above what subscribers have had. Only one node may delete it, or a late one
// would delete the next: who claims the old one first, by a message in it.

const (
	// claimToken stands for a channel in the subject of a claim. No channel is encoded like that.
	claimToken = "~renew"
	// claimLife is after what time a claim is somebody else's to make: whoever made it has not come to delete the stream. When it was made the server's clock says, and how
	// long ago that is, this node's.
	claimLife = clockSkew + 10*time.Second
	// claimGood is how long whoever has claimed may take to ask for the deletion.
	claimGood = 2 * time.Second
)

// renew has a stream that went back made anew, or leaves it to the node that was first. It waits.
func (s *stream) renew(is *identity, upTo uint64) {
	began := time.Now()
	mine, err := s.claim(is)
	logger := s.engine.config.Logger.With("stream", s.name, "epoch", is.epoch)
	switch {
	case err != nil:
		logger.Warn("engine: a stream has lost its end, and it can't be agreed on who makes it anew", "error", err.Error())
		return
	case !mine:
		s.check()
		return
	}
	s.mu.Lock()
	s.highest = max(s.highest, upTo)
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), s.engine.config.Timeout)
	defer cancel()
	if time.Since(began) > claimGood { // another node may take it for given up
		return
	}
	s.engine.counters.rollbacks.Add(1)
	logger.Error("engine: a stream has lost its end, which subscribers have had; it is made anew", "known", upTo)
	if err := s.engine.js.DeleteStream(ctx, s.name); err != nil {
		logger.Error("engine: a stream that has lost its end can't be deleted", "error", err.Error())
	}
	s.check()
}

// claim tells whether this node is to make a stream anew.
func (s *stream) claim(is *identity) (mine bool, err error) {
	subject := is.in + claimToken
	last, err := s.message(map[string]string{"last_by_subj": subject})
	if err != nil || last.Seq != 0 && s.engine.config.Now().Sub(last.Time) < claimLife {
		return false, err
	}
	var ack ack
	err = s.engine.await(&request{
		subject: subject, body: []byte(s.engine.node), header: nats.Header{headerExpected: {strconv.FormatUint(last.Seq, 10)}},
	}, &ack)
	return err == nil && ack.Error == nil, err
}

// above is the lowest first sequence that a stream which is made now may have.
func (s *stream) above() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.highest + 1
}
