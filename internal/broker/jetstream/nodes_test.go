package jetstream

import (
	"errors"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/brokertest"
)

// Two nodes tell the same of a channel, and each can go on from the other's positions.
func TestNodesAgree(t *testing.T) {
	s := natsServer(t)
	a := connect(t, s, Config{Prefix: "agree"})
	b := connect(t, s, Config{Prefix: "agree"})
	ja, jb := newJournal(t), newJournal(t)
	kept := broker.Retention{Size: 10}
	la, lb := ja.open(a, "x.y", kept), jb.open(b, "x.y", kept)
	defer la.Close()
	defer lb.Close()
	p := newPublisher()
	p.run(la, "a", 100, 4)
	p.run(lb, "b", 100, 4)
	ja.settle(p.acknowledged)
	jb.settle(p.acknowledged)
	if pa, pb := brokertest.Position(t, la), brokertest.Position(t, lb); pa != pb || len(p.acknowledged) != 200 {
		t.Fatalf("%+v and %+v, %d acknowledged", pa, pb, len(p.acknowledged))
	}
	since := brokertest.Position(t, la)
	p.run(la, "c", 5, 1)
	jb.settle(p.acknowledged)
	got := brokertest.Recover(t, lb, broker.RecoverQuery{Since: &since, MaxBytes: 1000})
	if !got.Exact || len(got.Publications) != 5 || got.Publications[0].Prev != since.Offset {
		t.Fatalf("%+v", got)
	}
	c := connect(t, s, Config{Prefix: "agree"}) // comes later, and knows nothing but the stream
	lc := newJournal(t).open(c, "x.y", kept)
	defer lc.Close()
	got = brokertest.Recover(t, lc, broker.RecoverQuery{Since: &since, MaxBytes: 1000})
	if !got.Exact || len(got.Publications) != 5 {
		t.Fatalf("%+v", got)
	}
}

// Who was in a channel before anything was published in it misses nothing on another node, either.
func TestQuietChannelOnAnotherNode(t *testing.T) {
	s := natsServer(t)
	a := connect(t, s, Config{Prefix: "quiet"})
	b := connect(t, s, Config{Prefix: "quiet"})
	kept := broker.Retention{Size: 10}
	other := newJournal(t).open(a, "other", kept)
	defer other.Close()
	ja, jb := newJournal(t), newJournal(t)
	la := ja.open(a, "quiet", kept)
	defer la.Close()
	early := brokertest.Position(t, la)
	p := newPublisher()
	p.run(other, "o", 20, 1)
	lb := jb.open(b, "quiet", kept)
	defer lb.Close()
	late := brokertest.Position(t, lb)
	if early == late {
		t.Fatalf("both are at %+v", early)
	}
	for _, c := range []struct {
		log   broker.Log
		since broker.Position
	}{{la, late}, {lb, early}} {
		got := brokertest.Recover(t, c.log, broker.RecoverQuery{Since: &c.since, MaxBytes: 100})
		if !got.Exact || len(got.Publications) != 0 || got.Position.Offset < c.since.Offset {
			t.Errorf("from %d: %+v", c.since.Offset, got)
		}
	}
	q := newPublisher()
	q.run(la, "q", 3, 1)
	ja.settle(q.acknowledged)
	jb.settle(q.acknowledged)
	for _, since := range []broker.Position{early, late} {
		for _, log := range []broker.Log{la, lb} {
			got := brokertest.Recover(t, log, broker.RecoverQuery{Since: &since, MaxBytes: 100})
			if !got.Exact || len(got.Publications) != 3 {
				t.Errorf("from %d: %+v", since.Offset, got)
			}
		}
	}
	future := broker.Position{Epoch: early.Epoch, Offset: 1 << 40}
	if got := brokertest.Recover(t, la, broker.RecoverQuery{Since: &future, MaxBytes: 100}); got.Exact {
		t.Errorf("%+v", got)
	}
}

// A node that nobody listens on hears nothing, even if it publishes.
func TestInterest(t *testing.T) {
	s := natsServer(t)
	a := connect(t, s, Config{Prefix: "interest"})
	b := connect(t, s, Config{Prefix: "interest"})
	c := connect(t, s, Config{Prefix: "interest"})
	ja := newJournal(t)
	la := ja.open(a, "news", broker.Retention{})
	defer la.Close()
	lb := b.Open("news", broker.Retention{}, newJournal(t))
	defer lb.Close()
	lc := newJournal(t).open(c, "news", broker.Retention{})
	lc.Close()
	newJournal(t).open(c, "other", broker.Retention{}).Close() // the server has answered behind the end of that interest
	p := newPublisher()
	p.run(lb, "b", 50, 1)
	ja.settle(p.acknowledged)
	if n := a.RemoteStats().Received; n != 50 {
		t.Errorf("the node with a subscriber got %d", n)
	}
	if nb, nc := b.RemoteStats().Received, c.RemoteStats().Received; nb+nc != 0 {
		t.Errorf("the others got %d and %d", nb, nc)
	}
}

// Everything that is published arrives as it was.
func TestPublicationsArriveAsTheyWere(t *testing.T) {
	s := natsServer(t)
	a := connect(t, s, Config{})
	log := newJournal(t).open(a, "a.b:x", broker.Retention{Size: 10})
	defer log.Close()
	list := []broker.Publication{
		{Data: []byte(`{"a":1}`), Client: "c1", Exclude: "c1"},
		{Data: []byte("text\r\nNATS/1.0 503\r\n\r\n"), Kind: broker.Text, Client: "a b\r\nX: y", User: "ü\r\n", Exclude: "%41+"},
		{Data: []byte{0, 255, 13, 10}, Kind: broker.Binary},
		{},
	}
	for _, p := range list {
		p.IdempotencyKey = "k\r\n" + string(p.Data)
		if _, err := publishOne(log, &p); err != nil {
			t.Fatal(err)
		}
	}
	got := brokertest.History(t, log, broker.HistoryQuery{Limit: 10, MaxBytes: 1000}).Publications
	if len(got) != len(list) {
		t.Fatalf("%d of %d", len(got), len(list))
	}
	for i, p := range list {
		g := got[i]
		if string(g.Data) != string(p.Data) || g.Kind != p.Kind || g.Client != p.Client || g.User != p.User || g.Exclude != p.Exclude {
			t.Errorf("%+v, want %+v", g.Publication, p)
		}
	}
	huge := broker.Publication{Data: []byte(strings.Repeat("x", 2<<20))}
	if _, err := publishOne(log, &huge); !errors.Is(err, broker.ErrTooLarge) {
		t.Errorf("%v", err)
	}
}

func publishOne(log broker.Log, p *broker.Publication) (broker.Result, error) {
	type answer struct {
		result broker.Result
		err    error
	}
	answers := make(chan answer, 1)
	result, err := log.Publish(p, func(r broker.Result, err error) { answers <- answer{r, err} })
	if errors.Is(err, broker.ErrPending) {
		a := <-answers
		return a.result, a.err
	}
	return result, err
}

// A stream of that name that is not ours is left alone.
func TestForeignStream(t *testing.T) {
	s := natsServer(t)
	nc, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.AddStream(&nats.StreamConfig{Name: "foreign", Subjects: []string{"foreign.>"}, MaxMsgsPerSubject: 100}); err != nil {
		t.Fatal(err)
	}
	e := connect(t, s, Config{Prefix: "foreign"})
	log := e.Open("news", broker.Retention{Size: 1000}, newJournal(t))
	defer log.Close()
	if _, err := brokertest.Publish(log, "x"); !errors.Is(err, ErrDown) || !strings.Contains(err.Error(), "not wsedge's") {
		t.Fatal(err)
	}
	if info, err := js.StreamInfo("foreign"); err != nil || info.Config.MaxMsgsPerSubject != 100 {
		t.Fatalf("%+v, %v", info.Config, err)
	}
}
