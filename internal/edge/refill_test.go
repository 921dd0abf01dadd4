package edge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/broker"
	"github.com/wsedge/wsedge/internal/channel"
	"github.com/wsedge/wsedge/internal/dialect/native"
)

// hearAll takes messages of news until that offset: each follows on the one before, but for gaps that stand. A gap whose filling is promised
// is filled before anything else of the channel comes.
func (c *client) hearAll(position, last int) (promised, standing int) {
	c.t.Helper()
	for position < last {
		text := c.hear()
		var after, before, offset int
		if n, _ := fmt.Sscanf(text, `{"type":"gap","channel":"news","after":%d,"before":%d`, &after, &before); n == 2 {
			if after < position || before < after+2 || promised == 0 && after != position {
				c.t.Fatalf("after %d came %s", position, text)
			}
			if strings.HasSuffix(text, `,"refill":true}`) {
				promised++
				continue
			}
			position = before - 1
			standing++
			continue
		}
		_, tail, _ := strings.Cut(text, `","offset":`)
		if _, err := fmt.Sscanf(tail, "%d}", &offset); err != nil || offset != position+1 {
			c.t.Fatalf("after %d came %.60s…%s", position, text, tail)
		}
		position = offset
	}
	return promised, standing
}

func skipping(size int) *channel.Namespaces {
	return keeping(size, func(o *channel.Options) { o.Slow = channel.SkipToHistory })
}

// A slow client is told of the gap, and gets all of it in order when it reads again, however often that happens.
func TestSkipToHistory(t *testing.T) {
	s := startServer(t, Config{OutboundMaxBytes: 50_000, OutboundMaxAge: patience, Namespaces: skipping(100_000)})
	c := greet(t, s)
	c.subscribe("news")
	position := 0
	for range 3 {
		before := s.reactor.Stats().Drops["suspended"]
		last, _, _ := flood(t, s, "news", func() bool { return s.reactor.Stats().Drops["suspended"] > before })
		for range 20 { // it is behind, and gets nothing of these by the way of the others
			publishAll(t, s, `"later"`)
		}
		last += position + 20
		promised, standing := c.hearAll(position, last)
		if promised == 0 || standing != 0 {
			t.Fatalf("%d gaps were promised to be filled, %d stand", promised, standing)
		}
		position = last
	}
	publishAll(t, s, `"live"`)
	c.want(fmt.Sprintf(`{"type":"message","channel":"news","data":"live","offset":%d}`, position+1))
	c.idle()
}

// What the history has lost stands as a gap; what it still has comes.
func TestSkipToAShortHistory(t *testing.T) {
	s := startServer(t, Config{OutboundMaxBytes: 50_000, OutboundMaxAge: patience, Namespaces: skipping(3)})
	c := greet(t, s)
	c.subscribe("news")
	last, _, _ := flood(t, s, "news", func() bool { return s.reactor.Stats().Drops["suspended"] > 0 })
	for range 10 {
		publishAll(t, s, `"later"`)
	}
	if promised, standing := c.hearAll(0, last+10); promised == 0 || standing == 0 {
		t.Fatalf("%d gaps were promised to be filled, %d stand", promised, standing)
	}
	c.idle()
}

// Who leaves while something is owed to him is owed nothing any more, and may come back.
func TestLeavingWhileBehind(t *testing.T) {
	s := startServer(t, Config{OutboundMaxBytes: 50_000, OutboundMaxAge: patience, Namespaces: skipping(100_000)})
	c := greet(t, s)
	c.subscribe("news")
	last, _, _ := flood(t, s, "news", func() bool { return s.reactor.Stats().Drops["suspended"] > 0 })
	c.say(`{"type":"unsubscribe","channel":"news"}`, `{"type":"subscribe","channel":"news"}`)
	for !strings.HasPrefix(c.hear(), `{"type":"unsubscribed"`) {
	}
	c.want(fmt.Sprintf(`{"type":"subscribed","channel":"news","epoch":"*","offset":%d}`, last))
	publishAll(t, s, `"live"`)
	c.want(fmt.Sprintf(`{"type":"message","channel":"news","data":"live","offset":%d}`, last+1))
	c.idle()
}

// Who may not be in the channel any more is owed nothing of it, either: the refill must not bring the client back.
func TestLosingLeaveWhileBehind(t *testing.T) {
	s := startServer(t, Config{OutboundMaxBytes: 50_000, OutboundMaxAge: patience, Namespaces: skipping(100_000)})
	c := greet(t, s)
	c.subscribe("news")
	flood(t, s, "news", func() bool { return s.reactor.Stats().Drops["suspended"] > 0 })
	closed := skipping(100_000)
	closed.Default.Subscribe = channel.Nobody
	if err := s.Reconfigure(Config{Namespaces: closed}); err != nil {
		t.Fatal(err)
	}
	for !strings.HasPrefix(c.hear(), `{"type":"unsubscribed"`) {
	}
	publishAll(t, s, `"secret"`)
	c.idle()
	publishAll(t, s, `"secret"`)
	c.idle()
	if n := s.hub.Channels(); n != 1 {
		t.Errorf("%d channels", n)
	}
}

// Raw clients get all of it, too.
func TestSkipToHistoryRaw(t *testing.T) {
	s := startServer(t, Config{OutboundMaxBytes: 50_000, OutboundMaxAge: patience, Namespaces: skipping(100_000)})
	c := dial(t, s, "/ws/raw?channel=news", "")
	var published []string
	for s.reactor.Stats().Drops["suspended"] == 0 {
		data := fmt.Sprintf(`"%d%s"`, len(published), strings.Repeat("x", 8000))
		if status, answer := post(t, s, "/api/publish", `{"channel":"news","data":`+data+`}`); status != http.StatusOK {
			t.Fatal(answer)
		}
		published = append(published, data)
	}
	for i, want := range published {
		if got := c.hear(); got != want {
			t.Fatalf("publication %d is %.20s", i, got)
		}
	}
	if drops := s.reactor.Stats().Ended["slow"]; drops != 0 {
		t.Error(drops)
	}
}

// Who may not listen any more gets nothing more of the history, either, and is in the topic no longer.
func TestShutOutWhileBehind(t *testing.T) {
	s := startServer(t, Config{OutboundMaxBytes: 50_000, OutboundMaxAge: patience, Namespaces: skipping(100_000)})
	c := greet(t, s)
	c.subscribe("news")
	flood(t, s, "news", func() bool { return s.reactor.Stats().Drops["suspended"] > 0 })
	shut := skipping(100_000)
	shut.Default.Subscribe = channel.Nobody
	if err := s.Reconfigure(Config{Namespaces: shut}); err != nil {
		t.Fatal(err)
	}
	for c.hear() != `{"type":"unsubscribed","channel":"news","reason":"permission_denied"}` {
	}
	c.idle()
	if _, answer := post(t, s, "/api/publish", `{"channel":"news","data":1}`); !strings.HasSuffix(answer, `"matched":0}`) {
		t.Error(answer)
	}
	c.idle()
}

// lameEngine is a memory engine that can be told to know no positions any more.
type lameEngine struct {
	*broker.Memory
	lame atomic.Bool
}

type lameLog struct {
	broker.Log
	engine *lameEngine
}

func (e *lameEngine) Open(channel string, r broker.Retention, sink broker.Sink) broker.Log {
	return lameLog{e.Memory.Open(channel, r, sink), e}
}

func (l lameLog) Position(done func(broker.Position, error)) {
	if l.engine.lame.Load() {
		done(broker.Position{}, errors.New("down"))
		return
	}
	l.Log.Position(done)
}

// A client of which is not known what it misses is closed as slow, in the words of its dialect, and comes back.
func TestRefillThatFails(t *testing.T) {
	for target, code := range map[string]frame.CloseCode{"/ws": native.CloseSlow, "/ws/raw?channel=news": frame.ClosePolicyViolation} {
		engine := &lameEngine{Memory: broker.NewMemory(broker.MemoryConfig{})}
		s := startServer(t, Config{Broker: engine, OutboundMaxBytes: 50_000, OutboundMaxAge: patience, Namespaces: skipping(1000)})
		c := dial(t, s, target, "")
		if target == "/ws" {
			c.hear()
			c.subscribe("news")
		}
		flood(t, s, "news", func() bool { return s.reactor.Stats().Drops["suspended"] > 0 })
		engine.lame.Store(true)
		last := ""
		for {
			op, payload := c.next()
			if op == frame.OpClose {
				if got := frame.CloseCode(binary.BigEndian.Uint16([]byte(payload))); got != code || payload[2:] != "unavailable" {
					t.Errorf("%s: %d %q", target, got, payload[2:])
				}
				break
			}
			last = payload
		}
		if target == "/ws" && !matches(`{"type":"disconnect","code":3008,"reason":"unavailable","retry_after_ms":*}`, last) {
			t.Errorf("the last words: %.100s", last)
		}
	}
}

// burstEngine is a memory engine in which much is published while the last of the history is on its way.
type burstEngine struct {
	*broker.Memory
	once sync.Once
}

type burstLog struct {
	broker.Log
	engine *burstEngine
}

func (e *burstEngine) Open(channel string, r broker.Retention, sink broker.Sink) broker.Log {
	return burstLog{e.Memory.Open(channel, r, sink), e}
}

func (l burstLog) History(q broker.HistoryQuery, done func(broker.Past, error)) {
	l.Log.History(q, func(past broker.Past, err error) {
		if len(past.Publications) <= 4 { // as many as the conn can hold
			l.engine.once.Do(func() {
				for range 20 {
					_, _ = l.Publish(publicationOf(`"`+strings.Repeat("b", 8000)+`"`), nil)
				}
			})
		}
		done(past, err)
	})
}

// More than the conn can hold, published while it is brought up to date, is one more thing to bring: nobody is closed for it.
func TestBurstWhileBehind(t *testing.T) {
	engine := &burstEngine{Memory: broker.NewMemory(broker.MemoryConfig{})}
	s := startServer(t, Config{Broker: engine, OutboundMaxBytes: 50_000, OutboundMaxAge: patience, Namespaces: skipping(1000)})
	c := greet(t, s)
	c.subscribe("news")
	last, _, _ := flood(t, s, "news", func() bool { return s.reactor.Stats().Drops["suspended"] > 0 })
	if _, standing := c.hearAll(0, last+20); standing != 0 {
		t.Errorf("%d gaps stand", standing)
	}
	c.idle()
}
