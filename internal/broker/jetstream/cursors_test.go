package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/brokertest"
)

var acked = broker.Retention{Size: 100, Cursors: 10}

// cursorOf is a user's on a node; -1 for none.
func cursorOf(t *testing.T, log broker.Log, user string) int64 {
	t.Helper()
	past := brokertest.Recover(t, log, broker.RecoverQuery{User: user, MaxBytes: 1000})
	if past.Cursor == nil {
		return -1
	}
	return int64(*past.Cursor)
}

// publishMany publishes n, and returns their offsets.
func publishMany(t *testing.T, log broker.Log, n int) (offsets []uint64) {
	t.Helper()
	for i := range n {
		result, err := brokertest.Publish(log, fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		offsets = append(offsets, result.Offset)
	}
	return offsets
}

// written waits until a node owes nothing, and is how often it has written.
func written(t *testing.T, e *Engine) int64 {
	t.Helper()
	awaitThat(t, "nothing is owed", func() bool {
		e.cursors.mu.Lock()
		defer e.cursors.mu.Unlock()
		return e.cursors.owed == 0
	})
	return e.RemoteStats().CursorWrites
}

// Many acknowledgements of a user are few writes, however fast they come, and the last one counts.
func TestAcknowledgementsAreCoalesced(t *testing.T) {
	s := natsServer(t)
	e := connect(t, s, Config{Prefix: "coalesce"})
	log := newJournal(t).open(e, "news", acked)
	defer log.Close()
	offsets := publishMany(t, log, 2000)
	_, hold, _ := brokertest.Return(t, log, "ann", &broker.Position{Epoch: brokertest.Position(t, log).Epoch, Offset: offsets[1950]})
	before := written(t, e)
	began := time.Now()
	for _, offset := range offsets[1950:] {
		if err := log.Acknowledge("ann", offset, nil); err != nil {
			t.Fatal(err)
		}
	}
	most := 2 + int64(time.Since(began)/cursorDelay)
	if n := written(t, e) - before; n < 1 || n > most {
		t.Errorf("%d writes for 50 acknowledgements, want at most %d", n, most)
	}
	hold.Release()
	other := newJournal(t).open(connect(t, s, Config{Prefix: "coalesce"}), "news", acked)
	defer other.Close()
	if at := cursorOf(t, other, "ann"); at != int64(offsets[1999]) {
		t.Errorf("at %d, want %d", at, offsets[1999])
	}
	if n, bytes := e.cursors.inHand(); n != 0 || bytes != 0 || e.cursors.owed != 0 {
		t.Errorf("%d in hand, %d B, and nobody is there", n, bytes)
	}
}

// An engine that is closed stores what it owes before it goes.
func TestCloseStoresCursors(t *testing.T) {
	s := natsServer(t)
	e := connect(t, s, Config{Prefix: "flush"})
	log := newJournal(t).open(e, "news", acked)
	offsets := publishMany(t, log, 100)
	for i, offset := range offsets {
		if err := log.Acknowledge(fmt.Sprint("user", i), offset, nil); err != nil {
			t.Fatal(err)
		}
	}
	log.Close()
	e.Close()
	other := newJournal(t).open(connect(t, s, Config{Prefix: "flush"}), "news", acked)
	defer other.Close()
	for i, offset := range offsets {
		if at := cursorOf(t, other, fmt.Sprint("user", i)); at != int64(offset) {
			t.Fatalf("user%d is at %d, want %d", i, at, offset)
		}
	}
}

// While the engine is away acknowledgements are taken, and stored when it is back; who subscribes is told to come later.
func TestAcknowledgedWhileAway(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	s := startNATS(t, dir, port)
	url := "nats://127.0.0.1:" + strconv.Itoa(port)
	e := connect(t, nil, Config{URL: url, Prefix: "ackaway"})
	log := newJournal(t).open(e, "news", acked)
	defer log.Close()
	offsets := publishMany(t, log, 5)
	_, hold, _ := brokertest.Return(t, log, "ann", nil)
	written(t, e)
	offsets = append(offsets, publishMany(t, log, 5)...)
	stopNATS(s)
	awaitState(t, e, false)
	if err := brokertest.Acknowledge(log, "ann", offsets[7]); err != nil {
		t.Fatal(err)
	}
	hold.Release()
	failed := make(chan error, 1)
	log.Recover(broker.RecoverQuery{User: "ann", MaxBytes: 100}, func(_ broker.Past, err error) { failed <- err })
	var away *broker.Unavailable
	if err := <-failed; !errors.As(err, &away) {
		t.Errorf("a cursor without a server: %v", err)
	}
	s = startNATS(t, dir, port)
	defer stopNATS(s)
	awaitState(t, e, true)
	written(t, e)
	other := newJournal(t).open(connect(t, nil, Config{URL: url, Prefix: "ackaway"}), "news", acked)
	defer other.Close()
	if at := cursorOf(t, other, "ann"); at != int64(offsets[7]) {
		t.Errorf("at %d, want %d", at, offsets[7])
	}
}

// Where the stream of publications is lost nobody is taken to have acknowledged anything; where that of the cursors is lost, it is made anew.
func TestCursorsOfWhatIsLost(t *testing.T) {
	s := natsServer(t)
	config := Config{Prefix: "acklost", SyncInterval: 20 * time.Millisecond, FirstOffset: Config{}.withDefaults().FirstOffset}
	e, other := connect(t, s, config), connect(t, s, config)
	log, there := newJournal(t).open(e, "news", acked), newJournal(t).open(other, "news", acked)
	defer log.Close()
	defer there.Close()
	publishMany(t, log, 5)
	_, hold, _ := brokertest.Return(t, log, "ann", nil)
	defer hold.Release()
	written(t, e)
	was := brokertest.Position(t, log).Epoch
	for _, l := range []broker.Log{log, there} {
		_ = e.js.DeleteStream(context.Background(), "acklost") // for the second time it is another, or not there
		awaitThat(t, "there is another epoch", func() bool { return brokertest.Position(t, l).Epoch != was })
		if at := cursorOf(t, l, "ann"); at != -1 {
			t.Errorf("a cursor of another epoch counts: %d", at)
		}
	}
	if err := e.js.DeleteStream(context.Background(), "acklost"+cursorsSuffix); err != nil {
		t.Fatal(err)
	}
	awaitThat(t, "acknowledgements are stored again", func() bool {
		at := brokertest.Position(t, log)
		_ = brokertest.Acknowledge(log, "ann", at.Offset) // refused while another epoch begins
		return cursorAt(there, "ann") == int64(at.Offset)
	})
}

// cursorAt is a user's; -1 where there is none, or no answer.
func cursorAt(log broker.Log, user string) int64 {
	answer := make(chan int64, 1)
	log.Recover(broker.RecoverQuery{User: user, MaxBytes: 1000}, func(past broker.Past, err error) {
		if err != nil || past.Cursor == nil {
			answer <- -1
			return
		}
		answer <- int64(*past.Cursor)
	})
	return <-answer
}

// Where there is no room for another cursor in hand its user has none, and those that there are go on.
func TestCursorsInHandAreBounded(t *testing.T) {
	s := natsServer(t)
	e := connect(t, s, Config{MaxCursorBytes: 3 * (cursorBytes + 100)})
	log := newJournal(t).open(e, "news", acked)
	defer log.Close()
	offsets := publishMany(t, log, 3)
	var holds []broker.Hold
	for i := range 10 {
		_, hold, _ := brokertest.Return(t, log, fmt.Sprint("user", i), nil)
		if hold != nil {
			holds = append(holds, hold)
		}
		if err := brokertest.Acknowledge(log, fmt.Sprint("user", i), offsets[2]); err != nil {
			t.Error(err)
		}
	}
	if n := len(holds); n == 0 || n > 4 || e.CursorStats().Kept != int64(n) || e.CursorStats().NoMemory == 0 {
		t.Errorf("%d are held: %+v", n, e.CursorStats())
	}
	written(t, e)
	for _, hold := range holds {
		hold.Release()
	}
	if got := e.CursorStats(); got.Kept != 0 || got.Bytes != 0 {
		t.Errorf("%+v", got)
	}
	if _, hold, _ := brokertest.Return(t, log, "late", nil); hold == nil {
		t.Error("there is no room, and nobody is there")
	}
}

// A cursor that is used does not become too old, even if it does not move.
func TestCursorsThatAreUsedStayYoung(t *testing.T) {
	s := natsServer(t)
	var later atomic.Int64
	clock := func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	e := connect(t, s, Config{Prefix: "young", Now: clock, SyncInterval: time.Hour})
	log := newJournal(t).open(e, "news", broker.Retention{Size: 10, Age: 4 * time.Hour, Cursors: 10})
	defer log.Close()
	publishMany(t, log, 3)
	visit := func() int64 {
		_, hold, _ := brokertest.Return(t, log, "ann", nil)
		hold.Release()
		return written(t, e)
	}
	first := visit()
	if n := visit(); n != first {
		t.Errorf("%d writes, and nothing has changed", n-first)
	}
	later.Store(int64(90 * time.Minute))
	if n := visit(); n != first+1 {
		t.Errorf("%d writes after a quarter of its life, want 1", n-first)
	}
	if age := e.streamOf("").acks.age(); age != 4*time.Hour+ageMargin {
		t.Errorf("cursors are kept for %v", age)
	}
}

// A cursor that is beyond what the stream has is that of a stream that has lost its end: its user is told, and begins anew.
func TestCursorBeyondTheStream(t *testing.T) {
	s := natsServer(t)
	e := connect(t, s, Config{Prefix: "beyond"})
	log := newJournal(t).open(e, "news", acked)
	defer log.Close()
	offsets := publishMany(t, log, 3)
	acks := e.streamOf("").acks
	beyond := stored{epoch: brokertest.Position(t, log).Epoch, offset: offsets[2] + 100}
	answer := make(chan error, 1)
	acks.whenKnown(func(error) {
		acks.put(acks.subjectOf("news", "ann"), beyond, func(_ uint64, err error) { answer <- err })
	})
	if err := <-answer; err != nil {
		t.Fatal(err)
	}
	past, hold, at := brokertest.Return(t, log, "ann", nil)
	if past.Exact || at != int64(offsets[2]) {
		t.Errorf("%+v, cursor %d", past, at)
	}
	hold.Release()
	written(t, e)
	publishMany(t, log, 2)
	if past, _, at = brokertest.Return(t, log, "ann", nil); !past.Exact || len(past.Publications) != 2 || at != int64(offsets[2]) {
		t.Errorf("%+v, cursor %d", past, at)
	}
}
