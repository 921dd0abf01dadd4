package embedded_test

import (
	"fmt"
	"testing"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/brokertest"
	"github.com/wsedge/wsedge/internal/broker/embedded"
	"github.com/wsedge/wsedge/internal/broker/jetstream"
)

// Nodes on different members of a cluster, which keep each stream three times, share what users have acknowledged.
func TestContractOfNodesInACluster(t *testing.T) {
	const members = 3
	servers, routes := make([]*embedded.Server, members), freeAddrs(t, members)
	for i := range servers {
		servers[i] = start(t, embedded.Config{Dir: t.TempDir(), ClusterListen: routes[i], Routes: routes, Secret: "secret"})
		defer servers[i].Close()
	}
	n := 0
	brokertest.RunNodes(t, func(t *testing.T) (a, b broker.Broker) {
		n++
		engines := make([]*jetstream.Engine, 2)
		for i := range engines {
			engines[i] = engine(t, servers[i], jetstream.Config{Replicas: members, Prefix: fmt.Sprint("nodes", n), FirstOffset: func() uint64 { return 1 }})
			t.Cleanup(engines[i].Close)
			log := engines[i].Open("warm", broker.Retention{Size: 10, Cursors: 1}, &sink{}) // so that both streams have leaders
			eventually(t, func() error { return recoverAs(log, "ann") })
			log.Close()
		}
		return engines[0], engines[1]
	})
}

// recoverAs asks what a user has missed, and tells why that can't be told.
func recoverAs(log broker.Log, user string) error {
	failed := make(chan error, 1)
	log.Recover(broker.RecoverQuery{User: user, MaxBytes: 100}, func(_ broker.Past, err error) { failed <- err })
	return <-failed
}
