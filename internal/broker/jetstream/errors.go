package jetstream

import (
	"errors"
	"fmt"

	"github.com/wsedge/wsedge/internal/broker"
)

// Why the engine did not do what it was asked for. But for ErrUnknown they say that a publication was certainly not made.
var (
	// ErrDown says that there is no connection to NATS, or no stream.
	ErrDown error = &broker.Unavailable{Reason: "the engine has no connection"}
	// ErrBusy says that as much is under way as may be.
	ErrBusy error = &broker.Unavailable{Reason: "the engine owes too many answers"}
	// ErrUnknown says that NATS did not answer.
	ErrUnknown error = &broker.Unavailable{Reason: "the engine has not answered", Maybe: true}
	// ErrLeaderless says that nobody answers for the stream: its servers are away, or about to agree on a leader.
	ErrLeaderless error = &broker.Unavailable{Reason: "the engine has no leader for the channel"}
	// ErrRefused says that NATS refused.
	ErrRefused error = &broker.Unavailable{Reason: "the engine refused"}
	// ErrClosed says that the engine, or the log, is closed.
	ErrClosed error = &broker.Unavailable{Reason: "the engine is closed"}
)

// because says more about an error, for the log.
func because(err error, format string, v ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{err}, v...)...)
}

// reason is the word for an error in metrics.
func reason(err error) string {
	for _, r := range []struct {
		err  error
		word string
	}{{ErrDown, "down"}, {ErrBusy, "busy"}, {broker.ErrTooLarge, "too_large"}, {ErrUnknown, "unknown"}, {ErrClosed, "closed"}, {ErrLeaderless, "leaderless"}} {
		if errors.Is(err, r.err) {
			return r.word
		}
	}
	return "refused"
}

// Reasons are the words for errors in Stats.
var Reasons = []string{"down", "busy", "too_large", "unknown", "closed", "leaderless", "refused"}
