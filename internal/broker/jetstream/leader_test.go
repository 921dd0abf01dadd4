package jetstream

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/brokertest"
)

// behindAnother is a log that does not hear what is published, and a position that another node has given out since.
func behindAnother(t *testing.T) (*log, broker.Position) {
	t.Helper()
	s := natsServer(t)
	e := connect(t, s, Config{SyncInterval: time.Hour})
	other := connect(t, s, Config{SyncInterval: time.Hour, Prefix: e.config.Prefix})
	r := broker.Retention{Size: 100}
	l := newJournal(t).open(e, "news", r).(*log)
	ahead := newJournal(t).open(other, "news", r)
	deaf(t, l)
	p := newPublisher()
	p.run(ahead, "a", 10, 1)
	return l, brokertest.Position(t, ahead)
}

// A client that comes from a node that knows more is not told that it has missed something, nor given again what it has: this node catches up first.
func TestRecoveryFromANodeThatKnowsMore(t *testing.T) {
	l, since := behindAnother(t)
	if before := brokertest.Position(t, l); before.Offset >= since.Offset {
		t.Fatalf("at %v, not behind %v", before, since)
	}
	got := brokertest.Recover(t, l, broker.RecoverQuery{Since: &since, MaxBytes: 1000})
	if !got.Exact || len(got.Publications) != 0 || got.Position.Offset < since.Offset {
		t.Errorf("%+v, want nothing missed since %v", got, since)
	}
}

// The same where the replica that answers is behind, too: then the leader's word counts.
func TestRecoveryByTheLeadersWord(t *testing.T) {
	l, since := behindAnother(t)
	for _, test := range []struct {
		name  string
		since uint64
		exact bool
	}{{"where it has been", since.Offset, true}, {"where it has not", since.Offset + 1_000_000, false}} {
		t.Run(test.name, func(t *testing.T) {
			at := broker.Position{Epoch: since.Epoch, Offset: test.since}
			got := make(chan broker.Past, 1)
			r := &recovery{log: l, query: broker.RecoverQuery{Since: &at, MaxBytes: 1000}, done: func(p broker.Past, err error) {
				if err != nil {
					t.Error(err)
				}
				got <- p
			}}
			r.outrun()
			l.behind(since.Offset) // as a comparison would
			if p := <-got; p.Exact != test.exact {
				t.Errorf("%+v", p)
			}
		})
	}
}

// However many ask the leader at once, it is asked twice: a question that is under way may be too old for who came meanwhile.
func TestTheLeaderIsAskedForMany(t *testing.T) {
	const clients = 100
	l, since := behindAnother(t)
	before := asks(l.engine)
	answers := make(chan uint64, clients)
	for range clients {
		l.stream.reaches(since.Offset, func(upTo uint64, err error) {
			if err != nil {
				t.Error(err)
			}
			answers <- upTo
		})
	}
	for range clients {
		if upTo := <-answers; upTo < since.Offset {
			t.Errorf("the leader is at %d, behind %d", upTo, since.Offset)
		}
	}
	if n := asks(l.engine) - before; n > 2 {
		t.Errorf("%d questions", n)
	}
}

// A leader whom too few servers have answered of late may be none any more.
func TestLeaderWithoutFollowers(t *testing.T) {
	for _, test := range []struct {
		text string
		want bool
	}{
		{`{}`, true},
		{`{"replicas":[]}`, true},
		{`{"replicas":[{"active":1000000000},{"active":60000000000}]}`, true},
		{`{"replicas":[{"active":5000000000},{"active":60000000000}]}`, false},
		{`{"replicas":[{"active":1},{"active":60000000000},{"active":60000000000},{"active":60000000000}]}`, false},
	} {
		var c streamCluster
		if err := json.Unmarshal([]byte(test.text), &c); err != nil || c.followed() != test.want {
			t.Errorf("%s: %v, %v", test.text, c.followed(), err)
		}
	}
}

// A leader that is not where this node is knows nothing of what is missing there: no gap is announced on its word.
func TestLeaderThatIsBehind(t *testing.T) {
	e := connect(t, natsServer(t), Config{SyncInterval: time.Hour})
	j := newJournal(t)
	l := j.open(e, "news", broker.Retention{Size: 10}).(*log)
	p := newPublisher()
	p.run(l, "a", 3, 1)
	j.settle(p.acknowledged)
	l.mu.Lock()
	l.hold(&record{Publication: &broker.Publication{}, seq: l.last + 100, prev: l.last + 50})
	l.askLeader()
	l.mu.Unlock()
	awaitThat(t, "it has answered", func() bool { l.mu.Lock(); defer l.mu.Unlock(); return !l.reading })
	p.run(l, "b", 3, 1)
	if told := j.settle(p.acknowledged); told > 0 || len(j.gaps) > 0 || len(l.held) > 0 {
		t.Errorf("%d announced as gone, gaps %v", told, j.gaps)
	}
}
