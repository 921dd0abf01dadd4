package reactor

import (
	"slices"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// flood writes frames in one piece.
func (c *client) flood(frames ...[]byte) { c.write(slices.Concat(frames...)) }

// emptyFrame is one without payload.
func emptyFrame(fin bool, op frame.Opcode) []byte {
	return frame.AppendMaskedHeader(nil, fin, op, 0, [4]byte{1, 2, 3, 4})
}

func times(n int, f []byte) []byte { return slices.Repeat(f, n) }

func TestFramesAboveTheRateEndTheConn(t *testing.T) {
	message, ping, pong := emptyFrame(true, frame.OpText), emptyFrame(true, frame.OpPing), emptyFrame(true, frame.OpPong)
	begin, empty, last := emptyFrame(false, frame.OpText), emptyFrame(false, frame.OpContinuation), emptyFrame(true, frame.OpContinuation)
	for _, tc := range []struct {
		name    string
		allowed []byte // as many frames as may come at once
		more    []byte // one more
	}{
		{"messages", times(40, message), message},
		{"fragments", slices.Concat(begin, times(38, empty), last), message},
		{"fragments and messages", slices.Concat(begin, times(20, empty), last, times(18, message)), message},
		{"pings", times(20, ping), ping},
		{"pongs", times(20, pong), pong},
		{"pings between fragments", slices.Concat(begin, times(20, ping), last), ping},
		{"pings and messages", slices.Concat(times(20, ping), times(20, message)), message},
	} {
		t.Run(tc.name, func(t *testing.T) {
			clock := newClock()
			ended := newBox[End]()
			s := serve(t, Config{Loops: 1, now: clock.Now, MaxFrameRate: 20, MaxControlRate: 10,
				Handler: funcs{close: func(_ *Conn, end End) { ended <- end }}})
			within, over := dial(t, s, "/"), dial(t, s, "/")
			within.flood(tc.allowed)
			s.settle()
			clock.pass(s, 10*time.Second)
			within.flood(tc.allowed)
			s.settle()
			clock.pass(s, 10*time.Second)
			within.send(frame.OpClose, "")
			within.skipTo(frame.OpClose)
			if end := ended.take(t); !end.Remote {
				t.Fatalf("within the rate: ended with %+v", end)
			}
			over.flood(tc.allowed, times(1000, tc.more))
			over.skipTo(frame.OpClose)
			over.wantEOF()
			if end := ended.take(t); end.Code != frame.ClosePolicyViolation || end.Reason != "frame_rate" {
				t.Errorf("above the rate: ended with %+v", end)
			}
			if st := s.Stats(); st.Ended["frame_rate"] != 1 {
				t.Errorf("ends %v, want one for its rate", st.Ended)
			}
		})
	}
}

// skipTo reads up to a frame of the opcode.
func (c *client) skipTo(op frame.Opcode) {
	c.t.Helper()
	for {
		got, _, err := c.next()
		if err != nil {
			c.t.Fatalf("before a %v frame: %v", op, err)
		}
		if got == op {
			return
		}
	}
}

// A peer that keeps to the rate, however it bundles its frames, is never too fast; one that sends twice as many is, before
// long.
func TestRateOverTime(t *testing.T) {
	cfg := &Config{MaxFrameRate: 15, MaxControlRate: 15}
	keeps := func(gaps []uint8) bool {
		var f frameLoad
		tenths := uint64(0) // of frames that may be sent
		for _, gap := range gaps {
			f.leak(cfg, uint32(gap))
			tenths = min(tenths+15*uint64(gap), 300)
			if !f.add(cfg, tenths/10, false) {
				return false
			}
			tenths %= 10
		}
		return true
	}
	if err := quick.Check(keeps, nil); err != nil {
		t.Error(err)
	}
	var f frameLoad
	for tick := 0; f.add(cfg, 3, false); tick++ {
		f.leak(cfg, 1)
		if tick > 30 {
			t.Fatal("twice the rate goes on for ever")
		}
	}
}

func TestRateSettings(t *testing.T) {
	for _, rate := range []int{1, 9, 30_001} {
		_, err := New(Config{Addr: "127.0.0.1:0", Handler: echo, MaxFrameRate: rate, MaxControlRate: rate})
		if err == nil || !strings.Contains(err.Error(), "MaxFrameRate") || !strings.Contains(err.Error(), "MaxControlRate") {
			t.Errorf("rate %d: %v", rate, err)
		}
	}
}

func TestNoRateIsNoBound(t *testing.T) {
	s := serve(t, Config{Handler: echo, MaxFrameRate: -1, MaxControlRate: -1, MaxFragments: -1})
	c := dial(t, s, "/")
	c.flood(emptyFrame(false, frame.OpText), times(100_000, emptyFrame(false, frame.OpContinuation)), emptyFrame(true, frame.OpContinuation))
	c.wantText("")
}
