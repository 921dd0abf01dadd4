package loadtest

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

// TestPhasesOverAgents has connections on two machines come and go, some of them in two processes and on this one as well.
func TestPhasesOverAgents(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"one topic":   func(*Config) {},
		"five topics": func(c *Config) { c.Processes, c.Threads, c.WithLocal = 2, 1, true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			many := 60
			cfg := topicLives(t, centrifugoLike(), 7, PhasePlan{Name: "up", Duration: tenths(3), Conns: &many},
				PhasePlan{Name: "churn", Duration: tenths(5), Churn: 80}, PhasePlan{Name: "storm", Duration: tenths(10), Drop: 0.5, DropBy: DropSilent})
			if cfg.Conns = 40; name == "one topic" {
				cfg.Topics, cfg.TopicSizes = 1, TopicSizes{}
			}
			cfg.Agents, cfg.AgentToken, cfg.WorkerCommand = []Agent{{Address: startAgent(t, nil).address}, {Address: startAgent(t, nil).address}}, []byte(agentToken), testWorkerCommand()
			cfg.Drain = 20 * time.Second
			change(&cfg)
			r := mustRun(t, cfg)
			checkPhases(t, r)
			up, churn, storm := r.Phases[0], r.Phases[1], r.Phases[2]
			if up.Opened+churn.Opened != 20+churn.Churned || churn.Churned+churn.ChurnMissed != 40 || churn.Churned == 0 || storm.Dropped == 0 ||
				storm.Back.Count != int64(storm.Dropped) || storm.Conns != 60 {
				t.Errorf("%+v\n%+v\n%+v", up, churn, storm)
			}
			conns := 0
			for _, a := range r.Agents {
				conns += a.Conns
				if a.Conns == 0 || a.Established != a.Conns || a.Latency.Count == 0 {
					t.Errorf("%+v", a)
				}
			}
			if cfg.WithLocal == (conns == 60) || cfg.WithLocal && r.Config.Processes < 6 {
				t.Errorf("the agents had %d connections, in %d processes", conns, r.Config.Processes)
			}
		})
	}
}

// TestPhasesFollowAnotherClock tells a worker that it is later in the midst of a phase: the phases go by the new clock.
func TestPhasesFollowAnotherClock(t *testing.T) {
	t.Parallel()
	s := &pushServer{}
	s.start(t)
	cfg := livesRun(s.url("/ws/raw?channel=load"), PhasePlan{Name: "churn", Duration: tenths(2), Churn: 100}, PhasePlan{Name: "rest", Duration: time.Hour},
		PhasePlan{Name: "storm", Duration: tenths(2), Drop: 0.5})
	cfg.Conns = 10
	cfg = cfg.withDefaults()
	commandsIn, commandsOut := io.Pipe()
	linesIn, linesOut := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- errors.Join(RunWorker(t.Context(), commandsIn, linesOut), linesOut.Close()) }()
	commands, lines := json.NewEncoder(commandsOut), json.NewDecoder(linesIn)
	send := func(v any) {
		t.Helper()
		if err := commands.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	wait := func(good func(l workerLine) bool) (line workerLine) {
		t.Helper()
		for !good(line) {
			line = workerLine{}
			if err := lines.Decode(&line); err != nil || line.Error != "" {
				t.Fatalf("%v, %s", err, line.Error)
			}
		}
		return line
	}
	send(workerSpec{
		Scenario: Fanout, Addr: netip.MustParseAddrPort(s.listener.Addr().String()), Host: "h", Path: "/ws/raw?channel=load", Conns: 10, TotalConns: 10,
		Threads: 1, ConnectRate: 1000, MaxInFlight: 10, Epoch: monotonicNow(), Payload: MinPayload, Topics: topicPlan{Sizes: []int{10}, Publishers: 1},
		SequenceLimit: 10, Loops: 1, SetupTimeout: time.Minute, Phases: cfg.Phases, Initial: 10, Backoff: cfg.Backoff,
	})
	wait(func(l workerLine) bool { return l.Progress != nil && l.Progress.Ready == 10 })
	const later = int64(1e15)
	start := windowOf(cfg.Phases, later+50e6)
	send(workerCommand{Clock: &clockLine{At: monotonicNow(), Shows: later, Drift: 1e-3}})
	send(workerCommand{Start: &start})
	wait(func(l workerLine) bool { return l.Progress != nil && l.Progress.At > later+300e6 })
	// Most of an hour is left out.
	send(workerCommand{Clock: &clockLine{At: monotonicNow(), Shows: start.End - 250e6}})
	wait(func(l workerLine) bool { return l.Progress != nil && l.Progress.At > start.End && l.Progress.Left >= 5 })
	send(workerCommand{Stop: &stopCommand{}})
	last := wait(func(l workerLine) bool { return l.Result != nil })
	churn, storm := last.Result.Phases[0].Counts, last.Result.Phases[2].Counts
	if churn.Churned+churn.ChurnMissed != 20 || churn.Churned == 0 || storm.Dropped != 5 || last.Result.Phases[1].Counts.Left != 0 {
		t.Errorf("%+v", last.Result.Phases)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestChurnByAClockThatIsWrong has questions to the agent come 100 ms late: its clock is believed to be 50 ms behind, so that
// connections seem to be there before they are. Nobody is blamed for what was published then.
func TestChurnByAClockThatIsWrong(t *testing.T) {
	t.Parallel()
	a := startAgent(t, nil)
	agent, err := net.ResolveTCPAddr("tcp", a.address)
	if err != nil {
		t.Fatal(err)
	}
	s := &pushServer{}
	s.start(t)
	cfg := livesRun(s.url("/ws"), PhasePlan{Name: "churn", Duration: tenths(10), Churn: 40})
	cfg.Rate, cfg.Publishers, cfg.Drain, cfg.WorkerCommand = 200, 1, 20*time.Second, testWorkerCommand()
	cfg.Agents, cfg.AgentToken = []Agent{{Address: startProxyBothWays(t, agent, copyAll, heldUp(100*time.Millisecond))}}, []byte(agentToken)
	r := mustRun(t, cfg)
	if c := r.Agents[0].Clock; c.Uncertainty < 50e3 || c.OffsetSecs < 0.025 || c.Early == 0 {
		t.Errorf("%+v", c)
	}
	checkPhases(t, r)
	if r.Phases[0].Churned == 0 {
		t.Errorf("%+v", r.Phases[0])
	}
}

// TestDoubtfulClocks has a life that seems to begin before its publications were sent, by the clock of another machine.
func TestDoubtfulClocks(t *testing.T) {
	totals := []publisherTotals{{Sent: 4, Times: []int64{10, 20, 30, 40}}}
	for doubt, want := range map[int64]LedgerCounts{0: {Expected: 6, Received: 4, Lost: 2}, 10: {Expected: 4, Received: 4}} {
		l := newLedger(2, 1).withLives()
		l.doubt = doubt
		for subscriber := range 2 {
			l.begin(subscriber, func(int) uint32 { return 0 })
			l.note(subscriber, 0, 2) // the one before is missing
			l.note(subscriber, 0, 3)
		}
		l.end(0, 20, false)
		l.settleSince(1, 20, totals)
		l.settleEnded(totals, false)
		if l.counts != want {
			t.Errorf("doubt %d: %+v, want %+v", doubt, l.counts, want)
		}
	}
}
