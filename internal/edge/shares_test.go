package edge

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/auth"
	"github.com/wsedge/wsedge/internal/limit"
)

// A user has so many connections on all nodes together; those of a node that has left count no more.
func TestConnsPerUserOfAllNodes(t *testing.T) {
	ns, _ := newNodes(t, 0)
	for range 3 {
		ns.start(nil, Limits{ConnsPerUser: 4, ConnsPerAddress: 100})
	}
	ns.acquainted()
	s := ns.started
	for _, node := range []*Server{s[0], s[0], s[1], s[1]} {
		ns.greet(node, "ann", "")
	}
	ann := limit.SharedKey("ann")
	eventually(t, "the third node knows of four", func() bool { return s[2].limiter.usersElsewhere.of(ann) == 4 })
	// Not for good: they may have gone with their node, and are about to come back here.
	dial(t, s[2], "/ws?token="+ns.token("ann", "", time.Now()), "").wantGoodbye(1013, "user_connections")
	ns.greet(s[2], "bob", "")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s[0].Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "those of the node that has left are forgotten", func() bool { return s[2].limiter.usersElsewhere.of(ann) == 2 })
	ns.greet(s[2], "ann", "")
}

// What a user, or an API key, takes at one node of a rate is owed at the others.
func TestRatesOfAllNodes(t *testing.T) {
	ns, _ := newNodes(t, 0)
	for range 2 {
		ns.start(nil, Limits{UserMessageRate: 100})
	}
	ns.acquainted()
	a, b := ns.started[0].limiter, ns.started[1].limiter
	key := &auth.Backend{Name: "backend", Rate: 100}
	eventually(t, "it is owed at the other", func() bool { // nobody has taken anything there
		a.userMessage("ann")
		a.apiKey(key)
		return b.userMessages.Keys() == 1 && b.apiKeys.Keys() == 1
	})
	eventually(t, "who takes as much there, too, has to wait for both", func() bool {
		longest := time.Duration(0)
		for _, m := range []*limiter{a, b} { // all that there is, however rarely this comes; one may take it, and the other wait
			for m.userMessage("ann") {
			}
			wait, _ := m.userMessages.Peek(limit.SharedKey("ann"), m.sharedRate(100), m.clock())
			longest = max(longest, wait)
		}
		return longest > time.Second/10 // alone a token comes each 10 ms
	})
}

// What others tell is bounded, whatever it is, and old news count no more.
func TestSharesAreBounded(t *testing.T) {
	ns, s := newNodes(t, 1)
	ns.start(nil, Limits{})
	ns.acquainted()
	h := s[0].shares
	for _, bad := range []string{``, `7`, `{"users":[{"k":"x","n":1}]}`, `{"users":7}`} {
		h.hear("x", []byte(bad))
	}
	var many strings.Builder
	for i := range 3 * maxShares {
		many.WriteString(fmt.Sprintf(`{"k":"%032x","n":9223372036854775807},`, i+1))
	}
	list := "[" + strings.TrimSuffix(many.String(), ",") + "]"
	h.hear("x", []byte(`{"users":`+list+`,"addresses":[{"k":"00000000000000000000000000000001","n":-5}],"user_rates":`+list+`}`))
	if n := len(h.told["x"].users); len(h.told) != 1 || n != maxShares || h.told["x"].users[0].N != countedKeys || h.told["x"].addresses[0].N != 0 {
		t.Errorf("%d, %+v", n, h.told["x"].users[0])
	}
	if n := s[0].limiter.userMessages.Keys(); n != maxShares {
		t.Errorf("%d", n)
	}
	h.sum(time.Now().Add(2 * sharesLife))
	if len(h.told) != 0 || s[0].limiter.usersElsewhere.counts.Load() != nil {
		t.Error("old news are remembered")
	}
}

// What others took while this node was stopped comes at once, when it goes on. It is owed from when it was taken.
func TestLateSharesArePaidBack(t *testing.T) {
	_, s := newNodes(t, 2)
	h, m := s[0].shares, s[0].limiter
	ann, other := limit.SharedKey("ann"), s[1].node
	hear := func(second int) {
		key, _ := ann.MarshalText()
		h.hear(other, fmt.Appendf(nil, `{"at":%d,"user_rates":[{"k":%q,"n":1000000000}]}`, int64(time.Second)*int64(second), key))
	}
	owed := func() time.Duration {
		wait, _ := m.userMessages.Peek(ann, m.sharedRate(100), m.clock())
		return wait
	}
	h.hear(other, fmt.Appendf(nil, `{"at":%d}`, 100*time.Second))
	h.mu.Lock()
	h.told[other].ours -= int64(20 * time.Second)
	h.mu.Unlock()
	for second := range 20 {
		hear(101 + second)
	}
	if wait := owed(); wait > 5*time.Second {
		t.Errorf("%v are owed of 20 s that are over", wait)
	}
	for second := range 20 {
		hear(121 + second)
	}
	if wait := owed(); wait < 10*time.Second {
		t.Errorf("%v are owed of 20 s that are not", wait)
	}
	h.sum(time.Now().Add(2 * sharesLife))
	h.mu.Lock()
	defer h.mu.Unlock()
	if heard := h.told[other]; heard == nil || heard.users != nil {
		t.Errorf("%+v", heard)
	}
}
