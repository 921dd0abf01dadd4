package brokertest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
)

// RunNodes tests engines of two nodes that share their logs, with channels that nobody has published to.
func RunNodes(t *testing.T, engines func(t *testing.T) (a, b broker.Broker)) {
	open := func(t *testing.T) (a, b broker.Broker) {
		a, b = engines(t)
		return listening{t, a}, listening{t, b}
	}
	t.Run("who acknowledges here comes back there", func(t *testing.T) { testCursorMoves(t, open) })
	t.Run("the higher of two acknowledgements counts", func(t *testing.T) { testCursorHigher(t, open) })
	t.Run("a subscription that begins beside another, on another node, takes nothing from it", func(t *testing.T) { testStartElsewhere(t, open) })
	t.Run("users who change nodes, and acknowledge all the time", func(t *testing.T) { testCursorNomads(t, open) })
}

var acked = broker.Retention{Size: 100, Cursors: 10}

// awaitCursor waits until a user who comes to a log has its cursor there. What was acknowledged elsewhere may come a little later.
func awaitCursor(t *testing.T, log broker.Log, user string, want uint64) broker.Past {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		past := Recover(t, log, broker.RecoverQuery{User: user, MaxBytes: 1000})
		if past.Cursor != nil && *past.Cursor == want {
			return past
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %+v, want the cursor %d", user, past, want)
		}
	}
}

func testCursorMoves(t *testing.T, open func(t *testing.T) (a, b broker.Broker)) {
	a, b := open(t)
	la, lb := a.Open("news", acked, &ledger{}), b.Open("news", acked, &ledger{})
	defer la.Close()
	defer lb.Close()
	_, offsets := fill(t, la, 5)
	for _, user := range []string{"ann", "b ö.*>\x00\n", "", "ann "} {
		past, hold, at := Return(t, la, user, nil)
		if user == "" {
			if hold != nil || at != -1 {
				t.Errorf("nobody has a cursor at %d", at)
			}
			continue
		}
		if past.Exact || at != int64(offsets[5]) {
			t.Fatalf("%q is new, and at %d: %+v", user, at, past)
		}
		got := awaitCursor(t, lb, user, offsets[5])
		if !got.Exact || len(got.Publications) != 0 {
			t.Errorf("%q: %+v", user, got)
		}
		hold.Release()
	}
	_, more := fill(t, lb, 4)
	_, hold, _ := Return(t, la, "ann", nil)
	if err := Acknowledge(la, "ann", more[2]); err != nil {
		t.Fatal(err)
	}
	hold.Release()
	wantTexts(t, "behind what was acknowledged on the other node", awaitCursor(t, lb, "ann", more[2]).Publications, "3", "4")
	wantTexts(t, "another user", awaitCursor(t, lb, "ann ", offsets[5]).Publications, "1", "2", "3", "4")
	la.Close()
	la = a.Open("news", acked, &ledger{})
	wantTexts(t, "a log opened anew", awaitCursor(t, la, "ann", more[2]).Publications, "3", "4")
}

func testCursorHigher(t *testing.T, open func(t *testing.T) (a, b broker.Broker)) {
	a, b := open(t)
	la, lb := a.Open("news", acked, &ledger{}), b.Open("news", acked, &ledger{})
	defer la.Close()
	defer lb.Close()
	_, offsets := fill(t, la, 6)
	Position(t, lb)
	since := &broker.Position{Epoch: Position(t, la).Epoch, Offset: offsets[1]}
	_, ha, _ := Return(t, la, "ann", since)
	awaitCursor(t, lb, "ann", offsets[1])
	_, hb, _ := Return(t, lb, "ann", nil)
	for i, log := range []broker.Log{la, lb, la, lb} {
		if err := Acknowledge(log, "ann", offsets[[]int{4, 2, 3, 5}[i]]); err != nil {
			t.Fatal(err)
		}
	}
	for _, log := range []broker.Log{la, lb} {
		wantTexts(t, "behind the higher", awaitCursor(t, log, "ann", offsets[5]).Publications, "6")
	}
	ha.Release()
	hb.Release()
	for _, log := range []broker.Log{la, lb} {
		wantTexts(t, "when both have gone", awaitCursor(t, log, "ann", offsets[5]).Publications, "6")
	}
}

// testStartElsewhere has two subscriptions of a user begin, on two nodes, with publications between their answers: the first one's word holds.
func testStartElsewhere(t *testing.T, open func(t *testing.T) (a, b broker.Broker)) {
	a, b := open(t)
	la, lb := a.Open("news", acked, &ledger{}), b.Open("news", acked, &ledger{})
	defer la.Close()
	defer lb.Close()
	fill(t, la, 3)
	query := broker.RecoverQuery{MaxBytes: 100, User: "ann"}
	early := Recover(t, la, query)
	_, offsets := fill(t, la, 2)
	var late broker.Past
	for end := time.Now().Add(patience); late.Position.Offset != offsets[2]; {
		if late = Recover(t, lb, query); time.Now().After(end) {
			t.Fatalf("%+v", late)
		}
	}
	ha, _ := la.Hold("ann", broker.StartOf(nil, &early))
	awaitCursor(t, lb, "ann", early.Position.Offset)
	hb, _ := lb.Hold("ann", broker.StartOf(nil, &late))
	hb.Release()
	ha.Release()
	for _, log := range []broker.Log{lb, la} {
		wantTexts(t, "behind the first one's beginning", awaitCursor(t, log, "ann", early.Position.Offset).Publications, "1", "2")
	}
}

// testCursorNomads has users visit both nodes in turn, who acknowledge what they are given. Nobody misses anything that was not acknowledged: what is given begins no later than
// behind the last acknowledgement, and nothing is missing in it.
func testCursorNomads(t *testing.T, open func(t *testing.T) (a, b broker.Broker)) {
	const users, visits = 4, 60
	kept := broker.Retention{Size: 1000, Cursors: users}
	a, b := open(t)
	logs := []broker.Log{a.Open("news", kept, &ledger{}), b.Open("news", kept, &ledger{})}
	var group sync.WaitGroup
	for _, log := range logs {
		defer log.Close()
		group.Go(func() {
			for range 200 {
				if _, err := Publish(log, "x"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range users {
		group.Go(func() {
			user, last := fmt.Sprint("user", i), uint64(0)
			for n := range visits {
				log := logs[n%2]
				past, hold, _ := Return(t, log, user, nil)
				if n > 1 && !past.Exact {
					t.Errorf("%s is told that something is missing, and all is kept: %+v", user, past)
				}
				if n > 0 && past.Exact && *past.Cursor > last {
					t.Errorf("%s is at %d, and has acknowledged %d", user, *past.Cursor, last)
				}
				if last = max(last, past.Position.Offset); Acknowledge(log, user, past.Position.Offset) != nil {
					t.Error("what was given can't be acknowledged")
				}
				hold.Release()
			}
		})
	}
	group.Wait()
}
