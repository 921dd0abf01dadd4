package loadtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wsedge/wsedge/frame"
)

// shortFanout publishes 20 times, 5 ms apart, to 5 subscribers, over one connection.
func shortFanout(url string) Config {
	return Config{
		Scenario: Fanout, URL: url, Conns: 5, Threads: 2, Duration: 100 * time.Millisecond, Rate: 200, Publishers: 1,
		Drain: patience,
	}
}

// patience bounds what must come; a test that passes never waits for it.
const patience = 60 * time.Second

// arrives ends a run when so many deliveries have come for the first time, and so many that are wrong. It is for servers that
// lose some: a run that waited for them for so long, and no longer, would lose those too that are late on a busy machine.
func arrives(good, faulty uint64) func(p progress) bool {
	return func(p progress) bool { return p.Delivered >= good && p.Faulty >= faulty }
}

func mustRun(t *testing.T, cfg Config) *Report {
	t.Helper()
	report, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	checkSchema(t, report)
	return report
}

func TestFanoutDeliversEverything(t *testing.T) {
	cases := []struct {
		name   string
		path   string
		change func(*Config)
	}{
		{"native", "/ws", func(*Config) {}},
		{"raw", "/ws/raw?channel=load", func(*Config) {}},
		{"many outstanding", "/ws", func(c *Config) { c.Outstanding, c.Publishers = 4, 0 }},
		{"warm-up and settling", "/ws", func(c *Config) { c.Warmup, c.Settle = 50*time.Millisecond, 10*time.Millisecond }},
		{"one loop", "/ws", func(c *Config) { c.Threads = 1 }},
		{"more loops than connections", "/ws", func(c *Config) { c.Threads = 8 }},
		{"large messages", "/ws", func(c *Config) { c.Payload = 200_000 }},
		{"with a process", "/ws", func(c *Config) { c.PID = os.Getpid() }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := &pushServer{ping: true}
			s.start(t)
			cfg := shortFanout(s.url(c.path))
			c.change(&cfg)
			cfg.Drain = 10 * time.Second
			r := mustRun(t, cfg)
			scheduled := uint64(200 * (cfg.Duration + cfg.Warmup).Seconds())
			if !r.Verdict.OK || r.Publications.Acknowledged != scheduled {
				t.Fatalf("%v, %+v", r.Verdict.Reasons, r.Publications)
			}
			if want := (LedgerCounts{Expected: 5 * scheduled, Received: 5 * scheduled}); r.Ledger != want {
				t.Errorf("ledger %+v, want %+v", r.Ledger, want)
			}
			if r.Latency.Count != 100 || r.Completion.Count != 20 || r.FirstReceiver.Count != 20 || r.Acknowledgement.Count != 20 {
				t.Errorf("measured %d deliveries, %d, %d, %d publications, want 100 and 20", r.Latency.Count, r.Completion.Count,
					r.FirstReceiver.Count, r.Acknowledgement.Count)
			}
			if r.Completion.Max < r.FirstReceiver.Max || r.Latency.Max > r.Completion.Max {
				t.Errorf("delivery %+v, first %+v, last %+v", r.Latency, r.FirstReceiver, r.Completion)
			}
			if r.Messages.Pings != 5*scheduled {
				t.Errorf("%d pings answered, want %d", r.Messages.Pings, 5*scheduled)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.closes != 5 {
				t.Errorf("%d connections said good-bye, want 5", s.closes)
			}
		})
	}
}

// TestFanoutLedgerTellsWhatTheServerDid has subscriber 0 treated badly at publication 7.
func TestFanoutLedgerTellsWhatTheServerDid(t *testing.T) {
	cases := []struct {
		name string
		give func(payload []byte) [][]byte
		held bool // the payload comes with the next publication
		want LedgerCounts
	}{
		{"drops", func([]byte) [][]byte { return nil }, false, LedgerCounts{Received: 99, Lost: 1}},
		{"duplicates", func(p []byte) [][]byte { return [][]byte{p, p} }, false, LedgerCounts{Received: 100, Duplicated: 1}},
		{"reorders", func([]byte) [][]byte { return nil }, true, LedgerCounts{Received: 100, Reordered: 1}},
		{"corrupts", func(p []byte) [][]byte { return [][]byte{bytes.Replace(p, []byte("xxx"), []byte("xyx"), 1)} }, false,
			LedgerCounts{Received: 99, Lost: 1, Corrupted: 1}},
		{"shortens", func(p []byte) [][]byte { return [][]byte{bytes.Replace(p, []byte("xxx"), []byte("xx"), 1)} }, false,
			LedgerCounts{Received: 99, Lost: 1, Corrupted: 1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var held []byte
			s := &pushServer{give: func(nth int, payload []byte) [][]byte {
				switch {
				case nth == 7:
					held = bytes.Clone(payload)
					return c.give(payload)
				case nth == 8 && c.held:
					return [][]byte{payload, held}
				}
				return [][]byte{payload}
			}}
			s.start(t)
			cfg := shortFanout(s.url("/ws"))
			cfg.all = arrives(c.want.Received, c.want.Duplicated+c.want.Reordered+c.want.Corrupted)
			r := mustRun(t, cfg)
			c.want.Expected = 100
			if r.Ledger != c.want || r.Verdict.OK {
				t.Errorf("got %+v (%v), want %+v", r.Ledger, r.Verdict, c.want)
			}
		})
	}
}

func TestFanoutConnectionThatEndsEarly(t *testing.T) {
	cases := []struct {
		name  string
		end   func(s *pushServer)
		cause string
	}{
		{"close frame", func(s *pushServer) { s.closeSubscriber(0, frame.CloseGoingAway) }, "close 1001 bye"},
		{"end of stream", func(s *pushServer) { _ = s.subscribers[0].(*net.TCPConn).CloseWrite() }, "closed without a close frame"},
		{"reset", func(s *pushServer) {
			_ = s.subscribers[0].(*net.TCPConn).SetLinger(0)
			_ = s.subscribers[0].Close()
		}, "receive: ECONNRESET (connection reset by peer)"},
		{"no WebSocket frame", func(s *pushServer) { _, _ = s.subscribers[0].Write([]byte{0xff, 0xff}) }, "protocol: reserved_bits"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var s *pushServer
			s = &pushServer{give: func(nth int, payload []byte) [][]byte {
				if nth == 10 {
					c.end(s)
				}
				if nth >= 10 {
					return nil
				}
				return [][]byte{payload}
			}}
			s.start(t)
			cfg := shortFanout(s.url("/ws"))
			cfg.all = func(p progress) bool { return p.Delivered >= 90 && p.Ended == 1 }
			r := mustRun(t, cfg)
			if want := (LedgerCounts{Expected: 100, Received: 90, Lost: 10}); r.Ledger != want || r.Verdict.OK {
				t.Errorf("got %+v (%v), want %+v", r.Ledger, r.Verdict, want)
			}
			if want := map[string]uint64{c.cause: 1}; !maps.Equal(r.Connections.Endings, want) {
				t.Errorf("endings %v, want %v", r.Connections.Endings, want)
			}
		})
	}
}

func TestFanoutConnectionsThatAreRefused(t *testing.T) {
	t.Run("by status", func(t *testing.T) {
		s := &pushServer{admit: func(nth int) int {
			if nth < 2 {
				return http.StatusServiceUnavailable
			}
			return http.StatusSwitchingProtocols
		}}
		s.start(t)
		r := mustRun(t, shortFanout(s.url("/ws")))
		if r.Verdict.OK || r.Connections.Established != 3 || r.Ledger.Received != 60 || !r.Ledger.clean() ||
			r.Connections.Failures["handshake: status 503"] != 2 {
			t.Errorf("%v, %+v, %+v", r.Verdict, r.Connections, r.Ledger)
		}
	})
	t.Run("by the system", func(t *testing.T) {
		r := mustRun(t, shortFanout("ws://"+refusingAddress(t)+"/ws"))
		if r.Verdict.OK || r.Connections.Established != 0 || r.Errors.Refused != 5 ||
			r.Connections.Failures["connect: ECONNREFUSED (connection refused)"] != 5 {
			t.Errorf("%v, %+v", r.Verdict, r.Connections)
		}
	})
	t.Run("by the system, in several processes", func(t *testing.T) {
		t.Setenv(workerVariable, "1")
		cfg := shortFanout("ws://" + refusingAddress(t) + "/ws")
		cfg.Processes, cfg.WorkerCommand = 2, []string{os.Args[0]}
		if r := mustRun(t, cfg); r.Errors.Refused != 5 || r.Errors.Total != 5 {
			t.Errorf("%+v", r.Errors)
		}
	})
	t.Run("by the subscription's answer", func(t *testing.T) {
		s := &pushServer{subscribed: `{"type":"error","id":1,"code":"permission_denied"}`}
		s.start(t)
		r := mustRun(t, shortFanout(s.url("/ws")))
		if r.Verdict.OK || r.Errors.Subscription["permission_denied"] != 5 ||
			r.Connections.Failures["subscribe refused: permission_denied"] != 5 {
			t.Errorf("%v, %+v", r.Verdict, r.Connections)
		}
	})
	t.Run("by silence", func(t *testing.T) {
		s := &pushServer{subscribed: `{"type":"welcome"}`}
		s.start(t)
		cfg := shortFanout(s.url("/ws"))
		cfg.SetupTimeout = time.Millisecond
		r := mustRun(t, cfg)
		if r.Verdict.OK || sum(r.Connections.Failures) != 5 || sum(r.Errors.Timeout) != 5 {
			t.Errorf("%v, %+v", r.Verdict, r.Connections)
		}
	})
}

// refusingAddress is one where nobody listens: its socket keeps the port from all others until the end of the test.
func refusingAddress(t *testing.T) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", bound.(*unix.SockaddrInet4).Port)
}

func TestFanoutOverSeveralProcesses(t *testing.T) {
	t.Setenv(workerVariable, "1")
	s := &pushServer{}
	s.start(t)
	cfg := shortFanout(s.url("/ws"))
	cfg.Processes, cfg.WorkerCommand, cfg.Drain = 3, []string{os.Args[0]}, 10*time.Second
	r := mustRun(t, cfg)
	if want := (LedgerCounts{Expected: 100, Received: 100}); !r.Verdict.OK || r.Ledger != want {
		t.Errorf("%v, %+v", r.Verdict, r.Ledger)
	}
	if r.Latency.Count != 100 || r.Completion.Count != 20 || r.Config.Processes != 3 {
		t.Errorf("%+v, %+v, %d processes", r.Latency, r.Completion, r.Config.Processes)
	}
}

func TestWorkerProcessThatFails(t *testing.T) {
	s := &pushServer{}
	s.start(t)
	cfg := shortFanout(s.url("/ws"))
	cfg.Processes = 2
	for _, command := range [][]string{{"false"}, {"echo", "nonsense"}, {"/does/not/exist"}} {
		cfg.WorkerCommand = command
		if _, err := Run(t.Context(), cfg); err == nil || errors.Is(err, ErrUsage) {
			t.Errorf("%v: got %v", command, err)
		}
	}
}

func TestInterruptedFanoutReports(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := &pushServer{publish: func(nth int) int {
		if nth == 5 {
			cancel()
		}
		return http.StatusOK
	}}
	s.start(t)
	cfg := shortFanout(s.url("/ws"))
	cfg.Duration, cfg.Drain = time.Hour, 10*time.Second
	r, err := Run(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Interrupted || !r.Verdict.OK || r.Publications.Acknowledged < 6 || r.Ledger.Received != 5*r.Publications.Acknowledged {
		t.Errorf("%v, %+v, %+v", r.Verdict, r.Publications, r.Ledger)
	}
	if r.Generator.LoopBusy == 0 {
		t.Error("nothing is said of how busy the generator was")
	}
}

func TestExpectationsOfARun(t *testing.T) {
	s := &pushServer{}
	s.start(t)
	cfg := shortFanout(s.url("/ws"))
	cfg.Drain = 10 * time.Second
	for _, text := range []string{"received==100", "completion.p99<1us"} {
		e, err := ParseExpectation(text)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Expect = append(cfg.Expect, e)
	}
	r := mustRun(t, cfg)
	if got := r.Expectations; len(got) != 2 || !got[0].OK || got[1].OK || r.MeetsExpectations() {
		t.Errorf("%+v", got)
	}
	var text strings.Builder
	if err := r.WriteText(&text); err != nil || !strings.Contains(text.String(), "\nexpect: completion.p99<1us: FAILED: it is ") {
		t.Errorf("%v in\n%s", err, text.String())
	}
}

func TestProgressLines(t *testing.T) {
	s := &pushServer{}
	s.start(t)
	cfg := shortFanout(s.url("/ws"))
	cfg.Duration = 1200 * time.Millisecond
	var lines []string
	cfg.Progress = func(line string) { lines = append(lines, line) }
	r := mustRun(t, cfg)
	if len(lines) == 0 || len(lines) != len(r.Seconds) || !strings.Contains(lines[0], "conns 5  published") {
		t.Errorf("%d seconds, lines %q", len(r.Seconds), lines)
	}
}

func TestRunRefusesWhatCannotWork(t *testing.T) {
	good := Config{Scenario: Fanout, URL: "ws://127.0.0.1:1/ws"}
	for _, change := range []func(*Config){
		func(c *Config) { c.URL = "http://127.0.0.1:1" },
		func(c *Config) { c.URL = "ws://127.0.0.1:70000/ws" },
		func(c *Config) { c.Conns = -1 },
		func(c *Config) { c.PID = 1 << 30 },
		func(c *Config) { c.Sources, _ = ParseSources("::1") },
	} {
		cfg := good
		change(&cfg)
		if _, err := Run(t.Context(), cfg); !errors.Is(err, ErrUsage) {
			t.Errorf("%+v: got %v, want a usage error", cfg, err)
		}
	}
}

func TestSourceAddressesAreUsed(t *testing.T) {
	s := &pushServer{}
	s.start(t)
	cfg := shortFanout(s.url("/ws/raw"))
	var err error
	if cfg.Sources, err = ParseSources("127.0.0.7,127.0.0.9"); err != nil {
		t.Fatal(err)
	}
	var from []string
	s.publish = func(int) int { return http.StatusOK }
	s.give = func(nth int, payload []byte) [][]byte {
		if nth == 0 {
			for _, conn := range s.subscribers {
				host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
				from = append(from, host)
			}
		}
		return [][]byte{payload}
	}
	mustRun(t, cfg)
	slices.Sort(from)
	if want := []string{"127.0.0.7", "127.0.0.7", "127.0.0.7", "127.0.0.9", "127.0.0.9"}; !slices.Equal(from, want) {
		t.Errorf("connected from %v, want %v", from, want)
	}
}

// TestShortestWindow is over before anybody has looked at the CPU time at its beginning.
func TestShortestWindow(t *testing.T) {
	s := &pushServer{}
	s.start(t)
	cfg := shortFanout(s.url("/ws"))
	cfg.Duration = 1
	if r := mustRun(t, cfg); !r.Verdict.OK || r.Generator.CPUBusy > 100 || r.Generator.LoopBusy > 100 {
		t.Errorf("%+v %+v", r.Verdict, r.Generator)
	}
}
