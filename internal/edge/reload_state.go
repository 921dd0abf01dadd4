package edge

import (
	"time"

	"github.com/wsedge/wsedge/internal/metrics"
)

// reloadState is what has become of the last attempt to read the configuration again.
type reloadState struct {
	failed bool
	good   time.Time // when a configuration was taken last: at the start, if never since
}

// Reloaded notes what has become of an attempt to read the configuration again, for the metrics: err is nil where it was taken. Safe from
// any goroutine.
func (s *Server) Reloaded(err error) {
	next := *s.reload.Load()
	if next.failed = err != nil; err == nil {
		next.good = s.config.now()
	}
	s.reload.Store(&next)
}

// nodeStats are what an operator must know of the node as a whole.
func (s *Server) nodeStats() metrics.Node {
	reload := s.reload.Load()
	n := metrics.Node{Version: s.config.Version, Draining: s.draining.Load(), ReloadFailed: reload.failed, LastGoodConfig: reload.good}
	if s.config.Certificates != nil {
		n.Certificates = s.config.Certificates()
	}
	return n
}
