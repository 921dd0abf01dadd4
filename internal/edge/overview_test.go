package edge

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/api"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/jetstream"
	"github.com/wsedge/wsedge/internal/cluster"
)

func infoOf(t *testing.T, s *Server) (info struct {
	Node        string
	Connections int
	Cluster     *api.Nodes
}) {
	t.Helper()
	_, text := call(t, s, "GET", "/api/info", "", map[string]string{"X-API-Key": serverSideKey})
	if err := json.Unmarshal([]byte(text), &info); err != nil {
		t.Fatal(text, err)
	}
	return info
}

// Every node tells of all of them: in info, to the console, and how many they are in its metrics.
func TestInfoOfAllNodes(t *testing.T) {
	ns, s := newNodes(t, 3)
	ns.greet(s[0], "ann", "")
	ns.greet(s[1], "ann", "").subscribe("news")
	info := infoOf(t, s[2])
	if info.Node != s[2].node || info.Connections != 0 || info.Cluster == nil || info.Cluster.Connections != 2 || len(info.Cluster.Nodes) != 3 || info.Cluster.Missing != 0 {
		t.Fatalf("%+v %+v", info, info.Cluster)
	}
	for _, n := range info.Cluster.Nodes {
		if n.ID == s[1].node && (n.Name != "node1" || n.Connections != 1 || n.Channels != 1) {
			t.Errorf("%+v", n)
		}
	}
	eventually(t, "the console hears of them", func() bool {
		nodes, _ := s[0].consoleStats().Cluster.(*api.Nodes)
		return nodes != nil && len(nodes.Nodes) == 3 && nodes.Connections == 2
	})
	o := &s[0].overview
	o.mu.Lock()
	o.said, o.nodes = o.said.Add(-time.Hour), &api.Nodes{Connections: 7}
	o.mu.Unlock()
	if nodes, _ := s[0].consoleStats().Cluster.(*api.Nodes); nodes != nil && nodes.Connections == 7 {
		t.Error("who begins to look is shown what was an hour ago")
	}
	if got := page(t, s[0], "/metrics"); !strings.Contains(got, "wsedge_cluster_nodes 3\n") || !strings.Contains(got, "wsedge_cluster_unanswered_total ") {
		t.Errorf("%q", got)
	}
	alone := startServer(t, Config{})
	if got := page(t, alone, "/api/info"); strings.Contains(got, "cluster") || strings.Contains(page(t, alone, "/metrics"), "wsedge_cluster") {
		t.Error(got)
	}
}

// A node that does not answer is missing, and what others say is not believed blindly.
func TestInfoWithoutANode(t *testing.T) {
	ns, _ := newNodes(t, 1)
	var wire *deafable
	ns.start(func(e *jetstream.Engine) broker.Broker { wire = &deafable{Engine: e}; return wire }, Limits{})
	ns.acquainted()
	wire.deaf.Store(true)
	if info := infoOf(t, ns.started[0]); info.Cluster == nil || len(info.Cluster.Nodes) != 1 || info.Cluster.Missing != 1 {
		t.Errorf("%+v", info.Cluster)
	}
	strange := ns.started[0].nodesOf(cluster.Answers{By: map[string]json.RawMessage{
		"a": []byte(`7`), "b": []byte(`{"connections":-1}`), "c": []byte(`{"name":"` + strings.Repeat("x", 1000) + `","connections":1}`),
	}})
	if strange.Missing != 2 || len(strange.Nodes) != 2 {
		t.Errorf("%+v", strange)
	}
	for _, n := range strange.Nodes {
		if len(n.Name) > maxNodeText {
			t.Errorf("%d bytes", len(n.Name))
		}
	}
}

// Why a client of another node was closed can be asked of any, by its id and by its user.
func TestWhyOfAnotherNode(t *testing.T) {
	ns, s := newNodes(t, 2)
	a, b := ns.greet(s[0], "ann", ""), ns.greet(s[1], "ann", "")
	request(t, s[0], "/api/disconnect", `{"user":"ann"}`)
	a.wantGoodbye(3503, "forced")
	b.wantGoodbye(3503, "forced")
	for _, body := range []string{`{"client":"` + b.id + `"}`, `{"user":"ann"}`} {
		eventually(t, "its end is recorded", func() bool {
			got := request(t, s[0], "/api/why", body)
			return strings.Contains(got, `"client":"`+b.id+`"`) && strings.Contains(got, "3503") && strings.Contains(got, a.id) == strings.Contains(body, "user")
		})
	}
	if got := request(t, s[0], "/api/why", `{"client":"aaaaaaaa-0"}`); got != `{"clients":[]}` {
		t.Error(got)
	}
}
