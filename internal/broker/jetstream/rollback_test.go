package jetstream

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/brokertest"
)

// rollback is a server whose directory can be set back, as a loss of power does, and two nodes that live on.
type rollback struct {
	*testing.T
	dir, prefix string
	port, kept  int
	server      *server.Server
	nodes       []*Engine
	logs        []broker.Log
	journals    []*journal
}

func startRollback(t *testing.T, prefix string, kept broker.Retention) *rollback {
	r := &rollback{T: t, dir: t.TempDir(), prefix: prefix, port: freePort(t), kept: kept.Size}
	r.server = startNATS(t, r.dir, r.port)
	for range 2 {
		e := connect(t, nil, r.config("nats://127.0.0.1:"+strconv.Itoa(r.port)))
		j := newJournal(t)
		r.nodes, r.journals = append(r.nodes, e), append(r.journals, j)
		r.logs = append(r.logs, j.open(e, "news", kept))
	}
	t.Cleanup(func() {
		for _, l := range r.logs {
			l.Close()
		}
		stopNATS(r.server)
	})
	return r
}

func (r *rollback) config(url string) Config {
	return Config{URL: url, Prefix: r.prefix, SyncInterval: 100 * time.Millisecond, FirstOffset: Config{}.withDefaults().FirstOffset}
}

// publish has n published, and waits until all nodes have them. No more are on their way than are kept: a node that was held up reads them, and would be told that the others have gone.
func (r *rollback) publish(name string, n int) {
	r.Helper()
	p := newPublisher()
	for first := 0; first < n; first += r.kept {
		p.run(r.logs[0], fmt.Sprint(name, first), min(r.kept, n-first), 1)
		for _, j := range r.journals {
			j.settle(p.acknowledged)
		}
	}
	if len(p.acknowledged) != n {
		r.Fatalf("%s: %d of %d: %v", name, len(p.acknowledged), n, p.failed)
	}
	for _, j := range r.journals {
		if told := j.settle(p.acknowledged); told > 0 {
			r.Errorf("%s: %d are announced as missing", name, told)
		}
	}
}

// keep notes how the directory is. What it returns stops the server, sets the directory back, does something while no node can reach it, and starts the server.
func (r *rollback) keep() (lose func(before func())) {
	r.Helper()
	copied := r.TempDir()
	r.restart(func() { r.copy(copied, r.dir) })
	return func(before func()) {
		r.restart(func() {
			if err := os.RemoveAll(r.dir); err != nil {
				r.Fatal(err)
			}
			r.copy(r.dir, copied)
			before()
		})
	}
}

// restart stops the server, does something, and starts it; the nodes are back behind that.
func (r *rollback) restart(between func()) {
	stopNATS(r.server)
	for _, e := range r.nodes {
		awaitState(r.T, e, false)
	}
	between()
	r.server = startNATS(r, r.dir, r.port)
	for _, e := range r.nodes {
		awaitState(r.T, e, true)
		if err := e.link.nc.Flush(); err != nil { // the server knows the subscriptions, too
			r.Fatal(err)
		}
	}
}

func (r *rollback) copy(to, from string) {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		r.Fatal(err)
	}
}

// renewed waits until both nodes are in another epoch, and wants that everybody is told, once.
func (r *rollback) renewed(was broker.Position) {
	r.Helper()
	for i, l := range r.logs {
		awaitThat(r, "another epoch", func() bool { return brokertest.Position(r.T, l).Epoch != was.Epoch })
		got := brokertest.Recover(r.T, l, broker.RecoverQuery{Since: &was, MaxBytes: 1 << 20})
		if got.Exact || len(got.Publications) > 0 {
			r.Errorf("node %d: %+v", i, got)
		}
		awaitThat(r, "a gap", func() bool {
			r.journals[i].mu.Lock()
			defer r.journals[i].mu.Unlock()
			return len(r.journals[i].gaps) > 0
		})
	}
	if a, b := brokertest.Position(r.T, r.logs[0]), brokertest.Position(r.T, r.logs[1]); a.Epoch != b.Epoch || a.Offset <= was.Offset {
		r.Errorf("%+v and %+v after %+v", a, b, was)
	}
	if n := r.nodes[0].RemoteStats().Rollbacks + r.nodes[1].RemoteStats().Rollbacks; n != 1 {
		r.Errorf("it was made anew %d times", n)
	}
}

// A server that keeps a stream alone comes back without its end: nodes that have lived on notice, agree on another epoch, and tell.
func TestSequenceGoesBack(t *testing.T) {
	r := startRollback(t, "back", broker.Retention{Size: 1000})
	r.publish("before", 20)
	lose := r.keep()
	r.publish("lost", 30)
	was := brokertest.Position(t, r.logs[1])
	lose(func() {})
	r.renewed(was)
	r.publish("after", 50)
}

// Before the nodes are back another one publishes as much as was lost, and more: the numbers say nothing, but what is behind them does, as long as it is kept.
func TestSequenceGoesBackAndCatchesUp(t *testing.T) {
	for _, c := range []struct {
		size, meanwhile int
		kept            bool // there is something in the place of the last that was lost
	}{{1000, 11, true}, {3, 11, true}, {3, 20, false}} {
		t.Run(fmt.Sprintf("size=%d/meanwhile=%d", c.size, c.meanwhile), func(t *testing.T) {
			kept := broker.Retention{Size: c.size}
			r := startRollback(t, fmt.Sprint("caught", c.size), kept)
			r.publish("before", 20)
			lose := r.keep()
			r.publish("lost", 10)
			was := brokertest.Position(t, r.logs[1])
			var upTo uint64
			lose(func() {
				s := startNATS(t, r.dir, 0)
				defer stopNATS(s)
				other := connect(t, s, r.config(""))
				defer other.Close()
				log := other.Open("news", kept, newJournal(t))
				defer log.Close()
				newPublisher().run(log, "meanwhile", c.meanwhile, 1)
				upTo = brokertest.Position(t, log).Offset
			})
			if c.kept {
				r.renewed(was)
			} else {
				r.wentOn(was, upTo)
			}
			r.publish("after", 20)
		})
	}
}

// wentOn waits until both nodes are where the stream is, and wants that everybody was told that something was missed: nothing shows that it was something else.
func (r *rollback) wentOn(was broker.Position, upTo uint64) {
	r.Helper()
	for i, j := range r.journals {
		awaitThat(r, "the node is behind what it has missed", func() bool { j.mu.Lock(); defer j.mu.Unlock(); return j.at >= upTo })
		if j.mu.Lock(); !j.told(was.Offset + 1) {
			r.Errorf("node %d: gaps %v after %+v", i, j.gaps, was)
		}
		j.mu.Unlock()
		if now := brokertest.Position(r.T, r.logs[i]); now.Epoch != was.Epoch {
			r.Errorf("node %d: %+v after %+v", i, now, was)
		}
	}
}

// Looking into a stream that is right does nothing to it.
func TestSuspicionWithoutReason(t *testing.T) {
	r := startRollback(t, "innocent", broker.Retention{Size: 5})
	r.publish("a", 20)
	was := brokertest.Position(t, r.logs[0])
	for i, e := range r.nodes {
		s, l := e.streamOf(""), r.logs[i].(*log)
		l.mu.Lock()
		seen := &evidence{epoch: was.Epoch, seq: l.message, at: l.messageAt}
		l.mu.Unlock()
		s.suspect(seen)
		awaitThat(t, "it is believed", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return !s.doubting })
	}
	r.keep()
	for _, e := range r.nodes {
		s := e.streamOf("")
		awaitThat(t, "it is believed", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return !s.doubting })
	}
	r.publish("b", 20)
	if now := brokertest.Position(t, r.logs[0]); now.Epoch != was.Epoch || r.nodes[0].RemoteStats().Rollbacks != 0 {
		t.Errorf("%+v after %+v", now, was)
	}
}

// Of two nodes that know better one makes the stream anew; where it does not come to it, another one does.
func TestClaims(t *testing.T) {
	s := natsServer(t)
	a, b := connect(t, s, Config{Prefix: "claims"}), connect(t, s, Config{Prefix: "claims"})
	la := newJournal(t).open(a, "news", broker.Retention{Size: 5})
	defer la.Close()
	is := la.(*log).is
	for i, c := range []struct {
		node *Engine
		mine bool
	}{{a, true}, {b, false}, {a, false}} {
		if mine, err := c.node.streamOf("").claim(is); err != nil || mine != c.mine {
			t.Errorf("%d: %v, %v", i, mine, err)
		}
	}
	late := connect(t, s, Config{Prefix: "claims", Now: func() time.Time { return time.Now().Add(2 * claimLife) }})
	if mine, err := late.streamOf("").claim(is); err != nil || !mine {
		t.Errorf("%v, %v", mine, err)
	}
}

// Publishers go on all the time, so that the sequence has caught up within moments: what looks as if it had been delivered has been stored too late for that.
func TestSequenceGoesBackUnderLoad(t *testing.T) {
	r := startRollback(t, "load", broker.Retention{Size: 1000})
	r.publish("before", 20)
	lose := r.keep()
	r.publish("lost", 200)
	was := brokertest.Position(t, r.logs[1])
	stop := make(chan struct{})
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() {
			p := newPublisher()
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					if p.publish(r.logs[w%2], fmt.Sprint("load-", w, "-", i)) != nil {
						time.Sleep(5 * time.Millisecond) // as a publisher does that is told to come back later
					}
				}
			}
		})
	}
	lose(func() {})
	r.renewed(was)
	close(stop)
	group.Wait()
	r.publish("after", 50)
}
