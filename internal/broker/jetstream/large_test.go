package jetstream

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/brokertest"
)

// serverWith is one with options of its own.
func serverWith(t *testing.T, o *server.Options) *server.Server {
	t.Helper()
	o.JetStream, o.StoreDir, o.DontListen, o.NoSigs, o.NoLog = true, t.TempDir(), true, true, true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		t.Fatal("the server does not come up")
	}
	t.Cleanup(func() { stopNATS(s) })
	return s
}

// The last publications of many channels are more than the server gives in one answer: all tails are found all the same.
func TestTailsOfLargePublications(t *testing.T) {
	const channels = 12
	s := serverWith(t, &server.Options{MaxPayload: 1 << 20, MaxPending: 4 << 20})
	e := connect(t, s, Config{Prefix: "tails", SyncInterval: 50 * time.Millisecond})
	kept := broker.Retention{Size: 3}
	other := connect(t, s, Config{Prefix: "tails"})
	var journals []*journal
	var published []*publisher
	large := strings.Repeat("x", 600<<10)
	for i := range channels {
		j := newJournal(t)
		l := j.open(e, "news"+strconv.Itoa(i), kept).(*log)
		defer l.Close()
		deaf(t, l)
		journals, published = append(journals, j), append(published, newPublisher())
	}
	for round := range 2 {
		for i, p := range published {
			log := other.Open("news"+strconv.Itoa(i), kept, newJournal(t))
			if err := p.publish(log, strconv.Itoa(round)+large); err != nil {
				t.Fatal(err)
			}
			log.Close()
		}
	}
	for i, j := range journals {
		if told := j.settle(published[i].acknowledged); told > 0 {
			t.Errorf("channel %d: %d announced as gone", i, told)
		}
	}
}

// A publication that fills an answer of the server alone is no obstacle to what comes behind it.
func TestBehindALargePublication(t *testing.T) {
	s := serverWith(t, &server.Options{MaxPayload: 8 << 20})
	e := connect(t, s, Config{Prefix: "large", SyncInterval: 50 * time.Millisecond})
	other := connect(t, s, Config{Prefix: "large"})
	kept := broker.Retention{Size: 20}
	publishing := other.Open("news", kept, newJournal(t))
	defer publishing.Close()
	p := newPublisher()
	large := strings.Repeat("x", 3<<19)
	for i := range 2 {
		if err := p.publish(publishing, strconv.Itoa(i)+large); err != nil {
			t.Fatal(err)
		}
	}
	j := newJournal(t)
	l := j.open(e, "news", kept).(*log)
	defer l.Close()
	since := brokertest.Position(t, l)
	deaf(t, l)
	q := newPublisher()
	for i, data := range []string{"a", large + "b", large + "c", "d"} {
		if err := q.publish(publishing, strconv.Itoa(i)+data); err != nil {
			t.Fatal(err)
		}
	}
	if told := j.settle(q.acknowledged); told > 0 {
		t.Errorf("%d announced as gone", told)
	}
	if got := brokertest.Recover(t, l, broker.RecoverQuery{Since: &since, MaxBytes: 64 << 20}); !got.Exact || len(got.Publications) != 4 {
		t.Errorf("exact %v, %d publications", got.Exact, len(got.Publications))
	}
	if got := brokertest.History(t, l, broker.HistoryQuery{Limit: 10, MaxBytes: 64 << 20}); len(got.Publications) != 6 {
		t.Errorf("%d publications", len(got.Publications))
	}
}

// What is read for an answer takes no more room than the answer may, whatever is kept.
func TestHistoryIsReadWithinBounds(t *testing.T) {
	const n = 60
	e := connect(t, natsServer(t), Config{})
	j := newJournal(t)
	l := j.open(e, "news", broker.Retention{Size: n}).(*log)
	defer l.Close()
	p := newPublisher()
	large := strings.Repeat("x", 100<<10)
	for i := range n {
		if err := p.publish(l, strconv.Itoa(100+i)+large); err != nil {
			t.Fatal(err)
		}
	}
	j.settle(p.acknowledged)
	position := brokertest.Position(t, l)
	for _, c := range []struct {
		since *broker.Position
		first string
	}{{nil, strconv.Itoa(100 + n - 3)}, {&broker.Position{Epoch: "another"}, "100"}} {
		answered := make(chan broker.Past, 1)
		r := &reading{
			log: l, is: l.is, query: broker.HistoryQuery{Since: c.since, Limit: 50, MaxBytes: 350 << 10}, retention: l.retention,
			answer: broker.Past{Position: position}, message: position.Offset,
			done: func(past broker.Past, err error) {
				if err != nil {
					t.Error(err)
				}
				answered <- past
			},
		}
		s := r.newestSpan(n, 0)
		read := make(chan error, 1)
		s.done = func(err error) { read <- err }
		s.read()
		if err := <-read; err != nil || len(s.records) > 4 {
			t.Errorf("%d records are in memory, %v", len(s.records), err)
		}
		r.found(s, nil)
		past := <-answered
		if len(past.Publications) != 3 || !strings.HasPrefix(string(past.Publications[0].Data), c.first) {
			t.Errorf("%d publications, the first %.3s, want %s", len(past.Publications), past.Publications[0].Data, c.first)
		}
	}
}
