package jetstream

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/broker/brokertest"
)

// patience is how long a test waits for what must come. It is no measure of anything.
const patience = time.Minute

// startNATS runs a server in the process; port 0: none that anybody can connect to but by InProcessServer; -1: a free one.
func startNATS(t testing.TB, dir string, port int) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		JetStream: true, StoreDir: dir, DontListen: port == 0, Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		t.Fatal("the server does not come up")
	}
	return s
}

func stopNATS(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// natsServer is one for a test.
func natsServer(t testing.TB) *server.Server {
	s := startNATS(t, t.TempDir(), 0)
	t.Cleanup(func() { stopNATS(s) })
	return s
}

var prefixes atomic.Int64

// connect makes an engine that works with a server in the process, and with streams of its own unless config says which.
func connect(t testing.TB, s *server.Server, config Config) *Engine {
	t.Helper()
	if s != nil {
		config.Options = append(config.Options, nats.InProcessServer(s))
	}
	if config.Prefix == "" {
		config.Prefix = fmt.Sprint("test", prefixes.Add(1))
	}
	if config.FirstOffset == nil {
		config.FirstOffset = func() uint64 { return 1 }
	}
	config.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	e, err := Connect(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func TestContract(t *testing.T) {
	s := natsServer(t)
	brokertest.Run(t, func(t *testing.T) broker.Broker { return connect(t, s, Config{}) })
}

func TestContractOfNodes(t *testing.T) {
	s := natsServer(t)
	brokertest.RunNodes(t, func(t *testing.T) (a, b broker.Broker) {
		first := connect(t, s, Config{})
		return first, connect(t, s, Config{Prefix: first.config.Prefix})
	})
}

// freePort is one that was free a moment ago.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// awaitThat polls until something is true.
func awaitThat(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}
