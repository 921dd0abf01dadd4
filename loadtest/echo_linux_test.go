package loadtest

import (
	"bytes"
	"os"
	"testing"
	"time"
)

func shortEcho(url string, rate float64) Config {
	return Config{
		Scenario: Echo, URL: url, Conns: 4, Threads: 2, Duration: 100 * time.Millisecond, Rate: rate,
		Drain: patience,
	}
}

func TestEcho(t *testing.T) {
	for name, rate := range map[string]float64{"open loop": 1000, "closed loop": 0} {
		for _, payload := range []int{MinPayload, 128, 300_000} {
			t.Run(name, func(t *testing.T) {
				s := &pushServer{}
				s.start(t)
				cfg := shortEcho(s.url("/echo"), rate)
				cfg.Payload, cfg.Drain = payload, 10*time.Second
				r := mustRun(t, cfg)
				if !r.Verdict.OK || r.Ledger.Expected != r.Messages.Sent || r.Ledger.Received != r.Messages.Sent {
					t.Fatalf("%v, %+v, %v, %d sent", r.Verdict, r.Ledger, r.Connections.Endings, r.Messages.Sent)
				}
				if r.ClosedLoop != (rate == 0) || r.Latency.Count != int64(r.Messages.Sent) {
					t.Errorf("closed loop %v, %d measured of %d", r.ClosedLoop, r.Latency.Count, r.Messages.Sent)
				}
				// How many a closed loop sends is the server's choice.
				if rate > 0 && r.Messages.Sent != 100 {
					t.Errorf("%d sent, want 100", r.Messages.Sent)
				}
			})
		}
	}
}

func TestEchoLedgerTellsWhatTheServerDid(t *testing.T) {
	cases := []struct {
		name string
		echo func(p []byte) [][]byte
		all  func(p progress) bool
		want func(l LedgerCounts) bool
	}{
		{"drops all", func([]byte) [][]byte { return nil }, arrives(0, 0), func(l LedgerCounts) bool { return l.Lost == 100 && l.Received == 0 }},
		{"doubles all", func(p []byte) [][]byte { return [][]byte{p, p} }, arrives(100, 100), func(l LedgerCounts) bool { return l.Duplicated == 100 && l.Received == 100 }},
		{"adds a byte", func(p []byte) [][]byte { return [][]byte{append(bytes.Clone(p), ' ')} }, arrives(0, 100),
			func(l LedgerCounts) bool { return l.Corrupted == 100 && l.Lost == 100 }},
		{"changes a byte", func(p []byte) [][]byte { return [][]byte{bytes.Replace(p, []byte("x"), []byte("y"), 1)} }, arrives(0, 100),
			func(l LedgerCounts) bool { return l.Corrupted == 100 }},
		{"says something else", func([]byte) [][]byte { return [][]byte{[]byte("hello")} }, arrives(0, 100), func(l LedgerCounts) bool { return l.Corrupted == 100 }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &pushServer{echo: c.echo}
			s.start(t)
			cfg := shortEcho(s.url("/echo"), 1000)
			cfg.all = c.all
			if r := mustRun(t, cfg); r.Verdict.OK || !c.want(r.Ledger) {
				t.Errorf("%v, %+v", r.Verdict, r.Ledger)
			}
		})
	}
}

func TestEchoOnAnotherConnectionIsMisdelivered(t *testing.T) {
	var last []byte
	s := &pushServer{echo: func(p []byte) [][]byte { // each gets the one before
		out := last
		last = bytes.Clone(p)
		if out == nil {
			return nil
		}
		return [][]byte{out}
	}}
	s.start(t)
	cfg := shortEcho(s.url("/echo"), 1000)
	cfg.all = func(p progress) bool { return p.Delivered+p.Faulty >= 99 }
	if r := mustRun(t, cfg); r.Verdict.OK || r.Ledger.Misdelivered == 0 {
		t.Errorf("%v, %+v", r.Verdict, r.Ledger)
	}
}

func TestEchoOverSeveralProcesses(t *testing.T) {
	t.Setenv(workerVariable, "1")
	s := &pushServer{}
	s.start(t)
	cfg := shortEcho(s.url("/echo"), 1000)
	cfg.Processes, cfg.WorkerCommand, cfg.Drain = 2, []string{os.Args[0]}, 10*time.Second
	if r := mustRun(t, cfg); !r.Verdict.OK || r.Ledger.Received != 100 {
		t.Errorf("%v, %+v", r.Verdict, r.Ledger)
	}
}
