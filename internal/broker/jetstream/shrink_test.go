package jetstream

import (
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
)

func TestPromises(t *testing.T) {
	promises := []Promise{
		{"", broker.Retention{Size: 5, Age: 2 * time.Hour}}, {"chat", broker.Retention{Size: 100, Age: time.Hour}}, {"log", broker.Retention{Size: 7}},
	}
	for channel, want := range map[string]limits{
		"news": {6, 2*time.Hour + ageMargin}, "chat:1": {101, 2*time.Hour + ageMargin}, "log:1": {8, 0},
	} {
		if got := promised(promises, shardOf(channel)); got != want {
			t.Errorf("%s: %+v, want %+v", channel, got, want)
		}
	}
	if got := promised(nil, bareShard); got != (limits{1, bareAge}) {
		t.Errorf("%+v", got)
	}
	for _, row := range [][3]limits{
		{{5, 0}, {6, time.Hour}, {5, time.Hour}}, {{5, time.Hour}, {4, 0}, {4, time.Hour}}, {{5, 2 * time.Hour}, {4, 3 * time.Hour}, {4, 2 * time.Hour}}, {{5, 0}, {5, 0}, {5, 0}},
	} {
		if got := row[0].narrow(row[1]); got != row[2] {
			t.Errorf("%+v and %+v: %+v, want %+v", row[0], row[1], got, row[2])
		}
	}
}

// A node that was told to shrinks streams to what it promises; what another node promises more is kept again, from then on.
func TestShrink(t *testing.T) {
	server := natsServer(t)
	config := Config{Prefix: "shrink", SyncInterval: 50 * time.Millisecond}
	old := connect(t, server, config)
	j := newJournal(t)
	l := j.open(old, "news", broker.Retention{Size: 50}).(*log)
	chat := newJournal(t).open(old, "chat:1", broker.Retention{Size: 20})
	p := newPublisher()
	p.run(l, "x", 40, 4)
	j.settle(p.acknowledged)
	chat.Close()
	old.streamOf("chat:").mu.Lock()
	old.streamOf("chat:").wanted = limits{1, bareAge} // as if it were restarted
	old.streamOf("chat:").mu.Unlock()

	config.Shrink, config.Promises = true, []Promise{{"", broker.Retention{Size: 9, Age: time.Minute}}, {"chat", broker.Retention{Size: 30}}}
	connect(t, server, config)
	awaitThat(t, "what the others promise is kept again", func() bool {
		is, info, _ := identityNow(t, l.stream)
		return info.State.Msgs == 10 && is.limits() == limits{51, 0} && is.raised >= 40 && is.raised < 1000
	})
	is, _, _ := identityNow(t, old.streamOf("chat:"))
	if want := (limits{21, 0}); is.limits() != want { // it was less than is promised, and still is
		t.Errorf("%+v, want %+v", is.limits(), want)
	}
	since := broker.Position{Epoch: l.is.epoch, Offset: 20}
	answers := make(chan broker.Past, 1)
	l.Recover(broker.RecoverQuery{Since: &since, MaxBytes: 1 << 20}, func(past broker.Past, err error) { answers <- past })
	if past := <-answers; past.Exact {
		t.Errorf("%+v", past)
	}
}
