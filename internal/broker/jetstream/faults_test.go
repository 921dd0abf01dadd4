package jetstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/brokertest"
)

// The child is a server of its own, which can be killed.
const (
	childDir  = "WSEDGE_TEST_NATS_DIR"
	childPort = "WSEDGE_TEST_NATS_PORT"
)

// runChild runs a server until the process is killed, or its standard input ends.
func runChild(dir string) {
	port, _ := strconv.Atoi(os.Getenv(childPort))
	s, err := server.NewServer(&server.Options{JetStream: true, StoreDir: dir, Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		os.Exit(1)
	}
	fmt.Println("ready")
	_, _ = bufio.NewReader(os.Stdin).ReadByte()
	stopNATS(s)
}

// child starts one, and waits until it is ready. kill ends it as kill -9 does.
func child(t *testing.T, dir string, port int) (kill func()) {
	t.Helper()
	kill, _ = childProcess(t, dir, port)
	return kill
}

// childProcess is child, with the process, for other signals.
func childProcess(t *testing.T, dir string, port int) (kill func(), process *os.Process) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, childPort+"="+strconv.Itoa(port))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%q, %v", line, err)
	}
	var once sync.Once
	kill = func() {
		once.Do(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			in.Close()
		})
	}
	t.Cleanup(kill)
	return kill, cmd.Process
}

// freeze stops a child, and waits until it stands still.
func freeze(t *testing.T, process *os.Process) {
	t.Helper()
	if err := process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(process.Pid, &status, syscall.WUNTRACED, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil || !status.Stopped() {
			t.Fatalf("it does not stop: %v, %v", status, err)
		}
		return
	}
}

// A server that stops answering fails what is under way in time, and holds nobody up who publishes; what it had got, it stores when it goes on.
func TestServerStandsStill(t *testing.T) {
	port := freePort(t)
	_, process := childProcess(t, t.TempDir(), port)
	var late atomic.Int64
	e := connect(t, nil, Config{
		URL: "nats://127.0.0.1:" + strconv.Itoa(port), Prefix: "still", MaxPending: 64,
		Now: func() time.Time { return time.Now().Add(time.Duration(late.Load())) },
	})
	j := newJournal(t)
	log := j.open(e, "news", broker.Retention{Size: 10_000})
	defer log.Close()
	p := newPublisher()
	p.run(log, "before", 40, 4)
	freeze(t, process)
	var group sync.WaitGroup
	for i := range 200 { // all at once: 64 at a time are under way, the others are refused
		group.Go(func() { _ = p.publish(log, fmt.Sprint("during-", i)) })
	}
	awaitThat(t, "all but 64 are refused", func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.failed["busy"] == 136 })
	late.Store(int64(2 * e.config.Timeout)) // the others have waited for too long
	group.Wait()
	if u, b := p.failed["unknown"], p.failed["busy"]; u != 64 || b != 136 || len(p.acknowledged) != 40 {
		t.Errorf("failed %v, %d acknowledged", p.failed, len(p.acknowledged))
	}
	if err := process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); p.publish(log, "after") != nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not go on: %v", p.failed)
		}
	}
	if told := j.settle(p.acknowledged); told > 0 || j.twice() > 0 {
		t.Errorf("%d announced as gone, %d twice", told, j.twice())
	}
}

// The server is killed time and again while two nodes publish and listen: what was acknowledged arrives, once and in order, or subscribers are told.
func TestServerIsKilled(t *testing.T) {
	const kills = 5
	dir, port := t.TempDir(), freePort(t)
	kill := child(t, dir, port)
	config := Config{URL: "nats://127.0.0.1:" + strconv.Itoa(port), Prefix: "killed", SyncInterval: 200 * time.Millisecond, Timeout: 2 * time.Second}
	a, b := connect(t, nil, config), connect(t, nil, config)
	ja, jb := newJournal(t), newJournal(t)
	kept := broker.Retention{Size: 100_000}
	la, lb := ja.open(a, "news", kept), jb.open(b, "news", kept)
	defer la.Close()
	defer lb.Close()
	p := newPublisher()
	ctx, stop := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for w := range 8 {
		group.Go(func() {
			log := []broker.Log{la, lb}[w%2]
			for i := 0; ctx.Err() == nil; i++ {
				if p.publish(log, fmt.Sprint(w, "-", i)) != nil {
					time.Sleep(5 * time.Millisecond) // as a publisher does that is told to come back later
				}
			}
		})
	}
	for range kills {
		p.awaitMore(t, 500)
		kill()
		kill = child(t, dir, port)
	}
	p.awaitMore(t, 500)
	stop()
	group.Wait()
	told := ja.settle(p.acknowledged) + jb.settle(p.acknowledged)
	if n := ja.twice() + jb.twice(); n > 0 || told > 0 {
		t.Errorf("%d came twice; of %d, and %d were announced as missing, though all of it is kept", n, len(p.acknowledged), told)
	}
	t.Logf("%d acknowledged, failed %v; %+v", len(p.acknowledged), p.failed, a.RemoteStats())
}

// awaitMore waits until n more are acknowledged.
func (p *publisher) awaitMore(t *testing.T, n int) {
	t.Helper()
	count := func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.acknowledged)
	}
	before := count()
	for end := time.Now().Add(patience); count() < before+n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("only %d more were acknowledged: %v", count()-before, p.failed)
		}
	}
}

// While there is no server, publications are refused at once, and channels that are open can be joined; then everything goes on.
func TestServerIsAway(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	s := startNATS(t, dir, port)
	e := connect(t, nil, Config{URL: "nats://127.0.0.1:" + strconv.Itoa(port), Prefix: "away"})
	j := newJournal(t)
	log := j.open(e, "news", broker.Retention{Size: 10})
	defer log.Close()
	p := newPublisher()
	p.run(log, "before", 10, 1)
	stopNATS(s)
	awaitState(t, e, false)
	if _, err := brokertest.Publish(log, "x"); !errors.Is(err, ErrDown) {
		t.Errorf("published without a server: %v", err)
	}
	since := brokertest.Position(t, log)
	if got := brokertest.Recover(t, log, broker.RecoverQuery{Since: &since, MaxBytes: 100}); !got.Exact {
		t.Errorf("%+v", got)
	}
	other := e.Open("other", broker.Retention{}, newJournal(t))
	defer other.Close()
	failed := make(chan error, 1)
	other.Position(func(_ broker.Position, err error) { failed <- err })
	if err := <-failed; !errors.Is(err, ErrDown) && !errors.Is(err, ErrUnknown) {
		t.Errorf("a position without a server: %v", err)
	}
	s = startNATS(t, dir, port)
	defer stopNATS(s)
	awaitState(t, e, true)
	for end := time.Now().Add(patience); p.publish(log, "after") != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come back")
		}
	}
	j.settle(p.acknowledged)
	if e.RemoteStats().Reconnects == 0 || len(j.gaps) > 0 {
		t.Errorf("%+v, gaps %v", e.RemoteStats(), j.gaps)
	}
	if position := brokertest.Position(t, other); position.Epoch != since.Epoch {
		t.Errorf("%+v", position)
	}
}

func awaitState(t *testing.T, e *Engine, up bool) {
	t.Helper()
	for end := time.Now().Add(patience); e.Health().Up != up; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%+v", e.Health())
		}
	}
}

// What is missed while there is no connection is fetched when there is one again, by comparing alone.
func TestMissedWhileAway(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	s := startNATS(t, dir, port)
	url := "nats://127.0.0.1:" + strconv.Itoa(port)
	e := connect(t, nil, Config{URL: url, Prefix: "missed", SyncInterval: time.Hour, Timeout: patience})
	j := newJournal(t)
	log := j.open(e, "news", broker.Retention{Size: 50})
	defer log.Close()
	scarce := newJournal(t)
	scarce.refuseGaps = 2
	few := scarce.open(e, "few", broker.Retention{Size: 50})
	defer few.Close()
	stopNATS(s)
	awaitState(t, e, false)

	// Another node publishes meanwhile; this one finds its way back only to the next server.
	s = startNATS(t, dir, 0)
	other := connect(t, s, Config{Prefix: "missed"})
	p, q := newPublisher(), newPublisher()
	lo := other.Open("news", broker.Retention{Size: 50}, newJournal(t))
	lf := other.Open("few", broker.Retention{Size: 50}, newJournal(t))
	p.run(lo, "o", 40, 4)
	q.run(lf, "f", 200, 4)
	other.Close()
	stopNATS(s)
	s = startNATS(t, dir, port)
	defer stopNATS(s)
	if told := j.settle(p.acknowledged); told > 0 || len(p.acknowledged) != 40 {
		t.Errorf("of %d, %d are gone", len(p.acknowledged), told)
	}
	if told := scarce.settle(q.acknowledged); told != 149 || len(scarce.gaps) != 1 { // 51 are kept
		t.Errorf("%d are gone, gaps %v", told, scarce.gaps)
	}
	if s := e.RemoteStats(); s.Tails != 2 || s.Gaps != 1 || s.Stalls != 2 {
		t.Errorf("%+v", s)
	}
}

// The client library drops what a node does not take in time; nothing of that stays unnoticed.
func TestSlowConsumer(t *testing.T) {
	s := natsServer(t)
	for _, size := range []int{100_000, 10} {
		name := fmt.Sprint("slow", size)
		slow := connect(t, s, Config{Prefix: name, Backlog: 2, SyncInterval: 50 * time.Millisecond})
		fast := connect(t, s, Config{Prefix: name})
		j := newJournal(t)
		j.block = make(chan struct{})
		log := j.open(slow, name, broker.Retention{Size: size})
		p := newPublisher()
		done := make(chan struct{})
		go func() {
			defer close(done)
			publishing := fast.Open(name, broker.Retention{Size: size}, newJournal(t))
			defer publishing.Close()
			p.run(publishing, name, 4000, 8)
		}()
		<-done
		close(j.block)
		told := j.settle(p.acknowledged)
		if len(p.acknowledged) != 4000 || (size == 10) != (told > 0) {
			t.Errorf("size %d: of %d, %d are gone", size, len(p.acknowledged), told)
		}
		log.Close()
		t.Logf("size %d: %d announced as gone; %+v", size, told, slow.RemoteStats())
		if slow.RemoteStats().Slow == 0 {
			t.Error("nothing was dropped: the test tests nothing")
		}
	}
}

// A stream that is deleted is made anew, in an epoch of its own; subscribers are told.
func TestStreamIsLost(t *testing.T) {
	s := natsServer(t)
	config := Config{Prefix: "lost", SyncInterval: 50 * time.Millisecond, FirstOffset: Config{}.withDefaults().FirstOffset}
	a, b := connect(t, s, config), connect(t, s, config)
	ja, jb := newJournal(t), newJournal(t)
	la, lb := ja.open(a, "news", broker.Retention{Size: 10}), jb.open(b, "news", broker.Retention{Size: 10})
	defer la.Close()
	defer lb.Close()
	p := newPublisher()
	p.run(la, "before", 10, 1)
	ja.settle(p.acknowledged)
	jb.settle(p.acknowledged)
	was := brokertest.Position(t, la)
	nc, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, _ := nc.JetStream()
	if err := js.DeleteStream("lost"); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); p.publish(la, "after") != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come back")
		}
	}
	ja.settle(p.acknowledged)
	jb.settle(p.acknowledged)
	if now := brokertest.Position(t, lb); now.Epoch == was.Epoch || now.Offset <= was.Offset {
		t.Errorf("%+v after %+v", now, was)
	}
	if len(ja.gaps) == 0 || len(jb.gaps) == 0 {
		t.Errorf("gaps %v and %v", ja.gaps, jb.gaps)
	}
	if got := brokertest.Recover(t, lb, broker.RecoverQuery{Since: &was, MaxBytes: 1000}); got.Exact {
		t.Errorf("%+v", got)
	}
}
