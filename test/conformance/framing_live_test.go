package conformance

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/echo"
	"github.com/wsedge/wsedge/internal/edge"
	"github.com/wsedge/wsedge/reactor"
)

// TestUnfinishedMessages runs FR-7 against a server that does not wait long for the rest of a message, or for the answer
// to its close frame: there is none in the middle of a frame.
func TestUnfinishedMessages(t *testing.T) {
	_, target := listenEcho(t, reactor.Config{MessageTimeout: 2 * time.Second, CloseTimeout: 600 * time.Millisecond})
	var s suite
	whole := frame(fin|text, "Hello, world!")
	for name, steps := range map[string][]step{
		"a first fragment":                  says(frame(text, "one")),
		"an empty first fragment":           says(frame(binaryData, "")),
		"fragments":                         says(frame(text, "one"), frame(continuation, "two"), frame(continuation, "")),
		"a fragment and half the next":      says(frame(text, "one"), frame(fin|continuation, "two")[:7]),
		"a fragment and half a ping":        says(frame(text, "one"), frame(fin|ping, "ping")[:8]),
		"one byte":                          says(whole[:1]),
		"half a header":                     says(whole[:4]),
		"a header":                          says(whole[:6]),
		"all but one byte":                  says(whole[:len(whole)-1]),
		"half a length":                     says(head(fin|text, 127, 65536)[:5]),
		"half a close":                      says(frame(fin|closing, "\x03\xE8")[:7]),
		"a fragment behind a whole message": {{write: whole, await: 1}, {write: frame(text, "one")}},
	} {
		c := conversation{steps: steps, ending: fails, code: 1008, orCode: 1001}
		if steps[0].await == 1 {
			c.want = []event{textEvent("Hello, world!")}
		}
		s.add("FR-7/"+name, c)
	}
	for name, piece := range map[string][]byte{"pings do not help": nil, "fragments do not help": frame(continuation, "x"), "a byte at a time does not help": []byte("x")} {
		s = append(s, Case{ID: "FR-7/" + name, Run: func(target Target, mode Mode) (Verdict, error) { return runTrickle(target, mode, piece) }})
	}
	s = append(s, Case{ID: "FR-7/a finished message stops the clock", Run: runClock})
	runRows(t, target, s)
}

// runTrickle never finishes a message, though something comes all the time: pieces of it, or pings in the middle of it.
func runTrickle(target Target, mode Mode, piece []byte) (Verdict, error) {
	s, err := open(target, mode, "")
	if err != nil {
		return Failed, err
	}
	defer s.close()
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	if len(piece) == 1 {
		s.say(head(fin|binaryData, 126, 60_000), 0)
	} else {
		s.say(frame(text, "one"), 0)
	}
	if piece == nil {
		piece = frame(fin|ping, "ping")
	}
	for {
		s.say(piece, 0)
		s.flush()
		for paced := false; !paced; {
			select {
			case <-pace.C:
				paced = true
			case e := <-s.events:
				if e.op != pong {
					rest := conversation{ending: fails, code: 1008, orCode: 1001}
					return rest.judge(append([]event{e}, s.drain()...), s)
				}
			}
		}
	}
}

// runClock finishes a message, and then waits for as long as another connection takes to be closed for one unfinished.
func runClock(target Target, mode Mode) (Verdict, error) {
	s, err := open(target, mode, "")
	if err != nil {
		return Failed, err
	}
	defer s.close()
	s.say(frame(text, "one"), 0)
	s.say(frame(fin|ping, ""), 0)
	if e, ok := s.await(); !ok || e.op != pong {
		return Failed, fmt.Errorf("%v in place of a pong", e)
	}
	c := conversation{steps: says(frame(fin|continuation, "two")), want: []event{textEvent("onetwo")}}
	c.steps[0].await = 1
	c.steps = append(c.steps, step{write: frame(fin|text, "three"), await: 2})
	other := conversation{steps: says(frame(text, "one")), ending: fails, code: 1008}
	s.say(c.steps[0].write, 0)
	if e, ok := s.await(); !ok || !sameEvent(e, c.want[0]) {
		return Failed, fmt.Errorf("%v, want %v", e, c.want[0])
	}
	if verdict, err := other.run(target, mode); verdict != Strict {
		return verdict, err
	}
	rest := conversation{steps: says(frame(fin|text, "three")), want: []event{textEvent("three")}}
	return rest.on(s)
}

// TestFragmentsAreBounded runs FR-9 under the project's bound for fragments.
func TestFragmentsAreBounded(t *testing.T) {
	_, target := listenEcho(t, reactor.Config{MaxFragments: 64})
	payload := fillText(64)
	var s suite
	s.add("FR-9/as many fragments as allowed", conversation{steps: says(fragments(fin|text, payload, 1)...), want: []event{{op: text, payload: payload}}})
	s.add("FR-9/a fragment too many", conversation{steps: says(fragments(fin|text, append(payload, '!'), 1)...), ending: fails, code: 1008})
	s.add("FR-9/an empty fragment too many", conversation{
		steps: says(slices.Concat([][]byte{frame(text, "")}, slices.Repeat([][]byte{frame(continuation, "")}, 64))...), ending: fails, code: 1008})
	runRows(t, target, s)
}

// allocated is how much f allocates, in all of the process.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// connMemory is more than an own client allocates for one connection: 64 KiB for reading, and some.
const connMemory = 128 << 10

// TestClaimedLengthsTakeNoMemory is FR-4: what a header claims is not allocated, whether it is refused or awaited.
func TestClaimedLengthsTakeNoMemory(t *testing.T) {
	const conns, claim = 16, 16 << 20
	target := Target{Address: startEcho(t, echo.Config{MaxMessageBytes: claim}), Path: "/"}
	var sessions []*session
	for _, length := range []uint64{claim, claim + 1, 1 << 31, 1 << 62} {
		t.Run(fmt.Sprintf("FR-4/%d bytes are claimed", length), func(t *testing.T) {
			got := allocated(func() {
				for range conns {
					s, err := open(target, AsIs, "")
					if err != nil {
						t.Fatal(err)
					}
					sessions = append(sessions, s)
					s.say(slices.Concat(frame(fin|ping, ""), head(fin|binaryData, 127, length), []byte("some of it")), 0)
					if e, ok := s.await(); !ok || e.op != pong {
						t.Fatalf("%v in place of a pong", e)
					}
				}
			})
			if got > conns*connMemory {
				t.Errorf("%d bytes for %d connections", got, conns)
			}
		})
	}
	for _, s := range sessions {
		s.close()
	}
}

// TestFragmentsTakeLittleMemory is FR-9: a million fragments of a byte cost about a byte each.
func TestFragmentsTakeLittleMemory(t *testing.T) {
	const n = 1 << 20
	target := Target{Address: startEcho(t, echo.Config{}), Path: "/"}
	s, err := open(target, AsIs, "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	one := frame(continuation, "x")
	chunk := bytes.Repeat(one, n/64)
	s.say(slices.Concat(frame(text, "x"), frame(fin|ping, "")), 0)
	s.await()
	inUse := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := inUse()
	for range 64 {
		s.say(chunk, 0)
	}
	s.say(frame(fin|ping, ""), 0)
	if e, ok := s.await(); !ok || e.op != pong {
		t.Fatalf("%v in place of a pong", e)
	}
	after := inUse()
	runtime.KeepAlive(chunk)
	if after > before+2*n+64<<10 {
		t.Errorf("FR-9: %d bytes are held for %d fragments of a byte", after-before, n)
	}
	c := conversation{steps: says(frame(fin|continuation, "x")), want: []event{{op: text, payload: bytes.Repeat([]byte("x"), n+2)}}}
	if verdict, err := c.on(s); verdict != Strict {
		t.Errorf("FR-9: %v: %v", verdict, err)
	}
}

// TestServerDoesNotWaitForEver is FR-12: a peer that never ends the TCP connection does not keep the server from doing so.
func TestServerDoesNotWaitForEver(t *testing.T) {
	server, target := listenEcho(t, reactor.Config{LingerTimeout: 100 * time.Millisecond})
	for name, last := range map[string][]byte{"a close": frame(fin|closing, "\x03\xE8"), "an error": frame(fin|3, "")} {
		t.Run("FR-12/the peer stays behind "+name, func(t *testing.T) {
			s, err := open(target, AsIs, "")
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			s.say(last, 0)
			if _, _, err := s.ended(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the end of the connection", func() bool { return server.Stats().Connections == 0 && !s.put([]byte("x")) })
		})
	}
}

// TestTextOnly is FR-13, against an endpoint of the project that takes texts only.
func TestTextOnly(t *testing.T) {
	server, err := edge.Listen(edge.Config{Addr: "127.0.0.1:0", Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := server.Wait(); err != nil {
			t.Error(err)
		}
	})
	target := Target{Address: server.Addr().String(), Path: "/ws"}
	ping := `{"type":"ping"}`
	for name, frames := range map[string][][]byte{
		"binary":                  {frame(fin|binaryData, ping)},
		"empty binary":            {frame(fin|binaryData, "")},
		"binary in fragments":     {frame(binaryData, ping), frame(fin|continuation, "")},
		"binary behind a text":    {frame(fin|text, ping), frame(fin|binaryData, ping)},
		"binary and text behind":  {frame(fin|binaryData, ping), frame(fin|text, ping)},
		"binary that is no UTF-8": {frame(fin|binaryData, "\xFF")},
	} {
		t.Run("FR-13/"+name, func(t *testing.T) {
			for _, mode := range Modes {
				s, err := open(target, mode, "")
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range frames {
					s.say(f, 0)
				}
				code, before, err := s.ended()
				s.close()
				if code != 1003 || err != nil {
					t.Errorf("%v: close %d, %v; want 1003", mode, code, err)
				}
				pongs := slices.DeleteFunc(before, func(e event) bool { return !strings.Contains(string(e.payload), `"pong"`) })
				if texts := frames[0][0]&0x0F == text; len(pongs) != 0 != texts {
					t.Errorf("%v: %s before", mode, list(before))
				}
			}
		})
	}
}

// TestPeerVanishes is FR-18: in every state of the parser the TCP connection ends, with FIN or RST. The server ends it as
// well, keeps nothing, and goes on.
func TestPeerVanishes(t *testing.T) {
	server, target := listenEcho(t, reactor.Config{Deflate: &reactor.DeflateOptions{}})
	for name, bytes := range map[string][]byte{
		"at rest":                     nil,
		"after one byte":              {fin | text},
		"inside a length":             head(fin|text, 126, 1000)[:3],
		"inside a long length":        head(fin|text, 127, 65536)[:7],
		"inside a key":                head(fin|text, 0, 5)[:4],
		"after a header":              head(fin|text, 0, 5),
		"inside a payload":            frame(fin|text, "Hello")[:9],
		"inside a large payload":      append(head(fin|binaryData, 127, 65536), fillBinary(60_000)...),
		"inside a character":          frame(text, "\xE2\x82"),
		"between fragments":           frame(text, "one"),
		"inside a ping":               frame(fin|ping, "ping")[:8],
		"in a ping between fragments": slices.Concat(frame(text, "one"), frame(fin|ping, "ping")[:8]),
		"inside a close":              frame(fin|closing, "\x03\xE8")[:7],
		"after a close":               frame(fin|closing, "\x03\xE8"),
		"after an error":              frame(fin|3, ""),
		"after a text":                frame(fin|text, "Hello"),
		"inside a compressed frame":   rawFrame(fin|rsv1|text, deflate(fillText(1000)))[:12],
		"in a compressed message":     rawFrame(rsv1|text, deflate(fillText(1000))[:8]),
	} {
		for _, reset := range []bool{false, true} {
			t.Run(fmt.Sprintf("FR-18/%s, reset %t", name, reset), func(t *testing.T) {
				t.Parallel()
				vanish(t, target, bytes, reset)
			})
		}
	}
	t.Cleanup(func() { // runs behind the rows, in front of the shutdown
		eventually(t, "FR-18: all connections gone", func() bool { return server.Stats().Connections == 0 })
		if st := server.Stats(); st.Open != 0 || st.Panics != 0 || st.QueuedBytes != 0 || st.InFlightBytes != 0 {
			t.Errorf("FR-18: left behind: %+v", st)
		}
		c := conversation{steps: says(frame(fin|text, "still here")), want: []event{textEvent("still here")}}
		if verdict, err := c.run(target, AsIs); verdict != Strict {
			t.Errorf("FR-18: another connection: %v", err)
		}
	})
}

// vanish says something, makes sure that it has been read, and ends the TCP connection.
func vanish(t *testing.T, target Target, said []byte, reset bool) {
	s, err := open(target, AsIs, defaultOffer)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	s.put(slices.Concat(frame(fin|ping, "read"), said))
	if e, ok := s.await(); !ok || e.op != pong {
		t.Fatalf("%v in place of a pong", e)
	}
	conn := s.conn.(*net.TCPConn)
	if reset {
		_ = conn.SetLinger(0)
		return
	}
	_ = conn.CloseWrite()
	for _, e := range s.drain() {
		if e.op != closing && e.op != text {
			t.Errorf("%v after the end", e)
		}
	}
	if err := s.orderly(); err != nil {
		t.Error(err)
	}
}
