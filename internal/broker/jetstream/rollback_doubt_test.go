package jetstream

import (
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
)

// What is seen has to be more than clocks, or a replica, can explain: a stream that is made anew has lost its history.
func TestContradictions(t *testing.T) {
	e := connect(t, natsServer(t), Config{SyncInterval: time.Hour})
	j := newJournal(t)
	l := j.open(e, "news", broker.Retention{Size: 3}).(*log)
	p := newPublisher()
	p.run(l, "a", 10, 1)
	j.settle(p.acknowledged)
	s, is := l.stream, l.is
	last, err := s.leader()
	if err != nil {
		t.Fatal(err)
	}
	k := s.knows(is)
	gone, there := evidence{epoch: is.epoch, seq: 1, at: 1}, evidence{epoch: is.epoch, seq: k.seq, at: k.at}
	other, proven, late := there, gone, gone
	other.at++
	proven.proof, late.late = true, true
	many := last
	many.replicas = 3
	ahead := k
	ahead.upTo = last.last + 1
	for name, c := range map[string]struct {
		k    known
		e    *evidence
		now  leaderState
		want bool
	}{
		"nothing was seen":                                 {k, nil, last, false},
		"what was seen is there":                           {k, &there, last, false},
		"another is there":                                 {k, &other, last, true},
		"another is there, says the leader of three":       {k, &other, many, true},
		"it has gone, and the clock may have been set":     {k, &gone, last, false},
		"it has gone, and was stored too late":             {k, &late, last, true},
		"it has gone, and the end, too":                    {ahead, &late, last, false},
		"it has gone, and leaders' clocks may differ":      {k, &late, many, false},
		"another was there":                                {k, &proven, last, true},
		"a replica had another one, of which nobody knows": {k, &proven, many, false},
	} {
		if got := s.contradicts(c.k, c.e, c.now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// One server knows what it has. A leader of several that learns is given more time than one that does not.
func TestDoubts(t *testing.T) {
	for name, c := range map[string]struct {
		replicas int
		learns   bool
		want     int
	}{
		"one":              {1, false, doubtsAlone},
		"one that goes on": {1, true, doubtsAlone},
		"three":            {3, false, doubtsOfMany},
		"three that go on": {3, true, doubtsAtMost},
	} {
		var d doubts
		now, n := leaderState{epoch: "e", last: 5, replicas: c.replicas}, 1
		for ; !d.hear(now, 1000); n++ {
			if c.learns {
				now.last++
			}
		}
		if n != c.want {
			t.Errorf("%s: %d times, want %d", name, n, c.want)
		}
		if now.last = 1000; d.hear(now, 1000) || d != (doubts{}) {
			t.Errorf("%s: there is doubt about one that has all: %+v", name, d)
		}
	}
}
