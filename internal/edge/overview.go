package edge

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wsedge/wsedge/internal/api"
	"github.com/wsedge/wsedge/internal/cluster"
	"github.com/wsedge/wsedge/internal/metrics"
)

const (
	topicInfo = "info"
	// overviewEvery is how often the other nodes are asked for a console that is looked at.
	overviewEvery = time.Second
	// overviewLife is for how long what they have said is shown: nobody asks while nobody looks.
	overviewLife = 5 * time.Second
	// maxNodeText bounds what a node may say of itself.
	maxNodeText = 255
)

// overview is what the nodes have said of themselves last. The zero value is ready. Safe from any goroutine.
type overview struct {
	// Guarded by mu.
	mu    sync.Mutex
	asked time.Time
	nodes *api.Nodes // nil until they have answered
	said  time.Time  // when
}

// self is what this node says of itself.
func (s *Server) self() api.Node {
	return api.Node{
		ID: s.node, Name: s.config.NodeName, Version: s.config.Version, Connections: int64(s.clients.count()), Channels: int64(s.hub.Channels()),
		UptimeSeconds: int64(time.Since(s.started) / time.Second), Draining: s.draining.Load(),
	}
}

func (s *Server) answerInfo() {
	s.cluster.Answer(topicInfo, func(_ string, _ []byte, reply func(any)) { reply(s.self()) })
}

// nodesOf are this node and those that have answered, in the order of their ids.
func (s *Server) nodesOf(a cluster.Answers) *api.Nodes {
	all := &api.Nodes{Nodes: []api.Node{s.self()}, Missing: len(a.Missing)}
	for id, body := range a.By {
		var n api.Node
		if json.Unmarshal(body, &n) != nil || n.Connections < 0 || n.Channels < 0 {
			all.Missing++
			continue
		}
		n.ID, n.Name, n.Version = shortened(id), shortened(n.Name), shortened(n.Version)
		all.Nodes = append(all.Nodes, n)
	}
	slices.SortFunc(all.Nodes, func(a, b api.Node) int { return strings.Compare(a.ID, b.ID) })
	for i := range all.Nodes {
		all.Connections += all.Nodes[i].Connections
	}
	return all
}

func shortened(text string) string { return text[:min(len(text), maxNodeText)] }

// allNodes asks the other nodes; nil where this one is alone.
func (s *Server) allNodes() *api.Nodes {
	if s.cluster == nil {
		return nil
	}
	return s.nodesOf(s.ask(topicInfo, nil, answerTimeout))
}

// lastNodes is what they have said last, and has them asked again. It does not wait: nil where that was too long ago.
func (s *Server) lastNodes() *api.Nodes {
	if s.cluster == nil {
		return nil
	}
	r := &s.overview
	r.mu.Lock()
	last, due := r.nodes, time.Since(r.asked) >= overviewEvery
	if due {
		r.asked = time.Now()
	}
	if time.Since(r.said) > overviewLife {
		last = nil
	}
	r.mu.Unlock()
	if due {
		_ = s.cluster.Ask(topicInfo, nil, answerTimeout, func(a cluster.Answers) { // who is not asked now is asked later
			nodes := s.nodesOf(a)
			r.mu.Lock()
			r.nodes, r.said = nodes, time.Now()
			r.mu.Unlock()
		})
	}
	return last
}

// appendCluster appends the metrics of what nodes say to each other, if there may be others.
func (s *Server) appendCluster(text []byte) []byte {
	if s.cluster == nil {
		return text
	}
	stats := s.cluster.Stats()
	members := s.exchange.Stats()
	return metrics.AppendPresence(metrics.AppendCluster(text, stats.Nodes+1, stats.Lost, stats.Unanswered), members.Channels, members.Reports)
}
