package conformance

import (
	"encoding/binary"
	"fmt"
)

// Verdict is how a case ended.
type Verdict int

// The verdicts, best first.
const (
	Strict    Verdict = iota
	NonStrict         // an outcome that the suite lets pass
	Failed
)

func (v Verdict) String() string { return [...]string{"strict", "non-strict", "failed"}[v] }

// Case is one case of the suite.
type Case struct {
	ID     string
	Sparse bool // of byte by byte, only the edges of large writes
	Run    func(target Target, mode Mode) (Verdict, error)
}

// step is one thing that a conversation does.
type step struct {
	write []byte
	chop  int
	await int // wait until that many events have come in all
}

// conversation is a case that says something and wants certain events and a certain end.
type conversation struct {
	steps       []step
	want        []event   // the strict outcome
	alternative [][]event // outcomes that are non-strict
	ending      ending
	code        int // of ending fails: the close code
	orCode      int // another that is as good; 0: none
	sparse      bool
}

// ending is how the connection of a conversation is to end.
type ending int

const (
	closes   ending = iota // the case closes with 1000 when all has come; the server answers and hangs up
	answered               // the steps contain a close frame; the server answers and hangs up
	fails                  // the server closes with a code, and hangs up
)

// run has the conversation and judges it.
func (c *conversation) run(target Target, mode Mode) (Verdict, error) {
	s, err := open(target, mode, "")
	if err != nil {
		return Failed, err
	}
	defer s.close()
	s.sparse = c.sparse
	return c.on(s)
}

// on has the conversation on an open connection.
func (c *conversation) on(s *session) (Verdict, error) {
	var got []event
	for _, st := range c.steps {
		if st.write != nil {
			s.say(st.write, st.chop)
		}
		for len(got) < st.await {
			e, ok := s.await()
			if !ok || e.op == closing {
				return Failed, fmt.Errorf("the connection ended (%v, %v) when event %d was awaited", e, s.cause(ok), st.await)
			}
			got = append(got, e)
		}
	}
	if c.ending == closes {
		for len(got) < len(c.want) {
			e, ok := s.await()
			if !ok || e.op == closing {
				return Failed, fmt.Errorf("the connection ended (%v, %v) after %s", e, s.cause(ok), list(got))
			}
			got = append(got, e)
		}
		s.say(rawFrame(fin|closing, closePayload(1000, "")), 0)
	}
	got = append(got, s.drain()...)
	return c.judge(got, s)
}

// judge compares what came with what should.
func (c *conversation) judge(got []event, s *session) (Verdict, error) {
	if err := s.orderly(); err != nil {
		return Failed, err
	}
	if len(got) == 0 || got[len(got)-1].op != closing {
		return Failed, fmt.Errorf("no close frame: %s", list(got))
	}
	if err := c.judgeClose(got[len(got)-1].payload); err != nil {
		return Failed, err
	}
	got = got[:len(got)-1]
	if sameEvents(got, c.want) {
		return Strict, nil
	}
	for _, a := range c.alternative {
		if sameEvents(got, a) {
			return NonStrict, nil
		}
	}
	return Failed, fmt.Errorf("got %s, want %s", list(got), list(c.want))
}

// judgeClose judges the close frame.
func (c *conversation) judgeClose(payload []byte) error {
	code := 0
	if len(payload) >= 2 {
		code = int(binary.BigEndian.Uint16(payload))
	}
	if c.ending == fails {
		if code != c.code && (c.orCode == 0 || code != c.orCode) {
			return fmt.Errorf("closed with %d %q, want %d", code, payload, c.code)
		}
		return nil
	}
	if code != 0 && code != 1000 && (c.code == 0 || code != c.code) {
		return fmt.Errorf("the close was answered with %d %q", code, payload)
	}
	return nil
}

// list shows events, the first and last of many.
func list(events []event) string {
	const shown = 6
	if len(events) <= 2*shown {
		return fmt.Sprint(events)
	}
	return fmt.Sprintf("%d events: %v … %v", len(events), events[:shown], events[len(events)-shown:])
}

func sameEvents(a, b []event) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !sameEvent(a[i], b[i]) {
			return false
		}
	}
	return true
}
