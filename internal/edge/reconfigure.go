package edge

// Reconfigure has the server go on with what can change while it runs: Namespaces, for open channels, too, and ChannelsPerConn,
// from the next subscription on. The other fields of cfg count at Listen only, and must be good all the same: if anything is
// wrong with cfg, nothing changes. Safe from any goroutine.
func (s *Server) Reconfigure(cfg Config) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	s.reconfiguring.Lock()
	defer s.reconfiguring.Unlock()
	next := *s.current.Load()
	next.Namespaces, next.ChannelsPerConn = cfg.Namespaces, cfg.ChannelsPerConn
	s.current.Store(&next)
	s.hub.SetNamespaces(next.Namespaces)
	return nil
}
