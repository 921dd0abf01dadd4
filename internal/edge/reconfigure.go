package edge

import "errors"

// errAuthRemoved says that a server with authentication was to go on without.
var errAuthRemoved = errors.New("edge: authentication can't be turned off without a restart")

// errHooksSwitched says that webhooks were to begin or to end: those who are connected would be half known to the backend.
var errHooksSwitched = errors.New("edge: webhooks can't be turned on or off without a restart")

// Reconfigure has the server go on with what can change while it runs: Namespaces, for open channels and those who are subscribed, too;
// ChannelsPerConn, from the next subscription on; Limits, as SetLimits does; Auth, as ReloadAuth does; Webhooks, as webhook.Client.Reconfigure does; Logs, whose files are opened anew; Tickets, from the next one on; and FlightRecorder, for connections to come. The other fields of cfg count at Listen only, and
// must be good all the same: if anything is wrong with cfg, nothing changes. Safe from any goroutine.
func (s *Server) Reconfigure(cfg Config) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	s.reconfiguring.Lock()
	defer s.reconfiguring.Unlock()
	if (cfg.Webhooks != nil) != (s.hooks != nil) {
		return errHooksSwitched
	}
	limits := *s.limiter.limits()
	if err := s.SetLimits(cfg.Limits); err != nil {
		return err
	}
	if err := s.events.Configure(cfg.Logs); err != nil {
		s.limiter.set(limits)
		return err
	}
	switch { // after this nothing can fail
	case cfg.Auth != nil:
		err = s.ReloadAuth(*cfg.Auth)
	case s.gate != nil:
		err = errAuthRemoved
	}
	if err != nil {
		s.limiter.set(limits)
		_ = s.events.Configure(s.current.Load().Logs) // what could be opened before
		return err
	}
	next := *s.current.Load()
	next.Namespaces, next.ChannelsPerConn, next.Logs = cfg.Namespaces, cfg.ChannelsPerConn, cfg.Logs
	s.current.Store(&next)
	s.tickets.configure(cfg.Tickets)
	if s.hooks != nil {
		s.hooks.Reconfigure(*cfg.Webhooks)
	}
	s.record(cfg.FlightRecorder)
	s.hub.SetNamespaces(next.Namespaces)
	s.Reconsider()
	return nil
}
