package edge

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/embedded"
	"github.com/wsedge/wsedge/internal/broker/jetstream"
)

// nodes are servers on one engine.
type nodes struct {
	t       *testing.T
	engine  *embedded.Server
	secret  []byte
	started []*Server
}

func newNodes(t *testing.T, n int) (*nodes, []*Server) {
	t.Helper()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	e, err := embedded.Start(embedded.Config{Dir: t.TempDir(), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	ns := &nodes{t: t, engine: e, secret: []byte("0123456789abcdef0123456789abcdef")}
	for range n {
		ns.start(nil, Limits{})
	}
	ns.acquainted()
	return ns, ns.started
}

// start starts one more. wire changes how it talks to the others; nil: it does not.
func (ns *nodes) start(wire func(*jetstream.Engine) broker.Broker, limits Limits) *Server {
	ns.t.Helper()
	e, err := jetstream.Connect(jetstream.Config{Options: ns.engine.Options(), Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		ns.t.Fatal(err)
	}
	ns.t.Cleanup(e.Close)
	var b broker.Broker = e
	if wire != nil {
		b = wire(e)
	}
	s := startServer(ns.t, Config{
		Broker: b, Namespaces: withMembers(), Limits: limits, FlightRecorder: FlightRecorder{Enabled: true}, NodeName: fmt.Sprint("node", len(ns.started)),
		Auth: &auth.Config{
			Keys: []auth.Key{{Algorithm: "HS256", Secret: ns.secret}}, Anonymous: true,
			APIKeys: []auth.APIKey{{Name: "k", Secret: serverSideKey, Scopes: []auth.Scope{auth.ScopeAll}}},
		},
	})
	ns.started = append(ns.started, s)
	return s
}

// acquainted waits until all know each other.
func (ns *nodes) acquainted() {
	ns.t.Helper()
	for _, s := range ns.started {
		eventually(ns.t, "all nodes know each other", func() bool { return len(s.cluster.Nodes()) == len(ns.started)-1 })
	}
}

func (ns *nodes) token(user, id string, issued time.Time) string {
	ns.t.Helper()
	token, err := (&auth.SigningKey{Algorithm: "HS256", Secret: ns.secret}).Sign(map[string]any{"sub": user, "jti": id, "iat": issued.Unix(), "exp": issued.Add(time.Hour).Unix()})
	if err != nil {
		ns.t.Fatal(err)
	}
	return token
}

// greet connects a user with a node.
func (ns *nodes) greet(s *Server, user, id string) *client {
	ns.t.Helper()
	return greetWith(ns.t, s, ns.token(user, id, time.Now().Add(-time.Minute)))
}

// refused wants a token not to be let in.
func (ns *nodes) refused(s *Server, token, reason string) {
	ns.t.Helper()
	dial(ns.t, s, "/ws?token="+token, "").wantGoodbye(3500, reason)
}

// deafable is an engine whose messages to other nodes can be lost, both ways.
type deafable struct {
	*jetstream.Engine
	deaf atomic.Bool
}

func (d *deafable) Say(subject string, data []byte) {
	if !d.deaf.Load() {
		d.Engine.Say(subject, data)
	}
}

func (d *deafable) Hear(subject string, take func([]byte)) error {
	return d.Engine.Hear(subject, func(data []byte) {
		if !d.deaf.Load() {
			take(data)
		}
	})
}

// A client is disconnected, and subscribed, wherever it is, and the answer counts all nodes.
func TestControlReachesAllNodes(t *testing.T) {
	ns, s := newNodes(t, 3)
	var anns []*client
	for _, node := range s {
		anns = append(anns, ns.greet(node, "ann", "t1"))
	}
	bob := ns.greet(s[1], "bob", "")
	if got := request(t, s[0], "/api/subscribe", `{"user":"ann","channels":["news","sport"]}`); got != `{"clients":3}` {
		t.Fatal(got)
	}
	for _, c := range anns {
		c.want(`{"type":"subscribed","channel":"news",*}`)
		c.want(`{"type":"subscribed","channel":"sport",*}`)
	}
	if got := request(t, s[2], "/api/unsubscribe", `{"user":"ann","channel":"news"}`); got != `{"clients":3}` {
		t.Fatal(got)
	}
	for _, c := range anns {
		c.want(`{"type":"unsubscribed","channel":"news","reason":"server"}`)
	}
	if got := request(t, s[0], "/api/subscribe", `{"client":"`+bob.id+`","channel":"news"}`); got != `{"clients":1}` {
		t.Fatal(got)
	}
	bob.want(`{"type":"subscribed","channel":"news",*}`)
	if got := request(t, s[2], "/api/disconnect", `{"client":"`+bob.id+`"}`); got != `{"disconnected":1}` {
		t.Fatal(got)
	}
	bob.wantGoodbye(3503, "forced")
	if got := request(t, s[0], "/api/disconnect", `{"token":"t1"}`); got != `{"disconnected":3}` {
		t.Fatal(got)
	}
	for _, c := range anns {
		c.wantGoodbye(3503, "forced")
	}
	for _, nobody := range []string{`{"user":"nobody"}`, `{"client":"` + bob.id + `"}`, `{"client":"aaaaaaaa-1"}`, `{"client":"x"}`} {
		if got := request(t, s[1], "/api/disconnect", nobody); got != `{"disconnected":0}` {
			t.Error(nobody, got)
		}
	}
}

// Clients of other nodes are told of as those here are.
func TestInspectAllNodes(t *testing.T) {
	ns, s := newNodes(t, 2)
	a, b := ns.greet(s[0], "ann", ""), ns.greet(s[1], "ann", "")
	b.subscribe("news")
	got := request(t, s[0], "/api/client", `{"user":"ann"}`)
	if !strings.Contains(got, `"client":"`+a.id+`"`) || !strings.Contains(got, `"client":"`+b.id+`"`) || strings.Contains(got, "missing") {
		t.Error(got)
	}
	if got := request(t, s[0], "/api/client", `{"client":"`+b.id+`"}`); !strings.Contains(got, `"channels":["news"]`) || strings.Contains(got, a.id) {
		t.Error(got)
	}
}

// What can't be asked is told as missing, and what was done is told all the same.
func TestControlOfANodeThatDoesNotAnswer(t *testing.T) {
	ns, _ := newNodes(t, 1)
	var wire *deafable
	other := ns.start(func(e *jetstream.Engine) broker.Broker { wire = &deafable{Engine: e}; return wire }, Limits{})
	ns.acquainted()
	here, there := ns.greet(ns.started[0], "ann", ""), ns.greet(other, "ann", "")
	wire.deaf.Store(true)
	if got := request(t, ns.started[0], "/api/disconnect", `{"user":"ann"}`); got != `{"disconnected":1,"missing":1}` {
		t.Error(got)
	}
	here.wantGoodbye(3503, "forced")
	there.say(`{"type":"ping","id":1}`)
	there.want(`{"type":"pong","id":1}`)
}
