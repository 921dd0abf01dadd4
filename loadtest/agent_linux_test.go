package loadtest

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// agentToken is that of all agents in the tests.
const agentToken = "a token that is long enough for tests"

// workerCommand makes the test binary a worker process, whatever the environment.
func testWorkerCommand() []string { return []string{"env", workerVariable + "=1", os.Args[0]} }

// testAgent is an agent in this process.
type testAgent struct {
	address string
	stop    func() // and waits

	mu    sync.Mutex
	lines []string // that it has logged
}

func (a *testAgent) log(line string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lines = append(a.lines, line)
}

// logged says whether there was a line with that text.
func (a *testAgent) logged(text string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.ContainsFunc(a.lines, func(line string) bool { return strings.Contains(line, text) })
}

func startAgent(t *testing.T, change func(*AgentConfig)) *testAgent {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &testAgent{address: listener.Addr().String()}
	cfg := AgentConfig{Token: []byte(agentToken), WorkerCommand: testWorkerCommand(), Log: a.log}
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- ServeAgent(ctx, listener, cfg) }()
	a.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(a.stop)
	return a
}

// agentFanout is a short fan-out to 40 subscribers, held by agents.
func agentFanout(url string, agents ...Agent) Config {
	cfg := shortFanout(url)
	cfg.Conns, cfg.Drain, cfg.Agents, cfg.AgentToken = 40, 20*time.Second, agents, []byte(agentToken)
	cfg.WorkerCommand = testWorkerCommand()
	return cfg
}

func TestFanoutOverAgents(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change func(*Config)
		conns  []int // of the agents
	}{
		"by weight":          {func(c *Config) { c.Agents[0].Weight, c.Agents[1].Weight = 3, 1 }, []int{30, 10}},
		"with this machine":  {func(c *Config) { c.WithLocal = true }, []int{13, 14}},
		"in three processes": {func(c *Config) { c.Processes, c.Threads = 3, 1 }, []int{20, 20}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &pushServer{}
			s.start(t)
			cfg := agentFanout(s.url("/ws"), Agent{Address: startAgent(t, nil).address}, Agent{Address: startAgent(t, nil).address})
			c.change(&cfg)
			r := mustRun(t, cfg)
			if want := (LedgerCounts{Expected: 800, Received: 800}); r.Ledger != want || !r.Verdict.OK {
				t.Errorf("%+v, %v", r.Ledger, r.Verdict.Reasons)
			}
			if r.Latency.Count != 800 || r.Completion.Count != 20 || len(r.Agents) != 2 {
				t.Fatalf("%+v, %+v, %d agents", r.Latency, r.Completion, len(r.Agents))
			}
			for i, a := range r.Agents {
				if a.Conns != c.conns[i] || a.Established != a.Conns || a.Latency.Count != int64(20*a.Conns) {
					t.Errorf("agent %d: %d connections, %d established, %d deliveries", i, a.Conns, a.Established, a.Latency.Count)
				}
				if a.Clock.Rounds < 2 || a.Clock.RoundTrip <= 0 || a.Clock.Uncertainty < a.Clock.RoundTrip/2 || a.Environment.Kernel == "" {
					t.Errorf("agent %d: %+v on %q", i, a.Clock, a.Environment.Kernel)
				}
			}
			if cfg.Processes == 3 && (r.Config.Processes != 6 || r.Agents[0].Processes != 3 || r.Agents[0].Threads != 1) {
				t.Errorf("%d processes, %+v", r.Config.Processes, r.Agents[0])
			}
			var text strings.Builder
			if err := r.WriteText(&text); err != nil || !strings.Contains(text.String(), "known to within") {
				t.Errorf("%v in\n%s", err, text.String())
			}
		})
	}
}

func TestEchoAndIdleOverAgents(t *testing.T) {
	t.Parallel()
	a := startAgent(t, func(c *AgentConfig) { c.Sources, _ = ParseSources("127.0.3.0/30") })
	s := &pushServer{}
	s.start(t)
	cfg := agentFanout(s.url("/echo"), Agent{Address: a.address})
	cfg.Scenario, cfg.Rate, cfg.Sources = Echo, 1000, nil
	r := mustRun(t, cfg)
	if !r.Verdict.OK || r.Messages.Sent != 100 || r.Ledger.Received != 100 || len(r.ClockReasons) != 0 {
		t.Errorf("%+v, %+v", r.Verdict, r.Messages)
	}
	if got := r.Agents[0].Sources; !slices.Equal(got, []string{"127.0.3.0/30"}) {
		t.Errorf("from %v", got)
	}
	cfg.Scenario, cfg.Rate, cfg.URL = Idle, 0, s.url("/ws")
	if r := mustRun(t, cfg); !r.Verdict.OK || r.Connections.Established != 40 {
		t.Errorf("%+v, %+v", r.Verdict, r.Connections)
	}
}

// TestInterruptedRunOverAgents stops in the midst: what there is is reported.
func TestInterruptedRunOverAgents(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := &pushServer{publish: func(nth int) int {
		if nth == 5 {
			cancel()
		}
		return http.StatusOK
	}}
	s.start(t)
	cfg := agentFanout(s.url("/ws"), Agent{Address: startAgent(t, nil).address})
	cfg.Duration = time.Minute
	r, err := Run(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Interrupted || !r.Verdict.OK || r.Ledger.Received != 40*r.Publications.Acknowledged {
		t.Errorf("%+v, %+v", r.Verdict, r.Ledger)
	}
}

// TestAgentThatStopsInTheMidst ends an agent during a run, once in good order and once by its connection.
func TestAgentThatStopsInTheMidst(t *testing.T) {
	t.Parallel()
	a := startAgent(t, nil)
	s := &pushServer{publish: func(nth int) int {
		if nth == 5 {
			go a.stop()
		}
		return http.StatusOK
	}}
	s.start(t)
	cfg := agentFanout(s.url("/ws"), Agent{Address: a.address})
	cfg.Duration = time.Minute
	_, err := Run(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "agent "+a.address) {
		t.Errorf("got %v", err)
	}
}

// TestFarAgentSaysSo has answers come 100 ms late: the clock is believed to be 50 ms off, and the report knows that.
func TestFarAgentSaysSo(t *testing.T) {
	t.Parallel()
	a := startAgent(t, nil)
	s := &pushServer{}
	s.start(t)
	server, err := net.ResolveTCPAddr("tcp", a.address)
	if err != nil {
		t.Fatal(err)
	}
	cfg := agentFanout(s.url("/ws"), Agent{Address: startProxy(t, server, heldUp(100*time.Millisecond))})
	r := mustRun(t, cfg)
	c := r.Agents[0].Clock
	if c.RoundTrip < 100e3 || c.Uncertainty < 50e3 || c.OffsetSecs*1e6 < -c.Uncertainty-1 || c.OffsetSecs > -0.025 {
		t.Errorf("%+v", c)
	}
	if !r.Verdict.Invalid || len(r.ClockReasons) != 1 || !strings.Contains(r.ClockReasons[0], cfg.Agents[0].Address) || r.Ledger.Received != 800 {
		t.Errorf("%+v, %v, p99 %d µs", r.Verdict, r.ClockReasons, r.Latency.P99)
	}
	var text strings.Builder
	if err := r.WriteText(&text); err != nil || !strings.Contains(text.String(), "INVALID: the clock of agent") {
		t.Errorf("%v in\n%s", err, text.String())
	}
}

// TestRunsThatAgentsRefuse has each reason told, with the agent's name.
func TestRunsThatAgentsRefuse(t *testing.T) {
	t.Parallel()
	rule, err := ParseTargetRule("192.0.2.0/24")
	if err != nil {
		t.Fatal(err)
	}
	open := startAgent(t, nil)
	strict := startAgent(t, func(c *AgentConfig) { c.Allow = []TargetRule{rule} })
	six := startAgent(t, func(c *AgentConfig) { c.Sources, _ = ParseSources("::1") })
	s := &pushServer{}
	s.start(t)
	cases := map[string]struct {
		change func(*Config)
		want   []string
	}{
		"token":   {func(c *Config) { c.AgentToken = []byte(strings.ToUpper(agentToken)) }, []string{open.address, "does not hold this token"}},
		"target":  {func(c *Config) { c.Agents[0].Address = strict.address }, []string{strict.address, "allows 192.0.2.0/24"}},
		"sources": {func(c *Config) { c.Agents[0].Address = six.address }, []string{six.address, "cannot reach"}},
		"nobody":  {func(c *Config) { c.Agents[0].Address = refusingAddress(t) }, []string{"refused"}},
		"too few ports": {func(c *Config) { c.Conns = 1 << 20; c.Sources, _ = ParseSources("127.0.0.4") },
			[]string{open.address, "local ports on 1 addresses"}},
		"a short token": {func(c *Config) { c.AgentToken = []byte("short") }, []string{"at least 32"}},
		"twice":         {func(c *Config) { c.Agents = append(c.Agents, c.Agents[0]) }, []string{"named twice"}},
	}
	for name, c := range cases {
		cfg := agentFanout(s.url("/ws"), Agent{Address: open.address})
		c.change(&cfg)
		_, err := Run(t.Context(), cfg)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q in it", name, err, want)
			}
		}
	}
	if !strict.logged("refused: this agent puts no load on ") {
		t.Error("the agent does not tell what it was asked for")
	}
	if s.handshakes > 0 {
		t.Errorf("%d connections were made nevertheless", s.handshakes)
	}
}

// heldUp makes everything that comes down later by that.
func heldUp(by time.Duration) func(conn int, to io.Writer, from io.Reader) {
	return func(_ int, to io.Writer, from io.Reader) {
		buf := make([]byte, 64<<10)
		for {
			n, err := from.Read(buf)
			time.Sleep(by)
			if _, writeErr := to.Write(buf[:n]); err != nil || writeErr != nil {
				return
			}
		}
	}
}
