package edge

import (
	"time"

	"github.com/wsedge/wsedge/internal/cluster"
)

// joinCluster makes this server one of the nodes that share its engine; nil where the engine has no others.
func joinCluster(cfg *Config, node string) (*cluster.Cluster, error) {
	wire, shared := cfg.Broker.(cluster.Wire)
	if !shared {
		return nil, nil
	}
	return cluster.Join(cluster.Config{
		Wire: wire, Self: cluster.Node{ID: node, Name: cfg.NodeName, Version: cfg.Version, Started: time.Now()}, Logger: cfg.Logger,
	})
}
