package loadtest

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestConfigDefaults(t *testing.T) {
	fanout := Config{Scenario: Fanout, URL: "ws://h/ws"}.withDefaults()
	if err := fanout.validate(); err != nil {
		t.Error(err)
	}
	if fanout.Rate != 8 || fanout.Payload != 128 || fanout.Publishers != 1 {
		t.Errorf("%+v", fanout)
	}
	if echo := (Config{Scenario: Echo}).withDefaults(); echo.Rate != 0 {
		t.Errorf("an echo without a rate is a closed loop, not %g/s", echo.Rate)
	}
	for _, c := range []struct {
		rate        float64
		outstanding int
		want        int
	}{{8, 8, 8}, {200, 1, 5}, {100_000, 1, 16}} {
		cfg := Config{Scenario: Fanout, Rate: c.rate, Outstanding: c.outstanding}.withDefaults()
		if cfg.Publishers != c.want {
			t.Errorf("%g/s, %d outstanding: %d publishers, want %d", c.rate, c.outstanding, cfg.Publishers, c.want)
		}
	}
}

func TestConfigReportsAllProblemsTogether(t *testing.T) {
	cfg := Config{
		Scenario: "flood", Conns: -1, Duration: -time.Second, Processes: -1, Threads: 1000, ConnectRate: -1, MaxInFlight: -1,
		Payload: 10, Rate: -1, Outstanding: -1, Publishers: -1, PID: -1, Header: []string{"x"},
	}.withDefaults()
	err := cfg.validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"scenario", "conns", "durations", "processes", "threads", "connect-rate", "max-in-flight", "payload", "rate must",
		"outstanding", "publishers", "pid", "header",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing about %s in\n%v", want, err)
		}
	}
}

func TestConfigRefusesNumbersThatAreNone(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"rate must": func(c *Config) { c.Rate = math.NaN() }, "connect-rate": func(c *Config) { c.ConnectRate = math.NaN() },
		"connect-rate must": func(c *Config) { c.ConnectRate = math.Inf(1) },
	} {
		cfg := Config{Scenario: Fanout, URL: "ws://h/ws"}
		change(&cfg)
		if err := cfg.Check(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want an error about %s, not %v", name, err)
		}
	}
}

// TestConfigRefusesAFloorThatIsAnother has what the floor's run would leave out without a word.
func TestConfigRefusesAFloorThatIsAnother(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"agents": func(c *Config) { c.Agents, c.AgentToken = []Agent{{Address: "h:1"}}, []byte(strings.Repeat("t", 32)) },
		"phases": func(c *Config) { c.Phases = []PhasePlan{{Name: "a", Duration: time.Second}} },
	} {
		cfg := Config{Scenario: Fanout, URL: "ws://h/ws"}
		change(&cfg)
		if err := cfg.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		cfg.Floor.Rounds = 1
		if err := cfg.Check(); err == nil || !strings.Contains(err.Error(), "floor") {
			t.Errorf("%s: want an error about the floor, not %v", name, err)
		}
	}
}
