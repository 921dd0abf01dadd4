package edge

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/limit"
)

// stillClock is a clock that stands until it is moved.
type stillClock struct {
	mu  sync.Mutex
	now time.Time
}

func newStillClock() *stillClock { return &stillClock{now: time.Unix(1_000_000, 0)} }

func (c *stillClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *stillClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// limited is how often something has been refused for the reason.
func limited(s *Server, reason string) int64 { return s.limiter.refusals.ByReason()[reason] }

func TestLimitsAreChecked(t *testing.T) {
	_, err := Listen(Config{
		Limits: Limits{ConnsPerAddress: -1, AcceptRate: -1, ConnsPerUser: -1, MessageRate: -1, UserMessageRate: -1, APIRequests: -1},
		Drain:  Drain{Delay: -1},
	})
	if !errors.Is(err, ErrConfig) {
		t.Fatal(err)
	}
	for _, want := range []string{
		"connections per address", "handshakes a second", "connections per user", "messages a second:", "messages a second per user", "API requests", "drain delay",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	most := Limits{AcceptRate: limit.MaxPerSecond, MessageRate: limit.MaxPerSecond, UserMessageRate: limit.MaxPerSecond}
	if problems := most.problems(); problems != nil {
		t.Errorf("the highest rates: %v", problems)
	}
	above := Limits{AcceptRate: limit.MaxPerSecond + 1, MessageRate: 2_000_000_000, UserMessageRate: 1 << 40} // a bucket would take them for none
	if problems := above.problems(); len(problems) != 3 {
		t.Errorf("rates that no bucket can keep: %v", problems)
	}
	if problems := StandardLimits().problems(); problems != nil {
		t.Errorf("the standard limits: %v", problems)
	}
}

func TestSetLimits(t *testing.T) {
	s := startServer(t, Config{Limits: Limits{ConnsPerAddress: 1}})
	first := greet(t, s)
	if c := dialRaw(t, s, handshake(s, "/ws", "")); c.status() != "429" {
		t.Fatalf("a second one: %s", c.head)
	}
	if err := s.SetLimits(Limits{ConnsPerAddress: 2}); err != nil {
		t.Fatal(err)
	}
	second := greet(t, s)
	if err := s.SetLimits(Limits{ConnsPerAddress: 1}); err != nil {
		t.Fatal(err)
	}
	first.idle() // nobody is disconnected
	second.idle()
	err := s.SetLimits(Limits{ConnsPerUser: 1, MessageRate: -1})
	for _, want := range []string{"connections per address", "connections per user", "messages a second"} {
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	if l := s.limiter.limits(); l.ConnsPerAddress != 1 || l.MessageRate != 0 {
		t.Errorf("changed in spite of an error: %+v", l)
	}
}

// What the limits count is in the metrics, and no client has a say in how many series there are.
func TestLimitsAreInTheMetrics(t *testing.T) {
	s := startServer(t, Config{Limits: Limits{ConnsPerAddress: 2, MessageRate: 1}, now: newStillClock().Now})
	series := func() int {
		_, text := call(t, s, "GET", "/metrics", "", nil)
		return strings.Count(text, "wsedge_limited_total{")
	}
	before := series()
	c := greet(t, s)
	for range 10 {
		c.say(`{"type":"ping","id":"x"}`)
		c.hear()
	}
	_, text := call(t, s, "GET", "/metrics", "", nil)
	for _, want := range []string{"\nwsedge_limited_addresses 1\n", "\nwsedge_limit_table_full_total 0\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(text, `wsedge_limited_total{reason="message_rate"} 0`) {
		t.Error("nothing counted")
	}
	if n := series(); n != before {
		t.Errorf("%d series, %d before", n, before)
	}
}
