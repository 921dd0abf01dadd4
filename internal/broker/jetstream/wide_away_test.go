package jetstream

import (
	"strconv"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/broker"
)

// What a wildcard missed while there was no connection is read when there is one again: of channels that it knows, and of others.
func TestWildcardMissedWhileAway(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	s := startNATS(t, dir, port)
	e := connect(t, nil, Config{URL: "nats://127.0.0.1:" + strconv.Itoa(port), Prefix: "wideaway", SyncInterval: time.Hour, Timeout: patience})
	crowd := newCrowd(t, e, broker.Retention{Size: 1000})
	hear(t, e, "chat:", crowd)
	before := newTown(t, names(5), crowd.kept, e)
	before.run("before", 3)
	before.settle(t, crowd)
	stopNATS(s)
	awaitState(t, e, false)

	// Another node publishes meanwhile; this one finds its way back only to the next server.
	s = startNATS(t, dir, 0)
	other := connect(t, s, Config{Prefix: "wideaway"})
	town := newTown(t, names(30), crowd.kept, other)
	town.run("during", 20)
	other.Close()
	stopNATS(s)
	s = startNATS(t, dir, port)
	defer stopNATS(s)
	town.settle(t, crowd)
	if stats := e.RemoteStats(); stats.Fetched != 30*20 || stats.Gaps != 0 {
		t.Errorf("%+v", stats)
	}
}

// The client library drops what a wildcard does not take in time; nothing of that stays unnoticed.
func TestWildcardThatIsSlow(t *testing.T) {
	s := natsServer(t)
	e := connect(t, s, Config{Prefix: "wideslow", Backlog: 16, SyncInterval: 100 * time.Millisecond})
	crowd := newCrowd(t, e, broker.Retention{Size: 1000})
	hear(t, e, "chat:", crowd)
	gate := make(chan struct{})
	crowd.Log("chat:0:x.y")
	crowd.journals["chat:0:x.y"].block = gate
	town := newTown(t, names(10), crowd.kept, connect(t, s, Config{Prefix: "wideslow"}))
	town.run("x", 50)
	close(gate)
	town.settle(t, crowd)
	if e.RemoteStats().Slow == 0 {
		t.Error("nothing was dropped")
	}
}

// A replica that does not have yet what another one has brought has not read all that was missed: it is read again.
func TestWildcardReadFromAReplicaThatIsBehind(t *testing.T) {
	e := connect(t, natsServer(t), Config{SyncInterval: time.Hour})
	crowd := newCrowd(t, e, broker.Retention{Size: 100})
	hear(t, e, "chat:", crowd)
	town := newTown(t, names(3), crowd.kept, e)
	town.run("x", 3)
	town.settle(t, crowd)
	w := e.wides.all()["chat:"]
	for _, ahead := range []uint64{1, 0} {
		w.mu.Lock()
		w.seen += ahead // another replica has brought that
		w.mu.Unlock()
		w.catchUp()
		awaitThat(t, "it has been read", func() bool { w.mu.Lock(); defer w.mu.Unlock(); return !w.reading })
		w.mu.Lock()
		if w.doubt != (ahead > 0) {
			t.Errorf("%d ahead: doubt %v", ahead, w.doubt)
		}
		w.seen -= ahead
		w.mu.Unlock()
	}
}
