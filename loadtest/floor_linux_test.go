package loadtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/loadtest/floor"
)

// floorVariable makes the test binary a process of the floor.
const floorVariable = "LOADTEST_TEST_FLOOR"

func runFloorProcess() int {
	if err := floor.Run(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func floorConfig(t *testing.T, scenario Scenario) Config {
	t.Helper()
	t.Setenv(floorVariable, "1")
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	return Config{
		Scenario: scenario, Conns: 20, Threads: 1, Rate: 50, Duration: 200 * time.Millisecond, Drain: patience,
		Floor: FloorConfig{Threads: 1, Command: []string{os.Args[0]}},
	}
}

func TestRunFloor(t *testing.T) {
	for _, c := range []struct {
		name     string
		scenario Scenario
		change   func(*Config)
	}{
		{"fan-out", Fanout, func(*Config) {}},
		{"raw", Fanout, func(c *Config) { c.URL = "/ws/raw" }},
		{"bursts on two processes", Fanout, func(c *Config) { c.Outstanding, c.Floor.Processes = 8, 2 }},
		{"echo", Echo, func(*Config) {}},
		{"idle", Idle, func(*Config) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := floorConfig(t, c.scenario)
			c.change(&cfg)
			r, err := RunFloor(context.Background(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			checkSchema(t, r)
			if !r.Verdict.OK || r.Ledger.Received != r.Ledger.Expected || r.Server == nil || r.Server.Problem != "" ||
				len(r.Server.PIDs) != max(cfg.Floor.Processes, 1) {
				t.Errorf("%+v, %+v, %+v", r.Verdict, r.Ledger, r.Server)
			}
		})
	}
}

// TestBesideFloor compares a server, this process, with the floor. How fast either is, is not for a test to say.
func TestBesideFloor(t *testing.T) {
	s := &pushServer{}
	s.start(t)
	cfg := floorConfig(t, Fanout)
	cfg.URL, cfg.PID, cfg.Floor.Rounds = s.url("/ws"), os.Getpid(), 2
	for _, text := range []string{"ratios.cpu_per_delivery>0", "ratios.p99>0", "ratios.completion_p99>0", "floor.mean.p99_us>0", "lost==0"} {
		e, err := ParseExpectation(text)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Expect = append(cfg.Expect, e)
	}
	r, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	checkSchema(t, r)
	if len(r.Floor.Runs) != 5 || !r.Floor.Runs[0].Floor || r.Floor.Runs[1].Floor || !r.Verdict.OK || len(r.FloorRows()) < 4 {
		t.Errorf("%+v, %+v", r.Floor, r.Verdict)
	}
	for _, e := range r.Expectations {
		if !e.OK {
			t.Error(e.Line)
		}
	}
	var text strings.Builder
	if err := r.WriteText(&text); err != nil || !strings.Contains(text.String(), "floor (2 rounds)") || !strings.Contains(text.String(), ": ratio ") {
		t.Errorf("%s, %v", text.String(), err)
	}
}

func TestBesideFloorFails(t *testing.T) {
	cfg := floorConfig(t, Fanout)
	cfg.URL, cfg.Floor.Rounds, cfg.Floor.Command = "ws://127.0.0.1:1/ws", 1, []string{"/does/not/exist"}
	if _, err := Run(context.Background(), cfg); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "floor") {
		t.Errorf("without its program: %v", err)
	}
	cfg.URL = "http://h/"
	if _, err := Run(context.Background(), cfg); !errors.Is(err, ErrUsage) || strings.Contains(err.Error(), "floor") {
		t.Errorf("with a bad URL: %v", err)
	}
	cfg = floorConfig(t, Fanout)
	cfg.Payload = 1
	if _, err := RunFloor(context.Background(), cfg); !errors.Is(err, ErrUsage) {
		t.Errorf("with a bad payload: %v", err)
	}
}
