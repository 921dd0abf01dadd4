package reactor

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// traces collects what OnTrace tells.
type traces struct {
	mu   sync.Mutex
	list []Trace
}

func (ts *traces) add(_ *Conn, t Trace) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.list = append(ts.list, t)
}

func (ts *traces) find(kind TraceKind) (t Trace, ok bool) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	i := slices.IndexFunc(ts.list, func(t Trace) bool { return t.Kind == kind })
	if i < 0 {
		return t, false
	}
	return ts.list[i], true
}

func TestTraceOfASlowConn(t *testing.T) {
	var seen traces
	s, topic, _ := onTopic(t, Config{Loops: 1, OutboundMaxBytes: 100_000, OnTrace: seen.add}, TopicOptions{Policy: Disconnect})
	dialStalled(t, s)
	overflow(t, s, topic, DropSlow)
	if congested, ok := seen.find(TraceCongested); !ok || congested.Bytes == 0 || congested.Bytes > 100_000+maxBatchBytes {
		t.Errorf("congested: %+v, %v", congested, ok)
	}
	if end, ok := seen.find(TraceEnd); !ok || end.Cause != CauseSlow || end.Bytes < 50_000 {
		t.Errorf("end: %+v, %v", end, ok)
	}
	if _, ok := seen.find(TraceDrained); ok {
		t.Error("it is told to have drained")
	}
}

func TestTraceOfAConnThatReadsAgain(t *testing.T) {
	var seen traces
	s, topic, _ := onTopic(t, Config{Loops: 1, OutboundMaxBytes: 100_000, OutboundMaxAge: patience, OnTrace: seen.add}, TopicOptions{Policy: DropOldest})
	slow := dialStalled(t, s)
	last := overflow(t, s, topic, DropOldestFirst)
	readNumbers(t, slow, last)
	eventually(t, "drained", func() bool { _, ok := seen.find(TraceDrained); return ok })
}

func TestTraceOfASilentPeer(t *testing.T) {
	var seen traces
	clock := newClock()
	s := serve(t, Config{Loops: 1, Handler: echo, now: clock.Now, PingInterval: 10 * time.Second, PongTimeout: 5 * time.Second, OnTrace: seen.add})
	dead := dial(t, s, "/")
	clock.pass(s, 10*time.Second)
	dead.want(frame.OpPing, "")
	clock.pass(s, 6*time.Second)
	dead.wantClose(1008, "no_pong")
	if _, ok := seen.find(TracePing); !ok {
		t.Error("the ping is not told")
	}
	if end, ok := seen.find(TraceEnd); !ok || end.Cause != CauseNoPong || end.Silent < 5*time.Second || end.Bytes != 0 || end.Age != 0 {
		t.Errorf("end: %+v, %v", end, ok)
	}
}

// A hook that panics is nobody else's trouble.
func TestHooksThatPanic(t *testing.T) {
	refused := newBox[string]()
	clock := newClock()
	s := serve(t, Config{Loops: 1, Handler: echo, now: clock.Now, PingInterval: 10 * time.Second,
		OnTrace: func(*Conn, Trace) { panic("trace") },
		OnRefusal: func(c *Conn, h *frame.HandshakeError) {
			refused <- h.Reason + " " + http.StatusText(h.Status) + " " + c.RemoteAddr().Network()
			panic("refusal")
		},
	})
	c := dial(t, s, "/")
	clock.pass(s, 10*time.Second)
	c.want(frame.OpPing, "")
	c.text("unharmed")
	c.wantText("unharmed")
	bad := connect(t, s)
	bad.write([]byte("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 7\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"))
	bad.head()
	if got := refused.take(t); got != "websocket_version Upgrade Required tcp" {
		t.Errorf("refused: %s", got)
	}
	eventually(t, "two panics counted", func() bool { return s.Stats().Panics == 2 }) // the second comes behind what it tells us
}
