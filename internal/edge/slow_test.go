package edge

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/channel"
)

// flood publishes 8 KB on channel until, without anybody reading, enough says so; it returns the last offset, and the status
// and answer where one was refused.
func flood(t *testing.T, s *Server, name string, enough func() bool) (last, status int, answer string) {
	t.Helper()
	body := fmt.Sprintf(`{"channel":%q,"data":"%s"}`, name, strings.Repeat("x", 8000))
	for !enough() {
		if status, answer = post(t, s, "/api/publish", body); status != http.StatusOK {
			return last, status, answer
		}
		if last++; last > 50_000 {
			t.Fatal("never enough")
		}
	}
	return last, status, answer
}

// A client that did not keep up is told of what it misses where it is missing, and gets the rest.
func TestSlowClientIsToldOfTheGap(t *testing.T) {
	for _, policy := range []channel.SlowPolicy{channel.DropOldest, channel.DropNewest, channel.KeepLatest} {
		t.Run(policy.String(), func(t *testing.T) {
			namespaces := channel.Open()
			namespaces.Default.Slow = policy
			s := startServer(t, Config{OutboundMaxBytes: 50_000, OutboundMaxAge: patience, Namespaces: namespaces})
			c := greet(t, s)
			c.subscribe("news")
			last, _, _ := flood(t, s, "news", func() bool {
				drops := s.reactor.Stats().Drops
				return drops["oldest"]+drops["newest"]+drops["conflated"] > 3
			})
			position, gaps := 0, 0
			for position < last {
				text := c.hear()
				var after, before, offset int
				if n, _ := fmt.Sscanf(text, `{"type":"gap","channel":"news","after":%d,"before":%d}`, &after, &before); n == 2 {
					if after != position || before < after+2 {
						t.Fatalf("after %d came %s", position, text)
					}
					position, gaps = before-1, gaps+1
					continue
				}
				_, tail, _ := strings.Cut(text, `","offset":`)
				if _, err := fmt.Sscanf(tail, "%d}", &offset); err != nil || offset != position+1 {
					t.Fatalf("after %d came %.60s…%s", position, text, tail)
				}
				position = offset
			}
			if gaps == 0 {
				t.Error("no gap")
			}
		})
	}
}

// Where too much waits, publishers are told: 429 by the API, unavailable in the dialect.
func TestPublishersAreToldOfABacklog(t *testing.T) {
	s := startServer(t, Config{OutboundMaxBytes: 64 << 20, OutboundMaxAge: time.Hour, NodeMaxBytes: 200_000})
	slow, other := greet(t, s), greet(t, s)
	slow.subscribe("news")
	_, status, answer := flood(t, s, "news", func() bool { return false })
	if status != http.StatusTooManyRequests || !matches(`{"type":"error","code":"unavailable","message":"*"}`, answer) {
		t.Errorf("%d %s", status, answer)
	}
	other.say(`{"type":"publish","id":1,"channel":"news","data":1}`)
	other.want(`{"type":"error","id":1,"channel":"news","code":"unavailable","message":"*"}`)
}

// TestSlowPolicyOfAnOpenChannelIsReloaded: who is subscribed is treated by the new one; that gaps are filled neither begins nor ends.
func TestSlowPolicyOfAnOpenChannelIsReloaded(t *testing.T) {
	namespaces := func(policy channel.SlowPolicy) *channel.Namespaces {
		n := channel.Open()
		n.Default.Slow, n.Default.HistorySize = policy, 1
		return n
	}
	s := startServer(t, Config{OutboundMaxBytes: 50_000, OutboundMaxAge: patience, Namespaces: namespaces(channel.Disconnect)})
	c := greet(t, s)
	c.subscribe("news")
	for _, step := range []struct {
		policy channel.SlowPolicy
		reason string
	}{{channel.DropNewest, "newest"}, {channel.SkipToHistory, "newest"}, {channel.DropOldest, "oldest"}, {channel.Disconnect, "slow"}} {
		if err := s.Reconfigure(Config{Namespaces: namespaces(step.policy)}); err != nil {
			t.Fatal(err)
		}
		before := s.reactor.Stats().Drops[step.reason]
		flood(t, s, "news", func() bool { return s.reactor.Stats().Drops[step.reason] > before })
	}
	for op, _ := c.next(); op != frame.OpClose; op, _ = c.next() {
	}
}
