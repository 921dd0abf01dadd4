package jetstream

import "errors"

// Why the engine did not do what it was asked for. The first three say that a publication was certainly not made.
var (
	// ErrDown says that there is no connection to NATS.
	ErrDown = errors.New("jetstream: no connection to NATS")
	// ErrBusy says that as much is under way as may be.
	ErrBusy = errors.New("jetstream: too much is under way")
	// ErrTooLarge says that NATS takes no message of that size.
	ErrTooLarge = errors.New("jetstream: larger than NATS takes")
	// ErrUnknown says that NATS did not answer: a publication may have been made. With an idempotency key it is safe to repeat.
	ErrUnknown = errors.New("jetstream: NATS did not answer: it may have been published")
	// ErrRefused says that NATS refused.
	ErrRefused = errors.New("jetstream: NATS refused")
	// ErrClosed says that the engine, or the log, is closed.
	ErrClosed = errors.New("jetstream: closed")
)

// reason is the word for an error in metrics.
func reason(err error) string {
	for _, r := range []struct {
		err  error
		word string
	}{{ErrDown, "down"}, {ErrBusy, "busy"}, {ErrTooLarge, "too_large"}, {ErrUnknown, "unknown"}, {ErrClosed, "closed"}} {
		if errors.Is(err, r.err) {
			return r.word
		}
	}
	return "refused"
}

// Reasons are the words for errors in Stats.
var Reasons = []string{"down", "busy", "too_large", "unknown", "closed", "refused"}
