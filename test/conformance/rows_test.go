package conformance

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	codec "github.com/wsedge/wsedge/frame" // frame is a function here
	"github.com/wsedge/wsedge/reactor"
)

// runRows runs rows of our own, whose ids name them, in all write modes. Only the strict outcome passes.
func runRows(t *testing.T, target Target, rows []Case) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.ID, func(t *testing.T) {
			t.Parallel()
			var running sync.WaitGroup
			defer running.Wait()
			for _, mode := range Modes {
				running.Go(func() {
					if verdict, err := row.Run(target, mode); verdict != Strict {
						t.Errorf("%v: %v: %v", mode, verdict, err)
					}
				})
			}
		})
	}
}

// listenEcho starts a server of the project that sends every message back, under limits of the rows' choice.
func listenEcho(t *testing.T, cfg reactor.Config) (*reactor.Server, Target) {
	t.Helper()
	cfg.Addr = "127.0.0.1:0"
	cfg.Handler = echoHandler{}
	cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := reactor.Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return s, Target{Address: s.Addr().String(), Path: "/"}
}

type echoHandler struct{}

func (echoHandler) OnOpen(*reactor.Conn) {}

func (echoHandler) OnMessage(c *reactor.Conn, op codec.Opcode, payload []byte) {
	_ = c.Send(op, payload)
}

func (echoHandler) OnClose(*reactor.Conn, reactor.End) {}

// eventually waits for what a server does by itself, and nobody is told of.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// offering is the conversation on a connection that has negotiated compression.
func (c conversation) offering(offer string) func(Target, Mode) (Verdict, error) {
	return func(target Target, mode Mode) (Verdict, error) {
		s, err := open(target, mode, offer)
		if err != nil {
			return Failed, err
		}
		defer s.close()
		if s.answer == "" {
			return Failed, errDeclined
		}
		s.sparse = c.sparse
		return c.on(s)
	}
}

// ended takes all that comes up to the end of the connection, which must be in order and behind a close frame, and answers
// that. It returns the close code, and what came before.
func (s *session) ended() (code int, before []event, err error) {
	for {
		e, ok := s.await()
		switch {
		case !ok:
			return 0, before, fmt.Errorf("no close frame: %s, %v", list(before), s.end)
		case e.op != closing:
			before = append(before, e)
			continue
		}
		if len(e.payload) >= 2 {
			code = int(binary.BigEndian.Uint16(e.payload))
		}
		s.put(rawFrame(fin|closing, e.payload))
		s.drain()
		return code, before, s.orderly()
	}
}

// head is the header of a masked frame with its length in the form of the row's choice: 0 for 7 bits, 126, 127.
func head(first byte, form byte, length uint64) []byte {
	b := []byte{first, 0x80 | form}
	switch form {
	case 126:
		b = binary.BigEndian.AppendUint16(b, uint16(length))
	case 127:
		b = binary.BigEndian.AppendUint64(b, length)
	default:
		b[1] |= byte(length)
	}
	return append(b, maskingKey[:]...)
}

// formed is a whole masked frame with its length in the form of the row's choice.
func formed(first byte, form byte, payload string) []byte {
	b := head(first, form, uint64(len(payload)))
	start := len(b)
	b = append(b, payload...)
	mask(b[start:])
	return b
}

// keyed is a frame under a masking key of the row's choice.
func keyed(first byte, payload string, key [4]byte) []byte {
	b := frame(first, payload)
	start := len(b) - len(payload)
	copy(b[start-4:], key[:])
	for i := range payload {
		b[start+i] = payload[i] ^ key[i&3]
	}
	return b
}

// unmasked is a frame as only a server may send it.
func unmasked(first byte, payload string) []byte {
	b := frame(first, payload)
	b[1] &^= 0x80
	return append(b[:len(b)-len(payload)-4], payload...)
}

// declined is the conversation on a connection whose offer, if there is one, must not have been taken.
func (c conversation) declined(offer string) func(Target, Mode) (Verdict, error) {
	return func(target Target, mode Mode) (Verdict, error) {
		s, err := open(target, mode, offer)
		if err != nil {
			return Failed, err
		}
		defer s.close()
		if s.answer != "" {
			return Failed, fmt.Errorf("the offer %q was answered with %q", offer, s.answer)
		}
		return c.on(s)
	}
}
