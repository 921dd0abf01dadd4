package edge

import (
	"encoding/json"
	"testing"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/jetstream"
)

// A receipt counts the connections of all nodes, whether the one that publishes has any.
func TestReceiptsOfAllNodes(t *testing.T) {
	ns, s := newNodes(t, 3)
	for i, node := range []*Server{s[1], s[2], s[2]} {
		c := ns.greet(node, "ann", "")
		c.subscribe("news")
		if i == 0 {
			c.subscribe("sport")
		}
	}
	for _, node := range s {
		for range 20 {
			wantNodesAnswer(t, node, `{"channel":"news","data":1,"receipt":true}`, `{"channel":"news","offset":*,"matched":3,"receipt":"complete","queued":3,"dropped":0}`)
		}
	}
	wantNodesAnswer(t, s[0], `{"channel":"nobody","data":1,"receipt":true}`, `{"channel":"nobody","offset":*,"matched":0,"receipt":"complete","queued":0,"dropped":0}`)
	got := request(t, s[0], "/api/broadcast", `{"channels":["news","sport","nobody"],"data":1,"receipt":true}`)
	if pattern := `{"results":[*"matched":3,"receipt":"complete","queued":3,*"matched":1,"receipt":"complete","queued":1,*"matched":0,"receipt":"complete",*]}`; !matches(pattern, got) {
		t.Error(got)
	}
	for _, pattern := range []string{`{*"receipt":"complete",*}`, `{*"receipt":"repeated"}`} {
		wantNodesAnswer(t, s[0], `{"channel":"news","data":1,"receipt":true,"idempotency_key":"k"}`, pattern)
	}
}

func wantNodesAnswer(t *testing.T, s *Server, body, pattern string) {
	t.Helper()
	if got := request(t, s, "/api/publish", body); !matches(pattern, got) {
		t.Errorf("%s\nwant %s", got, pattern)
	}
}

// Where a node does not answer the receipt is partial, and says how many are missing.
func TestReceiptWithoutANode(t *testing.T) {
	ns, _ := newNodes(t, 1)
	var wire *deafable
	other := ns.start(func(e *jetstream.Engine) broker.Broker { wire = &deafable{Engine: e}; return wire }, Limits{})
	ns.acquainted()
	for _, node := range ns.started {
		ns.greet(node, "ann", "").subscribe("news")
	}
	wire.deaf.Store(true)
	wantNodesAnswer(t, ns.started[0], `{"channel":"news","data":1,"receipt":true}`, `{*"matched":1,"receipt":"partial","queued":1,"dropped":0,"missing":1}`)
	if other.witness == nil {
		t.Error("nobody has seen it")
	}
}

// What others ask is not trusted: it harms nobody, whatever it is.
func FuzzOtherNodes(f *testing.F) {
	for _, text := range []string{
		`{"user":"ann","channels":["a",1]}`, `{"client":"x-1","most":5}`, `{"channel":"\u0000","epoch":"..>","offset":18446744073709551615}`, `{"token":"t","at":"2300-01-01T00:00:00Z"}`, `[]`, `null`, ``,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if o, ok := readOrder(body); ok && !o.Target.Valid() {
			t.Errorf("%+v", o)
		}
		if what, ok := readRevocation(body); ok && (what.User == "") == (what.Token == "") {
			t.Errorf("%+v", what)
		}
		if told, ok := readShares(body); ok && (len(told.Users) > maxShares || len(told.UserRates) > maxShares) {
			t.Errorf("%+v", told)
		}
		var what delivery
		if json.Unmarshal(body, &what) == nil {
			w := &witness{engine: nobodyAwaits{}, of: make(map[delivery]*sighting)}
			w.see(what.Channel, broker.Position{Epoch: what.Epoch, Offset: what.Offset}, nil)
			if r := w.receipt(what, nil); r == nil {
				t.Error("what was seen is not known")
			}
		}
	})
}

// nobodyAwaits is an engine that awaits nothing.
type nobodyAwaits struct{}

func (nobodyAwaits) Witness(func(string, broker.Position, broker.Receipt)) {}
func (nobodyAwaits) Awaits(string, broker.Position) bool                   { return false }

// What is remembered for those who may ask is bounded.
func TestWitnessIsBounded(t *testing.T) {
	w := newWitness(nobodyAwaits{})
	for i := range uint64(witnessed + 10) {
		w.see("a", broker.Position{Epoch: "e", Offset: i}, broker.Settled{Matched: 1})
	}
	if len(w.of) != witnessed || len(w.ordered) != witnessed {
		t.Errorf("%d, %d", len(w.of), len(w.ordered))
	}
	for offset, want := range map[uint64]int{0: 0, witnessed + 9: 1} {
		if matched, _, _ := w.receipt(delivery{"a", "e", offset}, nil).Counts(); matched != want {
			t.Errorf("%d: %d", offset, matched)
		}
	}
}
