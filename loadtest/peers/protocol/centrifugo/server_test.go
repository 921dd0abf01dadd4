//go:build linux

package main

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/loadtest"
)

// start serves on a free port and returns the WebSocket URL.
func start(t *testing.T, batch, ping time.Duration) string {
	t.Helper()
	node, err := newNode(batch)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler(node, ping), ReadHeaderTimeout: time.Minute}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener) // ends with the listener
	}()
	t.Cleanup(func() {
		_ = node.Shutdown(context.Background())
		_ = server.Close()
		<-ended
	})
	return "ws://" + listener.Addr().String() + "/connection/websocket"
}

// run drives the server with the recipe.
func run(t *testing.T, url string, change func(*loadtest.Config)) *loadtest.Report {
	t.Helper()
	recipe, err := loadtest.Recipe("centrifugo")
	if err != nil {
		t.Fatal(err)
	}
	cfg := loadtest.Config{
		Scenario: loadtest.Fanout, URL: url, Protocol: &recipe, Conns: 40, Rate: 400, Duration: 500 * time.Millisecond, Drain: 20 * time.Second,
	}
	change(&cfg)
	report, err := loadtest.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// TestRecipe publishes either way, to one channel and to many, with replies and publications apart and joined in frames.
func TestRecipe(t *testing.T) {
	for _, by := range []loadtest.PublishBy{loadtest.PublishByHTTP, loadtest.PublishByWebSocket} {
		for _, batch := range []time.Duration{0, 20 * time.Millisecond} {
			for _, topics := range []int{1, 10} {
				r := run(t, start(t, batch, 0), func(c *loadtest.Config) { c.PublishBy, c.Topics = by, topics })
				expected := uint64(200 * 40 / topics)
				if l := r.Ledger; !r.Verdict.OK || l.Expected != expected || l.Received != expected || r.Publications.Acknowledged != 200 {
					t.Errorf("by %s, batch %v, %d topics: %v, %+v, %+v", by, batch, topics, r.Verdict.Reasons, l, r.Publications)
				}
			}
		}
	}
}

// TestRecovery has everybody cut off in the midst: what the library's history brings, in its replies, is counted like what others send
// behind theirs.
func TestRecovery(t *testing.T) {
	r := run(t, start(t, 0, 0), func(c *loadtest.Config) {
		c.Recover, c.Rate, c.Publishers, c.Topics = true, 100, 4, 2
		c.Phases = []loadtest.PhasePlan{{Name: "before", Duration: 300 * time.Millisecond}, {
			Name: "storm", Duration: 1500 * time.Millisecond, Drop: 1, DropBy: loadtest.DropReset, ReturnAfter: 300 * time.Millisecond,
		}}
	})
	if c, l := r.Recovery, r.Ledger; !r.Verdict.OK || c.Returned != 40 || c.Recovered != 40 || c.CaughtUp.Count != 40 || c.Publications < 40*10 ||
		l.Received != l.Expected || l.Expected != 40*r.Publications.Acknowledged/2 {
		t.Errorf("%v\n%+v\n%+v", r.Verdict.Reasons, c, l)
	}
}

// TestHeartbeats has clients whose answers to the protocol's heartbeats do not come disconnected: none is.
func TestHeartbeats(t *testing.T) {
	r := run(t, start(t, 0, time.Second), func(c *loadtest.Config) {
		c.Scenario, c.Rate, c.Duration, c.Conns = loadtest.Idle, 0, 2500*time.Millisecond, 10
	})
	if !r.Verdict.OK || r.Messages.Answers < 10 {
		t.Errorf("%v, %d answered", r.Connections.Endings, r.Messages.Answers)
	}
}

func TestRefusals(t *testing.T) {
	r := run(t, start(t, 0, 0), func(c *loadtest.Config) { c.Channel = secret })
	if r.Errors.Subscription["103"] != 40 {
		t.Errorf("%+v", r.Errors)
	}
	if got := publish(nil, strings.NewReader(`{"channel":"a"}`)); !strings.Contains(string(got), `"error"`) {
		t.Errorf("a publication without data: %s", got)
	}
}
