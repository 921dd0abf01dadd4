package edge

import (
	"github.com/wsedge/wsedge/internal/cluster"
	"github.com/wsedge/wsedge/internal/dialect"
	"github.com/wsedge/wsedge/internal/hub"
	"github.com/wsedge/wsedge/internal/presence"
)

// newExchange makes what tells other nodes of this one's members; nil where the engine has no others.
func newExchange(cfg *Config) *presence.Exchange {
	if _, shared := cfg.Broker.(cluster.Wire); !shared {
		return nil
	}
	return presence.New()
}

// hubExchange is the exchange as the hub wants it: no interface where there is none.
func (s *Server) hubExchange() hub.Exchange {
	if s.exchange == nil {
		return nil
	}
	return s.exchange
}

// beginExchange has it begin, once there are a hub and a cluster.
func (s *Server) beginExchange() {
	s.exchange.Begin(presence.Config{Hub: s.hub, Cluster: s.cluster, Reachable: s.engineUp, Every: s.config.every, Logger: s.config.Logger})
}

// engineUp tells whether the engine, by which nodes hear each other, is there.
func (s *Server) engineUp() bool {
	remote := s.remote()
	return remote == nil || remote.Health().Up
}

// members is who is subscribed to a channel on all nodes: see api.Config. It waits for the others.
func (s *Server) members(name, after string, limit int) dialect.Members {
	if s.exchange == nil {
		return s.hub.Members(name, after, limit)
	}
	answered := make(chan []hub.Answer, 1)
	s.exchange.Members(name, after, limit, func(answers []hub.Answer) { answered <- answers })
	return s.hub.Merge(name, after, limit, <-answered)
}

// channels are those that are open on any node, likewise.
func (s *Server) channels(prefix, after string, limit int) (page []hub.Listed, more, incomplete bool) {
	if s.exchange == nil {
		page, more = s.hub.List(prefix, after, limit)
		return page, more, false
	}
	return s.exchange.Channels(prefix, after, limit)
}
