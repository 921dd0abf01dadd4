package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Topologies.
const (
	embedded = "embedded" // three nodes that are the NATS cluster themselves, R=3
	nats1    = "nats1"    // three nodes and one NATS server, R=1
	nats3    = "nats3"    // three nodes and three NATS servers, R=3
)

const nodeCount = 3

// Ports, each on its own machine.
const (
	clientPort  = 8080
	clusterPort = 7000
	natsPort    = 4222
	monitorPort = 8222
)

// world is the processes of a topology.
type world struct {
	topology string
	history  int // publications that each channel keeps
	nodes    []*server
	engines  []*server // none: the nodes are
	machines []*machine
}

// programs are the paths of what is run.
type programs struct{ wsedge, nats string }

// newWorld makes the machines, and starts nothing. Files are below dir. What was made can be ended even where it fails.
func newWorld(n *network, p programs, topology, dir string, history int) (*world, error) {
	w := &world{topology: topology, history: history}
	engines := map[string]int{embedded: 0, nats1: 1, nats3: 3}[topology]
	for i := range nodeCount + engines {
		m, err := n.machine()
		if err != nil {
			return w, err
		}
		w.machines = append(w.machines, m)
		s := &server{machine: m, dir: filepath.Join(dir, fmt.Sprintf("%d", i+1))}
		if err := os.MkdirAll(s.dir, 0o755); err != nil {
			return w, err
		}
		if i < nodeCount {
			s.name = fmt.Sprint("node", i+1)
			w.nodes = append(w.nodes, s)
		} else {
			s.name = fmt.Sprint("nats", i+1-nodeCount)
			w.engines = append(w.engines, s)
		}
	}
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("a secret of the chaos run\n"), 0o600); err != nil {
		return w, err
	}
	for _, s := range w.engines {
		w.configureEngine(s, p.nats)
	}
	for _, s := range w.nodes {
		w.configureNode(s, p.wsedge, secret)
	}
	return w, nil
}

// start starts everything, and waits until it can be used.
func (w *world) start(ctx context.Context, l *ledger) error {
	for _, s := range w.servers() {
		s.ledger = l
		if err := s.start(); err != nil {
			return err
		}
	}
	for _, s := range w.servers() {
		if err := s.await(ctx); err != nil {
			return err
		}
	}
	return nil
}

// servers are all processes, those first that others need.
func (w *world) servers() []*server { return append(append([]*server(nil), w.engines...), w.nodes...) }

func (w *world) configureEngine(s *server, program string) {
	m := s.machine
	// It listens on both sides: the run asks for its health from the front.
	s.ready = fmt.Sprintf("http://%s:%d/healthz", m.front, monitorPort)
	s.args = []string{program, "-n", s.name, "-a", "0.0.0.0", "-p", fmt.Sprint(natsPort), "--http_port", fmt.Sprint(monitorPort), "-js", "-sd", s.dir}
	if len(w.engines) > 1 {
		s.args = append(s.args, "--cluster_name", "chaos", "--cluster", fmt.Sprintf("nats://%s:%d", m.back, clusterPort),
			"--routes", strings.Join(backs(w.engines, "nats://", clusterPort), ","), "--cluster_advertise", fmt.Sprintf("%s:%d", m.back, clusterPort),
			"--client_advertise", fmt.Sprintf("%s:%d", m.back, natsPort))
	}
}

// configureNode has pings that tell clients soon that a node does not answer any more.
func (w *world) configureNode(s *server, program, secret string) {
	m := s.machine
	s.address = fmt.Sprintf("%s:%d", m.front, clientPort)
	s.ready = "http://" + s.address + "/readyz"
	s.args = []string{program, "serve", "--addr", s.address, "--insecure-public", "--console=false", "--history-size", fmt.Sprint(w.history), "--history-age", "30m", "--recover",
		"--ping-interval", "3s", "--pong-timeout", "5s", "--drain-spread", "1s"}
	if w.topology == embedded {
		s.args = append(s.args, "--engine", "embedded", "--engine-dir", filepath.Join(s.dir, "engine"), "--engine-replicas", "3", "--cluster-secret-file", secret,
			"--cluster-listen", fmt.Sprintf("%s:%d", m.back, clusterPort), "--cluster-routes", strings.Join(backs(w.nodes, "", clusterPort), ","))
		return
	}
	s.args = append(s.args, "--engine", strings.Join(backs(w.engines, "nats://", natsPort), ","), "--engine-replicas", fmt.Sprint(len(w.engines)))
}

// backs are the servers' addresses for each other.
func backs(servers []*server, scheme string, port int) (list []string) {
	for _, s := range servers {
		list = append(list, fmt.Sprintf("%s%s:%d", scheme, s.machine.back, port))
	}
	return list
}

// reachable are the nodes as clients see them.
func (w *world) reachable() (list []node) {
	for _, s := range w.nodes {
		list = append(list, s.node)
	}
	return list
}

// end kills what runs and removes the machines.
func (w *world) end() {
	for _, s := range w.servers() {
		if s.cmd != nil {
			_ = s.end(syscall.SIGKILL) // it may have ended
		}
	}
	for _, m := range w.machines {
		m.remove()
	}
}
