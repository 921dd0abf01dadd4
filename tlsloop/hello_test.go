package tlsloop

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/wsedge/wsedge/tlsloop/record"
)

func TestNotTLS(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		e := newEngine(t, m, nil)
		for _, text := range []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n"} {
			for _, cut := range []int{1, 1000} {
				conn, s := start(t, e, cut)
				if _, err := io.WriteString(conn, text); err != nil {
					t.Fatal(err)
				}
				<-s.failed
				var header tls.RecordHeaderError
				if !errors.Is(s.err, ErrNotTLS) || !errors.As(s.err, &header) || string(header.RecordHeader[:]) != text[:5] {
					t.Errorf("%q: %v", text, s.err)
				}
				conn.Close()
				if rest, _ := io.ReadAll(conn); len(rest) > 0 {
					t.Errorf("answered %x", rest)
				}
			}
		}
		if s := e.Stats(); s.Failed != 6 || s.InFlight != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// Where crypto/tls sends an alert, it leaves.
func TestHandshakeAlerts(t *testing.T) {
	for name, c := range map[string]struct {
		server *tls.Config
		hello  func(hello []byte) []byte
		alert  byte
	}{
		"SSL 2":          {nil, func([]byte) []byte { return []byte{0x80, 0x2e, 1, 0, 2, 0, 0} }, 70},
		"no ClientHello": {nil, func([]byte) []byte { return []byte{22, 3, 1, 0, 4, 20, 0, 0, 0} }, 10},
		"garbage inside": {nil, func([]byte) []byte { return []byte{22, 3, 1, 0, 5, 1, 0, 0, 1, 0} }, 50},
		"too long":       {nil, func([]byte) []byte { return []byte{22, 3, 1, 0xff, 0xff, 1} }, 22},
		"empty record":   {nil, func([]byte) []byte { return []byte{22, 3, 1, 0, 0} }, 10},
		"huge message":   {nil, func([]byte) []byte { return []byte{22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff} }, 80},
		"no version in common": {&tls.Config{MinVersion: tls.VersionTLS13}, func([]byte) []byte {
			return helloOf(t, &tls.Config{MaxVersion: tls.VersionTLS12})
		}, 70},
		"no certificate": {&tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return nil, errors.New("no such name")
		}}, func(h []byte) []byte { return h }, 80},
	} {
		t.Run(name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, m mode) {
				conn, s := start(t, newEngine(t, m, c.server.Clone()), 1000)
				if _, err := conn.Write(c.hello(helloOf(t, &tls.Config{}))); err != nil {
					t.Fatal(err)
				}
				<-s.failed
				rec := make([]byte, 7)
				if _, err := io.ReadFull(conn, rec); err != nil || rec[0] != 21 || rec[5] != 2 || rec[6] != c.alert {
					t.Errorf("%x, %v, after %v", rec, err, s.err)
				}
				if errors.Is(s.err, ErrNotTLS) {
					t.Error(s.err)
				}
			})
		})
	}
}

// helloOf is the first flight of a client.
func helloOf(t testing.TB, cfg *tls.Config) []byte {
	t.Helper()
	client, server := memoryPair()
	defer client.Close()
	cfg.InsecureSkipVerify = true
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = tls.Client(client, cfg).Handshake() // it fails once its end is closed
	}()
	rec := make([]byte, record.HeaderLen)
	if _, err := io.ReadFull(server, rec); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, record.Length(rec, record.MaxCiphertext)-record.HeaderLen)
	if _, err := io.ReadFull(server, body); err != nil {
		t.Fatal(err)
	}
	client.Close()
	<-done
	return append(rec, body...)
}

func TestPartOfAHelloStartsNoGoroutine(t *testing.T) {
	whole := helloOf(t, &tls.Config{})
	for _, hello := range [][]byte{whole, inRecords(whole, 700), inRecords(whole, 120)} {
		e := newEngine(t, modeStd, nil)
		woken := make(chan struct{}, 10)
		s := e.NewLoop().NewSession(func() { woken <- struct{}{} })
		before := runtime.NumGoroutine()
		for i := range len(hello) - 1 {
			if err := s.Input(hello[i:i+1], nil); err != nil || e.Stats().InFlight != 0 || s.HasOutput() {
				t.Fatalf("at %d of %d: %v, %+v", i, len(hello), err, e.Stats())
			}
		}
		if n := runtime.NumGoroutine(); n > before {
			t.Errorf("%d goroutines, %d before", n, before)
		}
		if err := s.Input(hello[len(hello)-1:], nil); err != nil {
			t.Fatal(err)
		}
		<-woken
		if err := s.Advance(nil); err != nil || !s.HasOutput() {
			t.Errorf("no answer: %v", err)
		}
		s.Close()
	}
}

// inRecords cuts the message of a record into records of n bytes.
func inRecords(rec []byte, n int) (out []byte) {
	for body := rec[record.HeaderLen:]; len(body) > 0; {
		part := body[:min(n, len(body))]
		out = append(out, rec[0], rec[1], rec[2], byte(len(part)>>8), byte(len(part)))
		out, body = append(out, part...), body[len(part):]
	}
	return out
}

// A hello in more records than are worth counting is crypto/tls' to judge.
func TestHelloInManyRecords(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		e := newEngine(t, m, nil)
		conn, s := start(t, e, 1000)
		client := dial(t, &refragmented{Conn: conn, n: 20}, nil)
		echo(t, client, 100)
		<-s.established
	})
}

// refragmented cuts a client's first record.
type refragmented struct {
	net.Conn
	n    int
	done bool
}

func (r *refragmented) Write(p []byte) (int, error) {
	if r.done {
		return r.Conn.Write(p)
	}
	r.done = true
	_, err := r.Conn.Write(inRecords(p, r.n))
	return len(p), err
}

func TestHandshakeInputIsBounded(t *testing.T) {
	release := make(chan struct{})
	e := newEngine(t, modeCompact, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		<-release
		c := certificate()
		return &c, nil
	}})
	defer close(release)
	s := e.NewLoop().NewSession(func() {})
	if err := s.Input(helloOf(t, &tls.Config{}), nil); err != nil {
		t.Fatal(err)
	}
	const chunk = 64 << 10
	for sent := 0; ; sent += chunk {
		err := s.Input(make([]byte, chunk), nil)
		if err != nil {
			if most := maxHandshakeInput + maxEarly; err != ErrHandshakeSize || sent < most-2*chunk || sent > most {
				t.Errorf("after %d: %v", sent, err)
			}
			break
		}
	}
	if n := e.early.Load(); n != 0 {
		t.Errorf("%d bytes stay charged", n)
	}
	// And before there is a goroutine: a hello that never ends.
	s = e.NewLoop().NewSession(func() {})
	endless := append([]byte{22, 3, 1, 0x40, 0, 1, 0, 0xff, 0xf0}, make([]byte, 1<<14-4)...)
	if err := s.Input(endless, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Input(make([]byte, maxHandshakeInput), nil); err != ErrHandshakeSize {
		t.Error(err)
	}
	if out := s.TakeOutput(nil); !bytes.Equal(out, plainAlert) {
		t.Errorf("says %x", out)
	}
	if st := e.Stats(); st.Failed != 2 {
		t.Errorf("%+v", st)
	}
}

func TestWholeHello(t *testing.T) {
	hello := append([]byte{22, 3, 1, 0, 104, 1, 0, 0, 100}, make([]byte, 100)...)
	tiny := inRecords(hello, 1)
	const tinyLen = record.HeaderLen + 1
	for _, c := range []struct {
		name string
		in   []byte
		want bool
	}{
		{"nothing", nil, false},
		{"part of a header", hello[:4], false},
		{"part of it", hello[:len(hello)-1], false},
		{"whole", hello, true},
		{"in two records", inRecords(hello, 60), true},
		{"one of two records", inRecords(hello, 60)[:65], false},
		{"as many records as are counted, less one", tiny[:tinyLen*(maxHelloRecords-1)], false},
		{"as many records as are counted", tiny[:tinyLen*maxHelloRecords], true},
		{"something else", []byte("GET /"), true},
		{"too little of something else", []byte("GET "), false},
	} {
		if got := wholeHello(c.in); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// ClientHellos that have come in part are bounded together: nothing else counts them.
func TestUnfinishedHellosAreBounded(t *testing.T) {
	e := newEngine(t, modeCompact, &tls.Config{})
	l := e.NewLoop()
	hello := append([]byte{22, 3, 1, 0x40, 0, 1, 0, 0xff, 0xff}, make([]byte, 1<<14-4)...)
	for range 3 {
		hello = append(append(hello, 22, 3, 1, 0x40, 0), make([]byte, 1<<14)...)
	}
	hello = hello[:len(hello)-1]
	var all []*Session
	defer func() {
		for _, s := range all {
			s.Close()
		}
		if n := e.early.Load(); n != 0 {
			t.Errorf("%d bytes stay charged", n)
		}
	}()
	for len(all) < 2*maxEarlyOfAll/len(hello) {
		s := l.NewSession(func() {})
		all = append(all, s)
		if err := s.Input(hello, nil); err != nil {
			if err != ErrHandshakeSize || len(all) < maxEarlyOfAll/len(hello) {
				t.Errorf("session %d: %v", len(all), err)
			}
			return
		}
	}
	t.Error("no bound")
}
