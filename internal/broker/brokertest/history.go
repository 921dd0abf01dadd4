package brokertest

import (
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/wsedge/wsedge/internal/broker"
)

func runHistory(t *testing.T, open func(t *testing.T) broker.Broker) {
	t.Run("recovery is exact, or says that it is not", func(t *testing.T) { testRecovery(t, open(t)) })
	t.Run("what was never kept is not recovered", func(t *testing.T) { testUnkept(t, open(t)) })
	t.Run("the latest value", func(t *testing.T) { testLatest(t, open(t)) })
	t.Run("recovery is bounded, never a part", func(t *testing.T) { testBounded(t, open(t)) })
	t.Run("history is read in both directions", func(t *testing.T) { testHistory(t, open(t)) })
	t.Run("retention can change while the log is open", func(t *testing.T) { testRetention(t, open(t)) })
	t.Run("position and history are of one instant", func(t *testing.T) { testInstant(t, open(t)) })
	t.Run("what was refused is not kept, or comes later", func(t *testing.T) { testRefusedHistory(t, open(t)) })
}

// Recover asks and waits for the answer, whenever it comes.
func Recover(t testing.TB, log broker.Log, q broker.RecoverQuery) broker.Past {
	t.Helper()
	return await(t, func(done func(broker.Past, error)) { log.Recover(q, done) })
}

// History asks and waits for the answer, whenever it comes.
func History(t testing.TB, log broker.Log, q broker.HistoryQuery) broker.Past {
	t.Helper()
	return await(t, func(done func(broker.Past, error)) { log.History(q, done) })
}

func await(t testing.TB, ask func(done func(broker.Past, error))) broker.Past {
	t.Helper()
	answers := make(chan broker.Past, 1)
	ask(func(p broker.Past, err error) {
		if err != nil {
			t.Error(err)
		}
		answers <- p
	})
	return <-answers
}

// fill publishes the numbers from 1 to n, and returns their offsets; that at index 0 is the one before.
func fill(t *testing.T, log broker.Log, n int) (epoch string, offsets []uint64) {
	t.Helper()
	offsets = []uint64{Position(t, log).Offset}
	for i := range n {
		result, err := Publish(log, fmt.Sprint(i+1))
		if err != nil {
			t.Fatal(err)
		}
		epoch, offsets = result.Epoch, append(offsets, result.Offset)
	}
	return epoch, offsets
}

// texts are the data of records, after a look at their order.
func texts(t *testing.T, records []broker.Record) (data []string) {
	t.Helper()
	for i, r := range records {
		if r.Prev >= r.Offset || i > 0 && r.Prev != records[i-1].Offset {
			t.Fatalf("offset %d names %d as its predecessor", r.Offset, r.Prev)
		}
		data = append(data, string(r.Data))
	}
	return data
}

func wantTexts(t *testing.T, what string, records []broker.Record, want ...string) {
	t.Helper()
	if got := fmt.Sprint(texts(t, records)); got != fmt.Sprint(want) {
		t.Fatalf("%s: got %s, want %s", what, got, want)
	}
}

func testRecovery(t *testing.T, b broker.Broker) {
	log := b.Open("news", broker.Retention{Size: 3}, &ledger{})
	defer log.Close()
	epoch, offsets := fill(t, log, 5)
	all := []string{"3", "4", "5"}
	for _, c := range []struct {
		what  string
		since broker.Position
		exact bool
		want  []string
	}{
		{"up to date", broker.Position{Epoch: epoch, Offset: offsets[5]}, true, nil},
		{"one behind", broker.Position{Epoch: epoch, Offset: offsets[4]}, true, all[2:]},
		{"all that is kept", broker.Position{Epoch: epoch, Offset: offsets[2]}, true, all},
		{"one too many", broker.Position{Epoch: epoch, Offset: offsets[1]}, false, nil},
		{"from the beginning", broker.Position{Epoch: epoch, Offset: offsets[0]}, false, nil},
		{"from the future", broker.Position{Epoch: epoch, Offset: offsets[5] + 1}, false, nil},
		{"from the end of time", broker.Position{Epoch: epoch, Offset: math.MaxUint64}, false, nil},
		{"another epoch", broker.Position{Epoch: epoch + "x", Offset: offsets[4]}, false, nil},
		{"no epoch", broker.Position{Offset: offsets[4]}, false, nil},
	} {
		got := Recover(t, log, broker.RecoverQuery{Since: &c.since, MaxBytes: 100})
		if got.Exact != c.exact || got.Position.Offset != offsets[5] || got.Position.Epoch != epoch {
			t.Errorf("%s: %+v", c.what, got)
		}
		wantTexts(t, c.what, got.Publications, c.want...)
	}
}

func testUnkept(t *testing.T, b broker.Broker) {
	log := b.Open("news", broker.Retention{}, &ledger{})
	defer log.Close()
	epoch, offsets := fill(t, log, 2)
	behind, present := broker.Position{Epoch: epoch, Offset: offsets[1]}, broker.Position{Epoch: epoch, Offset: offsets[2]}
	if got := Recover(t, log, broker.RecoverQuery{Since: &behind, MaxBytes: 100, Latest: true}); got.Exact || got.Publications != nil {
		t.Errorf("%+v", got)
	}
	if got := Recover(t, log, broker.RecoverQuery{Since: &present, MaxBytes: 100}); !got.Exact || got.Publications != nil {
		t.Errorf("%+v", got)
	}
	if got := History(t, log, broker.HistoryQuery{Limit: 10, MaxBytes: 100}); got.Publications != nil || got.Position != present {
		t.Errorf("%+v", got)
	}
}

func testLatest(t *testing.T, b broker.Broker) {
	log := b.Open("news", broker.Retention{Size: 2}, &ledger{})
	defer log.Close()
	latest := broker.RecoverQuery{MaxBytes: 100, Latest: true}
	wantTexts(t, "nothing published", Recover(t, log, latest).Publications)
	epoch, offsets := fill(t, log, 4)
	wantTexts(t, "new", Recover(t, log, latest).Publications, "4")
	latest.Since = &broker.Position{Epoch: epoch, Offset: offsets[1]}
	wantTexts(t, "too far behind", Recover(t, log, latest).Publications, "4")
	latest.Since = &broker.Position{Epoch: epoch, Offset: offsets[2]}
	wantTexts(t, "recovered", Recover(t, log, latest).Publications, "3", "4")
	latest.Since = &broker.Position{Epoch: epoch, Offset: offsets[4]}
	wantTexts(t, "up to date", Recover(t, log, latest).Publications)
}

func testBounded(t *testing.T, b broker.Broker) {
	log := b.Open("news", broker.Retention{Size: 10}, &ledger{})
	defer log.Close()
	epoch, offsets := fill(t, log, 9)
	since := &broker.Position{Epoch: epoch, Offset: offsets[4]}
	for _, q := range []broker.RecoverQuery{{MaxBytes: 5}, {MaxBytes: 5, Limit: 5}} {
		q.Since = since
		got := Recover(t, log, q)
		if wantTexts(t, "fits", got.Publications, "5", "6", "7", "8", "9"); !got.Exact {
			t.Error("not exact, though it fits")
		}
	}
	for _, q := range []broker.RecoverQuery{{MaxBytes: 4}, {MaxBytes: 5, Limit: 4}} {
		q.Since = since
		got := Recover(t, log, q)
		if wantTexts(t, "does not fit", got.Publications); got.Exact {
			t.Error("exact, though it does not fit")
		}
	}
}

func testHistory(t *testing.T, b broker.Broker) {
	log := b.Open("news", broker.Retention{Size: 4}, &ledger{})
	defer log.Close()
	epoch, offsets := fill(t, log, 6)
	at := func(i int) *broker.Position { return &broker.Position{Epoch: epoch, Offset: offsets[i]} }
	for _, c := range []struct {
		what  string
		query broker.HistoryQuery
		exact bool
		want  []string
	}{
		{"the newest", broker.HistoryQuery{Limit: 2, MaxBytes: 100}, false, []string{"5", "6"}},
		{"all", broker.HistoryQuery{Limit: 10, MaxBytes: 100}, false, []string{"3", "4", "5", "6"}},
		{"few bytes", broker.HistoryQuery{Limit: 10, MaxBytes: 3}, false, []string{"4", "5", "6"}},
		{"no bytes", broker.HistoryQuery{Limit: 10}, false, []string{"6"}},
		{"none", broker.HistoryQuery{MaxBytes: 100}, false, nil},
		{"since", broker.HistoryQuery{Since: at(3), Limit: 2, MaxBytes: 100}, true, []string{"4", "5"}},
		{"since, few bytes", broker.HistoryQuery{Since: at(2), Limit: 9, MaxBytes: 3}, true, []string{"3", "4", "5"}},
		{"since, no bytes", broker.HistoryQuery{Since: at(4), Limit: 9}, true, []string{"5"}},
		{"since the last", broker.HistoryQuery{Since: at(6), Limit: 9, MaxBytes: 100}, true, nil},
		{"too early", broker.HistoryQuery{Since: at(1), Limit: 2, MaxBytes: 100}, false, []string{"3", "4"}},
		{"elsewhere", broker.HistoryQuery{Since: &broker.Position{Epoch: "no", Offset: offsets[5]}, Limit: 2, MaxBytes: 100}, false, []string{"3", "4"}},
	} {
		got := History(t, log, c.query)
		if wantTexts(t, c.what, got.Publications, c.want...); got.Exact != c.exact || got.Position != *at(6) {
			t.Errorf("%s: %+v", c.what, got)
		}
	}
}

func testRetention(t *testing.T, b broker.Broker) {
	log := b.Open("news", broker.Retention{}, &ledger{})
	defer log.Close()
	all := func() []broker.Record {
		return History(t, log, broker.HistoryQuery{Limit: 100, MaxBytes: 1000}).Publications
	}
	fill(t, log, 2)
	log.SetRetention(broker.Retention{Size: 5})
	if got := texts(t, all()); len(got) > 0 && fmt.Sprint(got) != "[2]" { // an engine may keep one more than it promises
		t.Fatalf("from now on: %s", got)
	}
	fill(t, log, 7)
	wantTexts(t, "five", all(), "3", "4", "5", "6", "7")
	log.SetRetention(broker.Retention{Size: 2})
	wantTexts(t, "fewer", all(), "6", "7")
	log.SetRetention(broker.Retention{Size: 3})
	fill(t, log, 1)
	wantTexts(t, "more", all(), "6", "7", "1")
	log.SetRetention(broker.Retention{})
	wantTexts(t, "none", all())
}

// testInstant recovers from everywhere while others publish: whoever adds what is recovered to where he was is at the position.
func testInstant(t *testing.T, b broker.Broker) {
	const publishers, each, readers = 4, 300, 3
	log := b.Open("news", broker.Retention{Size: 50}, &ledger{})
	defer log.Close()
	var group sync.WaitGroup
	for range publishers {
		group.Go(func() {
			for range each {
				if _, err := Publish(log, "x"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range readers {
		group.Go(func() {
			at := Position(t, log)
			for range each {
				got := Recover(t, log, broker.RecoverQuery{Since: &at, MaxBytes: 1000})
				for _, r := range got.Publications {
					if r.Prev != at.Offset {
						t.Errorf("offset %d behind %d", r.Offset, at.Offset)
					}
					at.Offset = r.Offset
				}
				if got.Exact && at != got.Position {
					t.Errorf("at %+v, want %+v", at, got.Position)
				}
				at = got.Position
			}
		})
	}
	group.Wait()
}

// testRefusedHistory has the sink refuse a publication: it is kept if it is delivered later.
func testRefusedHistory(t *testing.T, b broker.Broker) {
	sink := &ledger{}
	log := b.Open("news", broker.Retention{Size: 5}, sink)
	defer log.Close()
	fill(t, log, 1)
	sink.refuseWith(fmt.Errorf("no room"))
	want := []string{"1", "last"}
	if _, err := Publish(log, "refused"); err == nil {
		want = []string{"1", "refused", "last"}
	}
	sink.refuseWith(nil)
	publishWhenThereIsRoom(t, log, broker.Publication{Data: []byte("last")})
	sink.await(t, len(want))
	wantTexts(t, "kept", History(t, log, broker.HistoryQuery{Limit: 9, MaxBytes: 100}).Publications, want...)
}
