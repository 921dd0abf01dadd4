package brokertest

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/wsedge/wsedge/internal/broker"
)

func runCursors(t *testing.T, open func(t *testing.T) broker.Broker) {
	t.Run("a user comes back to where it has acknowledged", func(t *testing.T) { testCursor(t, open(t)) })
	t.Run("what is not there can't be acknowledged", func(t *testing.T) { testAhead(t, open(t)) })
	t.Run("where nothing is promised nothing is acknowledged", func(t *testing.T) { testNoCursors(t, open(t)) })
	t.Run("a subscription that begins beside another takes nothing from it", func(t *testing.T) { testStartBeside(t, open(t)) })
	t.Run("a closed log is not acknowledged", func(t *testing.T) { testClosedCursor(t, open(t)) })
	t.Run("users, acknowledgements and publishers at once", func(t *testing.T) { testCursorRace(t, open(t)) })
}

// RunCursorBounds tests an engine that bounds the cursors of each channel, and forgets them with it, as Run does. One that shares them with other nodes
// bounds them otherwise.
func RunCursorBounds(t *testing.T, engine func(t *testing.T) broker.Broker) {
	open := func(t *testing.T) broker.Broker { return listening{t, engine(t)} }
	t.Run("cursors are bounded, and those in use stay", func(t *testing.T) { testManyCursors(t, open(t)) })
	t.Run("cursors can be promised, and not any more", func(t *testing.T) { testCursorRetention(t, open(t)) })
}

// Acknowledge waits for the verdict, whenever it comes.
func Acknowledge(log broker.Log, user string, offset uint64) error {
	later := make(chan error, 1)
	err := log.Acknowledge(user, offset, func(err error) { later <- err })
	if errors.Is(err, broker.ErrPending) {
		return <-later
	}
	return err
}

// Return begins a subscription of a user as a server does, and returns what it was given, and its hold; at is the cursor behind that, -1 for none.
func Return(t testing.TB, log broker.Log, user string, since *broker.Position) (past broker.Past, hold broker.Hold, at int64) {
	t.Helper()
	past = Recover(t, log, broker.RecoverQuery{Since: since, MaxBytes: 1000, User: user})
	hold, offset := log.Hold(user, broker.StartOf(since, &past))
	if hold == nil {
		return past, nil, -1
	}
	return past, hold, int64(offset)
}

// visit is a subscription that ends at once.
func visit(t *testing.T, log broker.Log, user string, since *broker.Position) (past broker.Past, at int64) {
	t.Helper()
	past, hold, at := Return(t, log, user, since)
	if hold != nil {
		hold.Release()
	}
	return past, at
}

// testCursor has one user come and go; each row begins where the one before has ended.
func testCursor(t *testing.T, b broker.Broker) {
	log := b.Open("news", broker.Retention{Size: 4, Cursors: 10}, &ledger{})
	defer log.Close()
	epoch, offsets := fill(t, log, 6) // 3 to 6 are kept
	since := func(i int) *broker.Position { return &broker.Position{Epoch: epoch, Offset: offsets[i]} }
	for _, row := range []struct {
		what   string
		user   string
		ack    int // index of the offset that is acknowledged before; 0: none is
		since  *broker.Position
		exact  bool
		want   []string
		cursor int
	}{
		{what: "new", user: "ann", cursor: 6},
		{what: "back", user: "ann", exact: true, cursor: 6},
		{what: "with a position behind the cursor", user: "ann", since: since(3), exact: true, want: []string{"4", "5", "6"}, cursor: 6},
		{what: "with one that is lost", user: "ann", since: since(1), cursor: 6},
		{what: "new with a position", user: "bob", since: since(3), exact: true, want: []string{"4", "5", "6"}, cursor: 3},
		{what: "back", user: "bob", exact: true, want: []string{"4", "5", "6"}, cursor: 3},
		{what: "with a position before the cursor's end", user: "bob", since: since(5), exact: true, want: []string{"4", "5", "6"}, cursor: 3},
		{what: "with a position of another log", user: "bob", since: &broker.Position{Epoch: "no", Offset: offsets[5]}, cursor: 3},
		{what: "with one that is lost: what is behind the cursor is not", user: "bob", since: since(1), cursor: 3},
		{what: "acknowledged", user: "bob", ack: 5, exact: true, want: []string{"6"}, cursor: 5},
		{what: "acknowledged less", user: "bob", ack: 4, exact: true, want: []string{"6"}, cursor: 5},
		{what: "acknowledged the same", user: "bob", ack: 5, exact: true, want: []string{"6"}, cursor: 5},
		{what: "acknowledged all", user: "bob", ack: 6, exact: true, cursor: 6},
		{what: "acknowledged without a subscription", user: "eve", ack: 4, exact: true, want: []string{"5", "6"}, cursor: 4},
		{what: "acknowledged what is lost", user: "dan", ack: 1, cursor: 6},
		{what: "new with a position that is lost", user: "fay", since: since(1), cursor: 6},
		{what: "nobody", user: "", cursor: -1},
	} {
		if row.ack > 0 {
			if err := Acknowledge(log, row.user, offsets[row.ack]); err != nil {
				t.Errorf("%s: %v", row.what, err)
			}
		}
		past, at := visit(t, log, row.user, row.since)
		want := int64(-1)
		if row.cursor >= 0 {
			want = int64(offsets[row.cursor])
		}
		if wantTexts(t, row.what, past.Publications, row.want...); past.Exact != row.exact || at != want {
			t.Errorf("%s: exact %v, cursor %d, want %d", row.what, past.Exact, at, want)
		}
	}
	fill(t, log, 5)
	if past, at := visit(t, log, "bob", nil); past.Exact || past.Publications != nil || at != int64(past.Position.Offset) {
		t.Errorf("behind the history: %+v, cursor %d", past, at)
	}
	if past, _ := visit(t, log, "bob", nil); !past.Exact {
		t.Error("who knows what is missing is told again")
	}
}

func testAhead(t *testing.T, b broker.Broker) {
	log := b.Open("news", broker.Retention{Size: 4, Cursors: 10}, &ledger{})
	defer log.Close()
	_, offsets := fill(t, log, 2)
	visit(t, log, "ann", nil)
	for _, user := range []string{"ann", "bob", ""} {
		for _, offset := range []uint64{offsets[2] + 1, math.MaxUint64} {
			if err := Acknowledge(log, user, offset); !errors.Is(err, broker.ErrAhead) {
				t.Errorf("%q: %v", user, err)
			}
		}
	}
	if past, _ := visit(t, log, "bob", nil); past.Cursor != nil {
		t.Errorf("a cursor at %d", *past.Cursor)
	}
	fill(t, log, 1)
	past, _ := visit(t, log, "ann", nil)
	wantTexts(t, "nothing was acknowledged", past.Publications, "1")
}

func testNoCursors(t *testing.T, b broker.Broker) {
	log := b.Open("news", broker.Retention{Size: 4}, &ledger{})
	defer log.Close()
	epoch, offsets := fill(t, log, 2)
	if err := Acknowledge(log, "ann", offsets[1]); err != nil {
		t.Error(err)
	}
	if past, at := visit(t, log, "ann", nil); past.Exact || past.Cursor != nil || at != -1 {
		t.Errorf("%+v, cursor %d", past, at)
	}
	past, at := visit(t, log, "ann", &broker.Position{Epoch: epoch, Offset: offsets[1]})
	if wantTexts(t, "recovered", past.Publications, "2"); !past.Exact || at != -1 {
		t.Errorf("%+v, cursor %d", past, at)
	}
}

// testStartBeside has two subscriptions of a user begin at the same time, with publications between their answers.
func testStartBeside(t *testing.T, b broker.Broker) {
	log := b.Open("news", broker.Retention{Size: 2, Cursors: 10}, &ledger{})
	defer log.Close()
	for _, what := range []string{"new", "too far behind"} {
		fill(t, log, 3)
		query := broker.RecoverQuery{MaxBytes: 100, User: "ann"}
		early := Recover(t, log, query)
		fill(t, log, 1)
		late := Recover(t, log, query)
		for _, past := range []broker.Past{early, late} {
			hold, at := log.Hold("ann", broker.StartOf(nil, &past))
			if at != early.Position.Offset || past.Exact {
				t.Errorf("%s: the cursor is at %d, and one has seen everything up to %d only", what, at, early.Position.Offset)
			}
			hold.Release()
		}
	}
	past := Recover(t, log, broker.RecoverQuery{MaxBytes: 100, User: "ann"})
	if err := Acknowledge(log, "ann", past.Position.Offset); err != nil {
		t.Fatal(err)
	}
	hold, at := log.Hold("ann", broker.StartOf(nil, &past))
	if at != past.Position.Offset {
		t.Errorf("the cursor went back to %d", at)
	}
	hold.Release()
}

func testManyCursors(t *testing.T, b broker.Broker) {
	log := b.Open("news", broker.Retention{Size: 4, Cursors: 3}, &ledger{})
	defer log.Close()
	known := func(user string) bool {
		return Recover(t, log, broker.RecoverQuery{User: user, MaxBytes: 100}).Cursor != nil
	}
	_, ann, _ := Return(t, log, "ann", nil)
	_, again, _ := Return(t, log, "ann", nil)
	visit(t, log, "bob", nil)
	visit(t, log, "eve", nil)
	visit(t, log, "bob", nil) // so that eve has been away longest
	_, dan, at := Return(t, log, "dan", nil)
	if at < 0 || known("eve") || !known("bob") || !known("ann") {
		t.Errorf("dan's cursor is at %d, eve %v, bob %v, ann %v", at, known("eve"), known("bob"), known("ann"))
	}
	ann.Release()
	_, fay, _ := Return(t, log, "fay", nil)
	if !known("ann") || known("bob") {
		t.Errorf("ann %v, bob %v", known("ann"), known("bob"))
	}
	if past, hold, _ := Return(t, log, "gil", nil); hold != nil || past.Exact {
		t.Errorf("one too many has a cursor: %+v", past)
	}
	again.Release()
	_, gil, _ := Return(t, log, "gil", nil)
	if gil == nil || known("ann") {
		t.Errorf("ann %v", known("ann"))
	}
	for _, hold := range []broker.Hold{dan, fay, gil} {
		hold.Release()
	}
}

func testCursorRetention(t *testing.T, b broker.Broker) {
	sink := &ledger{}
	log := b.Open("news", broker.Retention{Size: 4}, sink)
	defer log.Close()
	log.SetRetention(broker.Retention{Size: 4, Cursors: 2})
	_, ann, _ := Return(t, log, "ann", nil)
	visit(t, log, "bob", nil)
	log.SetRetention(broker.Retention{Size: 4, Cursors: 1})
	if past, at := visit(t, log, "bob", nil); past.Cursor != nil || at != -1 {
		t.Errorf("bob's cursor is at %d", at)
	}
	fill(t, log, 1)
	log.SetRetention(broker.Retention{Size: 4})
	if past, at := visit(t, log, "ann", nil); past.Cursor != nil || at != -1 {
		t.Errorf("ann's cursor is at %d", at)
	}
	log.SetRetention(broker.Retention{Size: 4, Cursors: 1})
	_, again, _ := Return(t, log, "ann", nil)
	ann.Release() // of what is gone: that of today stays held
	if _, at := visit(t, log, "bob", nil); at != -1 {
		t.Error("the cursor of one who is there was forgotten")
	}
	again.Release()
}

func testClosedCursor(t *testing.T, b broker.Broker) {
	log := b.Open("news", broker.Retention{Size: 4, Cursors: 2}, &ledger{})
	fill(t, log, 1)
	_, hold, _ := Return(t, log, "ann", nil)
	epoch := Position(t, log).Epoch
	log.Close()
	hold.Release()
	log = b.Open("news", broker.Retention{Size: 4, Cursors: 2}, &ledger{})
	defer log.Close()
	if past, _ := visit(t, log, "ann", nil); past.Exact && past.Position.Epoch != epoch {
		t.Errorf("a log that was lost is complete: %+v", past)
	}
}

// testCursorRace has users come back time and again, who acknowledge what they are given: each gets all of it in order, or is told that something is missing.
func testCursorRace(t *testing.T, b broker.Broker) {
	const users, visits = 4, 200
	log := b.Open("news", broker.Retention{Size: 50, Cursors: users}, &ledger{})
	defer log.Close()
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for range 500 {
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
				past, hold, _ := Return(t, log, user, nil)
				if n > 0 && past.Exact && *past.Cursor != last {
					t.Errorf("%s is at %d, and has acknowledged %d", user, *past.Cursor, last)
				}
				for i, r := range past.Publications {
					if i == 0 && r.Prev != last || i > 0 && r.Prev != past.Publications[i-1].Offset {
						t.Errorf("%s, who was at %d, is given %d behind %d", user, last, r.Offset, r.Prev)
					}
				}
				if last = past.Position.Offset; Acknowledge(log, user, last) != nil {
					t.Error("what was given can't be acknowledged")
				}
				hold.Release()
			}
		})
	}
	group.Wait()
}
