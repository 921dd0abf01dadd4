package edge

import (
	"testing"

	"github.com/wsedge/wsedge/reactor"
)

func TestClientsAreFoundByID(t *testing.T) {
	cs := newClients("node")
	a, b := new(reactor.Conn), new(reactor.Conn)
	na, nb := cs.add(a), cs.add(b)
	if cs.conn(cs.id(na)) != a || cs.conn(cs.id(nb)) != b {
		t.Fatal("ids do not lead to their conns")
	}
	for _, id := range []string{"", "node", "node-", "node-zz", "other-0", "node-!", "node-ffffffffffffffffffff"} {
		if cs.conn(id) != nil {
			t.Errorf("id %q leads to a conn", id)
		}
	}
	cs.remove(na)
	if cs.conn(cs.id(na)) != nil {
		t.Fatal("a client that left is still found")
	}
	c := new(reactor.Conn)
	nc := cs.add(c)
	if nc == na || uint32(nc) != uint32(na) {
		t.Fatalf("number %x after %x: want the slot used again under a new number", nc, na)
	}
	if cs.conn(cs.id(na)) != nil || cs.conn(cs.id(nc)) != c {
		t.Fatal("the id of a client that left leads to its successor")
	}
}

func TestClientSlotsAreReused(t *testing.T) {
	cs := newClients("node")
	for range 1000 {
		first, second := cs.add(new(reactor.Conn)), cs.add(new(reactor.Conn))
		cs.remove(first)
		cs.remove(second)
	}
	if len(cs.slots) != 2 {
		t.Fatalf("%d slots for two clients at a time", len(cs.slots))
	}
}
