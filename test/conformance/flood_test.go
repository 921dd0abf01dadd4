package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/wsedge/wsedge/reactor"
)

// TestFloods runs FR-8 and FR-10: frames that carry nothing end the connection with 1008, after as many as the rate lets
// pass at once.
func TestFloods(t *testing.T) {
	const (
		many              = 1_000_000
		frames, pings     = 2_000, 200 // the standard rates allow so many at once
		fragment, pinging = "fragment1", "ping"
	)
	_, target := listenEcho(t, reactor.Config{MaxFragments: -1})
	begin, empty := frame(text, fragment), frame(continuation, "")
	pinged := frame(fin|ping, pinging)
	runRows(t, target, []Case{
		{ID: "FR-8/empty continuations", Run: flood(slices.Concat(begin, bytes.Repeat(empty, many)), 0)},
		{ID: "FR-8/empty texts", Run: flood(bytes.Repeat(frame(fin|text, ""), many), frames)},
		{ID: "FR-10/pings between fragments", Run: flood(slices.Concat(begin, bytes.Repeat(slices.Concat(pinged, empty), many/4)), pings)},
		{ID: "FR-10/pings", Run: flood(bytes.Repeat(pinged, many/4), pings)},
		{ID: "FR-10/pongs", Run: flood(bytes.Repeat(frame(fin|pong, pinging), many/4), 0)},
	})
}

// flood says all that, whatever comes, and wants at least so many answers and then 1008.
func flood(said []byte, answers int) func(Target, Mode) (Verdict, error) {
	return func(target Target, mode Mode) (Verdict, error) {
		s, err := open(target, mode, "")
		if err != nil {
			return Failed, err
		}
		defer s.close()
		s.sparse = true
		wrote := make(chan struct{})
		go func() {
			defer close(wrote)
			s.say(said, 0)
			s.flush()
		}()
		var before []event
		code := 0
		for e := range s.events {
			if e.op == closing {
				code = int(e.payload[0])<<8 | int(e.payload[1])
				break
			}
			before = append(before, e)
		}
		<-wrote
		s.drain()
		switch err := s.orderly(); {
		case err != nil:
			return Failed, err
		case code != 1008:
			return Failed, fmt.Errorf("closed with %d", code)
		case len(before) < answers:
			return Failed, fmt.Errorf("%d answers before the end, want %d", len(before), answers)
		}
		return Strict, nil
	}
}
