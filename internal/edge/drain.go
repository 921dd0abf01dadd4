package edge

import (
	"context"
	"errors"
	"time"

	"github.com/wsedge/wsedge/reactor"
)

// Drain says how a server shuts down.
type Drain struct {
	// Delay is how long /readyz says no before anything else happens, so that a load balancer has stopped sending new clients.
	// Default 0.
	Delay time.Duration
	// Spread is over how long clients are told to go, evenly; with less than 1,000 of them for each second, it takes less: see
	// reactor.Config.DrainSpread. Default 5 s; negative: all at once.
	Spread time.Duration
}

func (d *Drain) withDefaults() (problems []error) {
	setDefault(&d.Spread, 5*time.Second)
	d.Spread = max(d.Spread, 0)
	if d.Delay < 0 {
		problems = append(problems, errors.New("drain delay: must not be negative"))
	}
	return problems
}

// Shutdown drains the server: /readyz says no; after Drain.Delay new connections are refused with 503, and clients are told when
// to come back, and closed, over Drain.Spread, while requests under way finish. When ctx is done first, what is left is cut off
// and ctx's error returned. The backend is told of the ends for some seconds beyond that, and the logs are written. It can be called more
// than once.
func (s *Server) Shutdown(ctx context.Context) error {
	s.drainOnce.Do(func() {
		s.drainClients.Store(int64(s.clients.count()))
		s.draining.Store(true)
		go func() {
			defer close(s.delayed)
			if delay := s.config.Drain.Delay; delay > 0 {
				select {
				case <-s.config.after(delay):
				case <-s.done:
				}
			}
		}()
	})
	select {
	case <-s.delayed:
	case <-ctx.Done():
	}
	err := s.reactor.Shutdown(ctx)
	<-s.done // whoever calls this exits next: the backend is told of those who have gone, and the logs are written
	return err
}

// DrainTime is what a drain is allowed to take by the configuration, before clients that do not answer count.
func (s *Server) DrainTime() time.Duration { return s.config.Drain.Time() }

// Time is what a drain is allowed to take, before clients that do not answer count.
func (d Drain) Time() time.Duration {
	if d.Spread == 0 {
		_ = d.withDefaults()
	}
	return d.Delay + max(d.Spread, 0)
}

// retrySpread is over how many milliseconds closed clients are asked to spread their return: 1 s, and another for each 1,000
// of them; in a drain, of those there were when it began, so that the last ones do not return together.
func (s *Server) retrySpread() int {
	return 1000 + s.returning(max(s.clients.count(), int(s.drainClients.Load())))
}

// onDrain says goodbye to one client, just before the reactor's close frame.
func (s *Server) onDrain(c *reactor.Conn) {
	talk := c.Context().(conversation)
	code, reason := talk.closeCode(reactor.CauseShutdown)
	talk.goodbye(c, code, reason)
}
