package edge

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/ticket"
)

func TestBarred(t *testing.T) {
	var b barred
	now := time.Now()
	of := func(client string) *ticket.Ticket { return &ticket.Ticket{Client: client, Issued: now} }
	if b.hit(of("a")) {
		t.Error("barred from the beginning")
	}
	b.add("a", now)
	if !b.hit(of("a")) || b.hit(of("b")) {
		t.Error("not the one that was barred")
	}
	b.add(strings.Repeat("x", maxBarredBytes+1), now)
	if len(b.clients) != 1 {
		t.Error("what is no id is remembered")
	}
	for i := range maxBarred - 1 {
		b.add(strconv.Itoa(i), now)
	}
	b.add("c", now.Add(2*ticket.Life)) // the others are not worth remembering any more
	if !b.hit(of("c")) || b.hit(of("a")) || len(b.clients) != 1 {
		t.Errorf("%d are remembered", len(b.clients))
	}
	for i := range maxBarred {
		b.add(strconv.Itoa(i), now)
	}
	if !b.hit(of("c")) || !b.hit(of("anybody")) {
		t.Error("beyond what can be remembered, somebody's ticket counts")
	}
	if later := (&ticket.Ticket{Client: "anybody", Issued: now.Add(time.Second)}); b.hit(later) {
		t.Error("a later ticket does not count either")
	}
}

// A node that comes later is told whose tickets do not count any more: it may have the key of one before it.
func TestBarredIsToldToNodesThatCome(t *testing.T) {
	ns, started := newNodes(t, 1)
	for i := range 2*mostTold + 1 {
		started[0].tickets.barred.add(strconv.Itoa(i), time.Now())
	}
	floor := time.Now().Add(-time.Minute)
	started[0].tickets.barred.take(toldBarred{Floor: floor.Unix()}, time.Now())
	later := &ns.start(nil, Limits{}).tickets.barred
	eventually(t, "all are known", func() bool {
		later.mu.Lock()
		defer later.mu.Unlock()
		return len(later.clients) == 2*mostTold+1 && later.floor.Unix() == floor.Unix()
	})
	if !later.hit(&ticket.Ticket{Client: "7", Issued: time.Now()}) || later.hit(&ticket.Ticket{Client: "x", Issued: time.Now()}) {
		t.Error("not those that were told")
	}
}
