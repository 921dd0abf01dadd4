package tlsloop

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"testing"

	"github.com/wsedge/wsedge/tlsloop/internal/peer"
	"github.com/wsedge/wsedge/tlsloop/record"
)

// established makes a compact session without a handshake, and its peer.
func established(t testing.TB, l *Loop) (*Session, *peer.Peer) {
	t.Helper()
	there, back := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	c := new(compact)
	if err := c.records.Init(tls.TLS_AES_128_GCM_SHA256, there, back, 0, 0); err != nil {
		t.Fatal(err)
	}
	return &Session{loop: l, layer: c}, &peer.Peer{Suite: tls.TLS_AES_128_GCM_SHA256, Sealing: there, Opening: back}
}

// However the input is cut, what is delivered is the same. lengths are those of records, cuts those of inputs.
func FuzzInputCuts(f *testing.F) {
	f.Add([]byte{1, 0, 200, 5}, []byte{1})
	f.Add([]byte{255, 255, 3}, []byte{7, 255, 4, 1})
	f.Add([]byte{9}, []byte{25, 1, 5})
	e := newEngine(f, modeCompact, nil)
	f.Fuzz(func(t *testing.T, lengths, cuts []byte) {
		if len(lengths) > 64 || len(cuts) == 0 {
			return
		}
		l := e.NewLoop()
		s, p := established(t, l)
		var stream, want, got []byte
		for i, n := range lengths {
			content := bytes.Repeat([]byte{byte(i)}, int(n)*64)
			stream, want = append(stream, p.Seal(23, content...)...), append(want, content...)
		}
		deliver := func(plain []byte) { got = append(got, plain...) }
		for i := 0; len(stream) > 0; i++ {
			l.SetNow(uint32(i))
			n := min(1+int(cuts[i%len(cuts)])*int(cuts[i%len(cuts)]), len(stream))
			if err := s.Input(stream[:n], deliver); err != nil {
				if errors.Is(err, ErrUseless) && bytes.Count(lengths, []byte{0}) > uselessPerSecond {
					return
				}
				t.Fatal(err)
			}
			stream = stream[n:]
		}
		if !bytes.Equal(got, want) || s.Partial() || s.HasOutput() {
			t.Fatalf("delivered %d bytes of %d", len(got), len(want))
		}
	})
}

// Whatever comes, in place of a ClientHello or behind one.
func FuzzHello(f *testing.F) {
	hello := helloOf(f, &tls.Config{})
	f.Add(hello)
	f.Add(inRecords(hello, 300))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte{22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff})
	f.Add(append(bytes.Clone(hello), 20, 3, 3, 0, 1, 1, 23, 3, 3, 0, 1, 1))
	e := newEngine(f, modeCompact, nil)
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 64<<10 {
			return
		}
		woken := make(chan struct{}, 100)
		s := e.NewLoop().NewSession(func() { woken <- struct{}{} })
		deliver := func(plain []byte) { t.Errorf("delivered %x", plain) }
		err := s.Input(bytes.Clone(in), deliver)
		if err == nil {
			// It completes any record, and is none itself: so there is an end.
			err = s.Input(make([]byte, 20<<10), deliver)
		}
		for err == nil {
			<-woken
			err = s.Advance(deliver)
		}
		if s.Established() {
			t.Error("established without keys")
		}
		s.Close()
	})
}

// What the compact record layer takes, crypto/tls takes as well, and makes the same of it; what is in order, both take. Each byte of
// ops is one record.
func FuzzAgainstStandardLibrary(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3})
	f.Add([]byte{4, 0, 5, 0})
	f.Add([]byte{6, 7, 0})
	f.Add([]byte{8, 0})
	f.Add([]byte{3, 9, 0})
	f.Add([]byte{10})
	f.Add([]byte{11, 12, 13})
	std, compact := newEngine(f, modeStd, &tls.Config{SessionTicketsDisabled: true}), newEngine(f, modeCompact, &tls.Config{SessionTicketsDisabled: true})
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) > uselessPerSecond {
			return
		}
		a, b := runOps(t, std, ops), runOps(t, compact, ops)
		aliveA, aliveB := a.err == nil, b.err == nil
		if !bytes.HasPrefix(a.plain, b.plain) || aliveB && !bytes.Equal(a.plain, b.plain) {
			t.Fatalf("%v: plaintext %q and %q", ops, a.plain, b.plain)
		}
		inOrder := len(bytes.Trim(ops, "\x00\x01\x02\x03\x04\x05")) == 0
		if aliveB && !aliveA || inOrder && (!aliveA || !aliveB) || (a.err == io.EOF) != (b.err == io.EOF) && b.err == nil {
			t.Fatalf("%v: %v and %v", ops, a.err, b.err)
		}
		if aliveA && aliveB && !bytes.Equal(a.kinds, b.kinds) {
			t.Fatalf("%v: answered by records of %v and %v", ops, a.kinds, b.kinds)
		}
	})
}

type outcome struct {
	plain, kinds []byte
	err          error
}

// runOps feeds a new session with records, one at a time.
func runOps(t *testing.T, e *Engine, ops []byte) (o outcome) {
	s, p := rawSession(t, e)
	defer s.Close()
	for i, op := range ops {
		var rec []byte
		switch op {
		case 0:
			rec = p.Seal(23, byte(i), op)
		case 1:
			rec = p.Inner([]byte{byte(i), 23, 0, 0, 0})
		case 2:
			rec = p.Seal(23)
		case 3:
			rec = p.Seal(22, 24, 0, 0, 1, 0)
			p.Rekey()
		case 4:
			rec = p.Seal(22, 24, 0, 0, 1, 1)
			p.Rekey()
		case 5:
			rec = p.Seal(21, 1, 90)
		case 6:
			rec = p.Seal(22, 24, 0)
		case 7:
			rec = p.Seal(22, 0, 1, 1)
			p.Rekey()
		case 8:
			rec = p.Seal(22, 24, 0, 0, 1, 2)
		case 9:
			rec = p.Seal(21, 1, 0)
		case 10:
			rec = p.Seal(21, 2, 40)
		case 11:
			rec = p.Inner([]byte{0, 0})
		case 12:
			rec = []byte{20, 3, 3, 0, 1, 1}
		default:
			rec = p.Seal(op, 1, 2, 3)
		}
		o.err = s.Input(rec, func(plain []byte) { o.plain = append(o.plain, plain...) })
		for out := s.TakeOutput(nil); len(out) > 0; {
			n := record.Length(out, record.MaxCiphertext)
			kind, content, err := p.Open(bytes.Clone(out[:n]))
			if err != nil {
				t.Fatalf("%v: answer %d: %v", ops, i, err)
			}
			o.kinds, out = append(o.kinds, kind), out[n:]
			if kind == 22 && content[0] == 24 {
				p.RekeyOpening()
			}
		}
		if o.err != nil {
			return o
		}
	}
	return o
}

// rawSession does a handshake with a session that belongs to the caller's goroutine.
func rawSession(t testing.TB, e *Engine) (*Session, *peer.Peer) {
	t.Helper()
	client, server := memoryPair()
	defer client.Close()
	woken := make(chan struct{}, 100)
	s := e.NewLoop().NewSession(func() { woken <- struct{}{} })
	log := keyLog{}
	conn := tls.Client(client, &tls.Config{InsecureSkipVerify: true, KeyLogWriter: log, MinVersion: tls.VersionTLS13})
	done := make(chan error, 1)
	go func() { done <- conn.Handshake() }()
	pass := func() {
		buf := make([]byte, 10_000)
		n, err := server.Read(buf)
		if err == nil {
			err = s.Input(buf[:n], nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for pass(); !s.HasOutput(); {
		<-woken
		if err := s.Advance(nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := server.Write(s.TakeOutput(nil)); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for pass(); !s.Established(); {
		<-woken
		if err := s.Advance(nil); err != nil {
			t.Fatal(err)
		}
	}
	return s, &peer.Peer{
		Suite: conn.ConnectionState().CipherSuite, Sealing: log["CLIENT_TRAFFIC_SECRET_0"], Opening: log["SERVER_TRAFFIC_SECRET_0"],
	}
}
