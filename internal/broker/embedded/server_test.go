package embedded_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/brokertest"
	"github.com/wsedge/wsedge/internal/broker/embedded"
	"github.com/wsedge/wsedge/internal/broker/jetstream"
	"github.com/wsedge/wsedge/internal/leaktest"
)

// patience is how long a test waits for what must come. It is no measure of anything.
const patience = 30 * time.Second

func TestMain(m *testing.M) {
	leaktest.Run(m, func() {
		// What the server keeps for the life of the process.
		dir, err := os.MkdirTemp("", "wsedge")
		if err != nil {
			return
		}
		defer os.RemoveAll(dir)
		if s, err := embedded.Start(embedded.Config{Dir: dir, Logger: quiet}); err == nil {
			s.Close()
		}
	})
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func start(t testing.TB, config embedded.Config) *embedded.Server {
	t.Helper()
	config.Logger = quiet
	s, err := embedded.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// engine is one on a server.
func engine(t testing.TB, s *embedded.Server, config jetstream.Config) *jetstream.Engine {
	t.Helper()
	config.Options, config.Logger = s.Options(), quiet
	e, err := jetstream.Connect(config)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestContract(t *testing.T) {
	s := start(t, embedded.Config{Dir: t.TempDir()})
	defer s.Close()
	n := 0
	brokertest.Run(t, func(t *testing.T) broker.Broker {
		n++
		e := engine(t, s, jetstream.Config{Prefix: fmt.Sprint("test", n), FirstOffset: func() uint64 { return 1 }})
		t.Cleanup(e.Close)
		return e
	})
}

// sink counts.
type sink struct {
	mu   sync.Mutex
	got  []string
	gaps int
}

func (s *sink) Deliver(p *broker.Publication, _, _ uint64) (broker.Delivered, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, string(p.Data))
	return broker.Delivered{Matched: 1}, nil
}

func (s *sink) Gap(uint64, uint64) error {
	s.mu.Lock()
	s.gaps++
	s.mu.Unlock()
	return nil
}

func (s *sink) await(t *testing.T, n int) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) { // polls, up to patience
		s.mu.Lock()
		got, gaps := len(s.got), s.gaps
		s.mu.Unlock()
		if got >= n && gaps == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d, %d gaps", got, n, gaps)
		}
	}
}

// What was published is there, with its offsets and its epoch, when the process is started again.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	var since broker.Position
	for run := range 3 {
		s := start(t, embedded.Config{Dir: dir, SyncInterval: -time.Duration(run % 2)})
		e := engine(t, s, jetstream.Config{})
		log := e.Open("news", broker.Retention{Size: 100}, &sink{})
		position := brokertest.Position(t, log)
		if run > 0 {
			got := brokertest.Recover(t, log, broker.RecoverQuery{Since: &since, MaxBytes: 1000})
			if !got.Exact || len(got.Publications) != 5 || position.Epoch != since.Epoch {
				t.Errorf("run %d: %+v", run, got)
			}
		}
		since = position
		for range 5 {
			if _, err := brokertest.Publish(log, "x"); err != nil {
				t.Fatal(err)
			}
		}
		log.Close()
		e.Close()
		s.Close()
	}
}

func TestDirectoryIsLocked(t *testing.T) {
	dir := t.TempDir()
	s := start(t, embedded.Config{Dir: dir})
	if _, err := embedded.Start(embedded.Config{Dir: dir, Logger: quiet}); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("%v", err)
	}
	s.Close()
	start(t, embedded.Config{Dir: dir}).Close()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.Start(embedded.Config{Dir: file, Logger: quiet}); err == nil {
		t.Error("a file is no directory")
	}
}

func TestCheck(t *testing.T) {
	err := (&embedded.Config{ClusterListen: "0.0.0.0:7000", Routes: []string{"a", "b:0", ":7", "c:7000"}}).Check()
	for _, want := range []string{"needs a directory", "secret is required", `"a"`, `"b:0"`, `":7"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %s", err, want)
		}
	}
	if strings.Contains(err.Error(), "c:7000") {
		t.Error(err)
	}
	for _, good := range []embedded.Config{{Dir: "d"}, {Dir: "d", ClusterListen: "127.0.0.1:0", Routes: []string{"h:1"}}, {Dir: "d", ClusterListen: "0.0.0.0:1", Secret: "s", Routes: []string{"h:1"}}} {
		if err := good.Check(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	if err := (&embedded.Config{Dir: "d", Routes: []string{"h:1"}}).Check(); err == nil {
		t.Error("routes without an address")
	}
}

// Three servers make a cluster; each publishes, all hear, and it goes on with two of them.
func TestCluster(t *testing.T) {
	const nodes = 3
	servers, engines, logs, sinks := make([]*embedded.Server, nodes), make([]*jetstream.Engine, nodes), make([]broker.Log, nodes), make([]*sink, nodes)
	routes := freeAddrs(t, nodes)
	for i := range nodes {
		servers[i] = start(t, embedded.Config{Dir: t.TempDir(), ClusterListen: routes[i], Routes: routes, Secret: "a secret: of @ words/"})
	}
	for i := range nodes {
		engines[i] = engine(t, servers[i], jetstream.Config{Replicas: nodes, SyncInterval: 200 * time.Millisecond})
		sinks[i] = &sink{}
		logs[i] = engines[i].Open("news", broker.Retention{Size: 1000}, sinks[i])
		eventually(t, func() error { return ask(logs[i]) })
	}
	published := 0
	publish := func(log broker.Log) {
		for range 50 {
			eventually(t, func() error { _, err := brokertest.Publish(log, fmt.Sprint(published)); return err })
			published++
		}
	}
	for _, log := range logs {
		publish(log)
	}
	for _, s := range sinks {
		s.await(t, published)
	}
	since := brokertest.Position(t, logs[1])
	engines[0].Close()
	servers[0].Close()
	publish(logs[1])
	publish(logs[2])
	sinks[1].await(t, published)
	sinks[2].await(t, published)
	got := brokertest.Recover(t, logs[2], broker.RecoverQuery{Since: &since, MaxBytes: 1 << 20})
	if !got.Exact || len(got.Publications) < 100 || got.Position != brokertest.Position(t, logs[1]) {
		t.Errorf("exact %v, %d publications", got.Exact, len(got.Publications))
	}
	for i := 1; i < nodes; i++ {
		engines[i].Close()
		servers[i].Close()
	}
}

// freeAddrs are addresses that were free a moment ago.
func freeAddrs(t *testing.T, n int) (addrs []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs
}

// ask asks for the position, and tells why there is none.
func ask(log broker.Log) error {
	failed := make(chan error, 1)
	log.Position(func(_ broker.Position, err error) { failed <- err })
	return <-failed
}

// eventually tries until it works. A publication that may have been made is not tried again.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		switch err := try(); {
		case err == nil, errors.Is(err, jetstream.ErrUnknown):
			return
		case time.Now().After(end):
			t.Fatal(err)
		}
	}
}

// A process that is killed while it makes its directory leaves one that the next can begin with.
func TestInterruptedFirstStart(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "name")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, embedded.Config{Dir: dir}).Close()
	first, err := os.ReadFile(name)
	if err != nil || !strings.HasPrefix(string(first), "wsedge-") {
		t.Fatalf("%q, %v", first, err)
	}
	start(t, embedded.Config{Dir: dir}).Close()
	if again, err := os.ReadFile(name); err != nil || string(again) != string(first) {
		t.Errorf("%q after %q, %v", again, first, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 3 {
		t.Errorf("%v, %v", entries, err)
	}
}

// Other processes of the machine reach a server that takes clients, if they know the password. What it keeps in memory ends with it.
func TestClientsOfOtherProcesses(t *testing.T) {
	dir, epochs := t.TempDir(), make(map[string]bool)
	for range 2 {
		s := start(t, embedded.Config{Dir: dir, Clients: true, MaxMemory: 1 << 20})
		url, user, password := s.Access()
		if host, _, err := net.SplitHostPort(strings.TrimPrefix(url, "nats://")); err != nil || host != "127.0.0.1" {
			t.Errorf("listens at %s", url)
		}
		e, err := jetstream.Connect(jetstream.Config{URL: url, Options: []nats.Option{nats.UserInfo(user, password)}, InMemory: true, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		log := e.Open("news", broker.Retention{Size: 10}, &sink{})
		epochs[brokertest.Position(t, log).Epoch] = true
		if _, err := brokertest.Publish(log, "x"); err != nil {
			t.Error(err)
		}
		log.Close()
		e.Close()
		if nc, err := nats.Connect(url, nats.UserInfo(user, "guess")); err == nil {
			nc.Close()
			t.Error("any password does")
		}
		s.Close()
	}
	if len(epochs) != 2 {
		t.Errorf("epochs %v", epochs)
	}
}
