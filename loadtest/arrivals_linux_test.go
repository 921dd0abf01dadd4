package loadtest

import (
	"os"
	"testing"
	"time"
)

// TestArrivalsOfWholeRuns sends as many messages as the schedule has, however many loops and processes share it.
func TestArrivalsOfWholeRuns(t *testing.T) {
	t.Setenv(workerVariable, "1")
	for _, shape := range []string{"constant", "poisson", "burst:16", "step:500@50ms,2000"} {
		for _, scenario := range []Scenario{Fanout, Echo} {
			for _, processes := range []int{1, 3} {
				if processes > 1 && shape == "constant" {
					continue // the other tests over several processes have it
				}
				s := &pushServer{}
				s.start(t)
				cfg := shortEcho(s.url("/echo"), 1000)
				if scenario == Fanout {
					cfg = shortFanout(s.url("/ws"))
				}
				cfg.Arrivals, cfg.Seed, cfg.Drain = mustArrivals(t, shape), 7, 10*time.Second
				cfg.Processes, cfg.WorkerCommand = processes, []string{os.Args[0]}
				plan := arrivalPlan{Arrivals: cfg.Arrivals, Rate: cfg.Rate, Seed: 7}
				want := uint64(len(due(newSchedule(0, plan), int64(cfg.Duration))))
				r := mustRun(t, cfg)
				sent := r.Messages.Sent
				if scenario == Fanout {
					sent = r.Publications.Scheduled
				}
				if !r.Verdict.OK || sent != want || r.Config.Arrivals != shape {
					t.Errorf("%s, %s, %d processes: %v, %d sent, want %d", scenario, shape, processes, r.Verdict, sent, want)
				}
			}
		}
	}
}

// TestEchoWithoutAnotherMessageEnds does not wait for one that is due after the window.
func TestEchoWithoutAnotherMessageEnds(t *testing.T) {
	s := &pushServer{}
	s.start(t)
	cfg := shortEcho(s.url("/echo"), 0.1)
	cfg.Arrivals, cfg.Drain = mustArrivals(t, "burst:8"), time.Hour
	if r := mustRun(t, cfg); !r.Verdict.OK || r.Messages.Sent != 8 {
		t.Errorf("%v, %d sent", r.Verdict, r.Messages.Sent)
	}
}

// TestLoopsTakeMessagesInTurns gives the loops of a run the times of one schedule between them.
func TestLoopsTakeMessagesInTurns(t *testing.T) {
	plan := arrivalPlan{Arrivals: mustArrivals(t, "poisson"), Rate: 1000, Seed: 3}
	all := newSchedule(0, plan)
	var loops [3]echoSchedule
	for i := range loops {
		loops[i] = echoSchedule{all: newSchedule(0, plan), loops: len(loops)}
		loops[i].skip(i)
	}
	for i := range 3000 {
		if l := &loops[i%len(loops)]; l.at != all.next() {
			t.Fatalf("message %d is due at another time in its loop", i)
		} else {
			l.advance()
		}
	}
}

func TestArrivalsThatMakeNoSense(t *testing.T) {
	for name, cfg := range map[string]Config{
		"a closed loop with arrivals": {Scenario: Echo, URL: "ws://h/", Arrivals: mustArrivals(t, "poisson")},
		"bursts of outstanding ones":  {Scenario: Fanout, URL: "ws://h/", Arrivals: mustArrivals(t, "burst:2"), Outstanding: 2},
	} {
		if err := cfg.withDefaults().validate(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	stepped := Config{Scenario: Echo, URL: "ws://h/", Arrivals: mustArrivals(t, "step:5@1s,10@1s,7")}.withDefaults()
	if err := stepped.validate(); err != nil || stepped.Rate != 10 {
		t.Errorf("steps bring their own rate: got %g, %v", stepped.Rate, err)
	}
}
