package edge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/jetstream"
)

// A revocation is in force at all nodes, at those that start later, and at those that were cut off once they are back.
func TestRevocationReachesAllNodes(t *testing.T) {
	ns, _ := newNodes(t, 1)
	first := ns.started[0]
	var wire *deafable
	cut := ns.start(func(e *jetstream.Engine) broker.Broker { wire = &deafable{Engine: e}; return wire }, Limits{})
	ns.acquainted()
	long := time.Now().Add(-time.Minute)
	a, b, c := ns.greet(first, "ann", "a"), ns.greet(cut, "ann", "b"), ns.greet(cut, "bob", "c")
	if got := request(t, first, "/api/revoke", `{"user":"ann"}`); got != `{"disconnected":2}` {
		t.Fatal(got)
	}
	a.wantGoodbye(3500, "token_revoked")
	b.wantGoodbye(3500, "token_revoked")
	ns.refused(cut, ns.token("ann", "", long), "token_revoked")

	wire.deaf.Store(true)
	if got := request(t, first, "/api/revoke", `{"token":"c"}`); got != `{"disconnected":0,"missing":1}` {
		t.Error(got)
	}
	c.wantGoodbye(3500, "token_revoked") // by the registry, without the bus
	ns.refused(cut, ns.token("bob", "c", long), "token_revoked")

	later := ns.start(nil, Limits{})
	ns.refused(later, ns.token("ann", "", long), "token_revoked")
	ns.refused(later, ns.token("bob", "c", long), "token_revoked")
	ns.greet(later, "bob", "d")
}

// Where the registry is lost, nodes that know revocations store them again.
func TestRevocationsOutliveTheRegistry(t *testing.T) {
	ns, s := newNodes(t, 1)
	for i := range storeAtOnce + 10 {
		if _, err := s[0].Revoke(auth.Revocation{User: fmt.Sprint("user", i)}); err != nil {
			t.Fatal(err)
		}
	}
	deleteRevocations(t, ns)
	later := ns.start(nil, Limits{}) // it knows nothing of them as yet
	eventually(t, "they are stored again, and read", func() bool { return later.gate.auth.Stats().Revocations == storeAtOnce+10 })
}

// While the engine is away a revocation is in force here, and stored when it is back.
func TestRevokeWithoutEngine(t *testing.T) {
	ns, _ := newNodes(t, 0)
	var wire *unstorable
	s := ns.start(func(e *jetstream.Engine) broker.Broker { wire = &unstorable{Engine: e}; return wire }, Limits{})
	c := ns.greet(s, "ann", "")
	wire.away.Store(true)
	status, answer := call(t, s, "POST", "/api/revoke", `{"user":"ann"}`, map[string]string{"X-API-Key": serverSideKey})
	if status != 503 || !strings.Contains(answer, `"code":"unavailable"`) {
		t.Error(status, answer)
	}
	c.wantGoodbye(3500, "token_revoked")
	wire.away.Store(false)
	later := ns.start(nil, Limits{})
	eventually(t, "it is stored once that can be", func() bool { return later.gate.auth.Stats().Revocations == 1 })
}

// A node that can't learn what was revoked takes clients, but accepts no token.
func TestNoTokenBeforeRevocationsAreKnown(t *testing.T) {
	ns, _ := newNodes(t, 0)
	var wire *unstorable
	s := ns.start(func(e *jetstream.Engine) broker.Broker {
		wire = &unstorable{Engine: e}
		wire.away.Store(true)
		return wire
	}, Limits{})
	token := ns.token("ann", "", time.Now())
	dial(t, s, "/ws?token="+token, "").wantGoodbye(1013, "unavailable")
	greet(t, s)
	wire.away.Store(false)
	eventually(t, "revocations are known", s.gate.auth.RevocationsKnown)
	greetWith(t, s, token)
}

// What can't be stored is owed for as long as it can hit a token, and no longer.
func TestOldRevocationsAreNotOwed(t *testing.T) {
	ns, _ := newNodes(t, 0)
	var wire *unstorable
	s := ns.start(func(e *jetstream.Engine) broker.Broker { wire = &unstorable{Engine: e}; return wire }, Limits{})
	wire.away.Store(true)
	now, r := time.Now(), s.revocations
	r.owe(auth.Revocation{User: "ann", At: now})
	r.owe(auth.Revocation{User: "bob", At: now.Add(-s.gate.auth.Keep() - time.Minute)})
	r.storeOwed()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.owed) != 1 || r.owed["user ann"].User != "ann" {
		t.Errorf("%v", r.owed)
	}
}
