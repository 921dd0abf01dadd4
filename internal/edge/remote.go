package edge

import (
	"errors"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/dialect/native"
	"github.com/wsedge/wsedge/internal/metrics"
)

// An engine that depends on others can be away. Connections and what they are subscribed to stay; what needs the engine is refused with the reason.

var errEngineTooLarge = &native.Error{Code: native.CodeTooLarge, Message: "larger than the engine takes"}

// remote is the engine, if it is one that depends on others; nil if not.
func (s *Server) remote() broker.Remote {
	remote, _ := s.config.Broker.(broker.Remote)
	return remote
}

// engineError says in the dialect's words why the engine did not publish.
func engineError(err error) *native.Error {
	var away *broker.Unavailable
	switch {
	case errors.Is(err, broker.ErrTooLarge):
		return errEngineTooLarge
	case !errors.As(err, &away):
		return errUnavailable
	case away.Maybe:
		return &native.Error{Code: native.CodeUnavailable, Message: away.Reason + ": it may have been published; with an idempotency_key it is safe to repeat"}
	default:
		return &native.Error{Code: native.CodeUnavailable, Message: away.Reason + ": try again later"}
	}
}

// engineStarts tells that the engine could not be used since this node began, "" where it could: other nodes may do better, and the next one of a rolling restart is not to be
// stopped yet.
func (s *Server) engineStarts() string {
	if remote := s.remote(); remote != nil && remote.Health().Starting {
		return "starting: the engine could not be used yet\n"
	}
	return ""
}

// readiness is what /readyz says of a server that takes clients: also if the engine is away later, since no other node would do better.
func (s *Server) readiness() string {
	if remote := s.remote(); remote != nil {
		if h := remote.Health(); !h.Up {
			return "ok\nengine: down since " + h.Since.UTC().Format(time.RFC3339) + "\n"
		}
		return "ok\nengine: up\n"
	}
	return "ok\n"
}

// appendEngine appends the engine's metrics, if it is one that depends on others.
func (s *Server) appendEngine(text []byte) []byte {
	if remote := s.remote(); remote != nil {
		return metrics.AppendEngine(text, remote.Health(), remote.RemoteStats())
	}
	return text
}
