package tlsloop

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/tlsloop/record"
)

// State says what crypto/tls would have said, whichever way the connection goes on.
func TestHandshakesAndTheirState(t *testing.T) {
	for name, c := range map[string]struct {
		server, client *tls.Config
		check          func(t *testing.T, s tls.ConnectionState)
	}{
		"plain": {&tls.Config{}, &tls.Config{ServerName: "localhost", NextProtos: []string{"http/1.1"}}, func(t *testing.T, s tls.ConnectionState) {
			if s.ServerName != "localhost" || s.NegotiatedProtocol != "http/1.1" {
				t.Errorf("%+v", s)
			}
		}},
		"HelloRetryRequest": {&tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP521}}, &tls.Config{}, func(t *testing.T, s tls.ConnectionState) {
			if !s.HelloRetryRequest || s.CurveID != tls.CurveP521 {
				t.Errorf("%+v", s)
			}
		}},
		"client certificate": {&tls.Config{ClientAuth: tls.RequireAnyClientCert}, &tls.Config{Certificates: []tls.Certificate{certificate()}}, func(t *testing.T, s tls.ConnectionState) {
			if len(s.PeerCertificates) != 1 || !bytes.Equal(s.PeerCertificates[0].Raw, certificate().Certificate[0]) {
				t.Errorf("%+v", s)
			}
		}},
		"client certificate after HelloRetryRequest": {
			&tls.Config{ClientAuth: tls.RequireAnyClientCert, CurvePreferences: []tls.CurveID{tls.CurveP521}},
			&tls.Config{Certificates: []tls.Certificate{certificate()}}, func(t *testing.T, s tls.ConnectionState) {
				if len(s.PeerCertificates) != 1 || !s.HelloRetryRequest {
					t.Errorf("%+v", s)
				}
			}},
		"no tickets": {&tls.Config{SessionTicketsDisabled: true}, &tls.Config{}, func(*testing.T, tls.ConnectionState) {}},
		"TLS 1.2":    {&tls.Config{MaxVersion: tls.VersionTLS12}, &tls.Config{}, func(*testing.T, tls.ConnectionState) {}},
		"TLS 1.3":    {&tls.Config{MinVersion: tls.VersionTLS13}, &tls.Config{}, func(*testing.T, tls.ConnectionState) {}},
	} {
		t.Run(name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, m mode) {
				e := newEngine(t, m, c.server.Clone())
				conn, s := start(t, e, 64)
				client := dial(t, conn, c.client)
				echo(t, client, 3000)
				var got tls.ConnectionState
				s.do(func() { got = s.session.State() })
				c.check(t, got)
				want := client.ConnectionState()
				if got.Version != want.Version || got.CipherSuite != want.CipherSuite || got.CurveID != want.CurveID ||
					!got.HandshakeComplete || got.NegotiatedProtocol != want.NegotiatedProtocol || got.DidResume || !got.NegotiatedProtocolIsMutual {
					t.Errorf("server has %+v, client %+v", got, want)
				}
				s.do(func() {
					if _, is := s.session.layer.(*compact); is != (m == modeCompact && want.Version == tls.VersionTLS13) {
						t.Errorf("goes on as %T", s.session.layer)
					}
				})
				if s := e.Stats(); s.Mismatched > 0 || s.Succeeded != 1 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

func TestResumption(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			eachMode(t, func(t *testing.T, m mode) {
				e := newEngine(t, m, nil)
				cfg := &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(4), ServerName: "localhost", MaxVersion: version}
				for i := range 4 {
					conn, s := start(t, e, 1000)
					client := dial(t, conn, cfg)
					echo(t, client, 3000) // which reads the ticket as well
					if client.ConnectionState().DidResume != (i > 0) {
						t.Errorf("connection %d: resumed %v", i, i == 0)
					}
					s.do(func() {
						if s.session.State().DidResume != (i > 0) {
							t.Error("the server sees it differently")
						}
					})
				}
				if s := e.Stats(); s.Resumed != 3 || s.Succeeded != 4 || s.Mismatched != 0 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

func TestSessionTicketKeysAreShared(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		var key, another [32]byte
		rand.Read(key[:])
		rand.Read(another[:])
		cache := tls.NewLRUClientSessionCache(4)
		connect := func(key [32]byte) bool {
			e := newEngine(t, m, nil)
			e.SetSessionTicketKeys([][32]byte{key})
			conn, _ := start(t, e, 1000)
			client := dial(t, conn, &tls.Config{ClientSessionCache: cache, ServerName: "localhost"})
			echo(t, client, 10)
			return client.ConnectionState().DidResume
		}
		if connect(key) || !connect(key) || connect(another) {
			t.Error("tickets are bound to something else")
		}
	})
}

// corked holds everything back but the first write, until it is let go.
type corked struct {
	net.Conn
	writes int
	held   []byte
}

func (c *corked) Write(p []byte) (int, error) {
	if c.writes++; c.writes == 1 {
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

func (c *corked) release() ([]byte, net.Conn) { return c.held, c.Conn }

func TestDataInTheSegmentOfFinished(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		for _, n := range []int{1, 100, 50_000} {
			conn, s := start(t, newEngine(t, m, nil), 1<<20)
			cork := &corked{Conn: conn}
			client := dial(t, cork, &tls.Config{MinVersion: tls.VersionTLS13})
			early := bytes.Repeat([]byte{'e'}, n)
			if _, err := client.Write(early); err != nil {
				t.Fatal(err)
			}
			held, raw := cork.release()
			if _, err := raw.Write(held); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, n)
			if _, err := io.ReadFull(client, got); err != nil || !bytes.Equal(got, early) {
				t.Fatal("differs: ", err)
			}
			<-s.established
		}
	})
}

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
	for sent := 0; ; sent += 1000 {
		err := s.Input(make([]byte, 1000), nil)
		if err != nil {
			if err != ErrHandshakeSize || sent < maxHandshakeInput-4000 || sent > maxHandshakeInput {
				t.Errorf("after %d: %v", sent, err)
			}
			break
		}
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

func TestCallbackThatPanics(t *testing.T) {
	for name, callback := range map[string]func(){"panic": func() { panic("oh no") }, "exit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, modeStd, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
				callback()
				return nil, nil
			}})
			for range 3 { // the permit comes back
				conn, s := start(t, e, 1000)
				if _, err := conn.Write(helloOf(t, &tls.Config{})); err != nil {
					t.Fatal(err)
				}
				<-s.failed
				if name == "panic" && !strings.Contains(fmt.Sprint(s.err), "oh no") || name == "exit" && s.err != errExited {
					t.Error(s.err)
				}
			}
			if s := e.Stats(); s.Failed != 3 || s.InFlight != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestCallbacksSeeAddresses(t *testing.T) {
	local, remote := &net.TCPAddr{Port: 1}, &net.TCPAddr{Port: 2}
	for _, set := range []bool{true, false} {
		e := newEngine(t, modeCompact, &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			l, r := hello.Conn.LocalAddr(), hello.Conn.RemoteAddr()
			if set && (l != local || r != remote) || !set && (l.String() != "" || r.String() != "" || l.Network() == "") {
				return nil, fmt.Errorf("%v %v", l, r)
			}
			c := certificate()
			return &c, nil
		}})
		clientEnd, serverEnd := memoryPair()
		w := newWorker(t, e)
		w.serve(t, serverEnd, 1000, func(s *served) {
			s.onNew = func() {
				if set {
					s.session.SetAddrs(local, remote)
				}
			}
		})
		echo(t, dial(t, clientEnd, nil), 10)
	}
}

func TestGetConfigForClient(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		log := keyLog{}
		e := newEngine(t, m, &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			switch hello.ServerName {
			case "refused.example":
				return nil, errors.New("not here")
			case "proven.example":
				return &tls.Config{Certificates: []tls.Certificate{certificate()}, ClientAuth: tls.RequireAnyClientCert, KeyLogWriter: log}, nil
			}
			return nil, nil
		}})
		conn, _ := start(t, e, 1000)
		echo(t, dial(t, conn, &tls.Config{ServerName: "other.example"}), 10)

		conn, s := start(t, e, 1000)
		clientLog := keyLog{}
		echo(t, dial(t, conn, &tls.Config{
			ServerName: "proven.example", Certificates: []tls.Certificate{certificate()}, KeyLogWriter: clientLog,
		}), 10)
		s.do(func() {
			if st := s.session.State(); len(st.PeerCertificates) != 1 || st.ServerName != "proven.example" {
				t.Errorf("%+v", st)
			}
		})
		if len(log) < 4 {
			t.Errorf("the caller's key log has %d labels", len(log))
		}
		for label, secret := range clientLog {
			if !bytes.Equal(log[label], secret) {
				t.Errorf("%s differs", label)
			}
		}

		conn, s = start(t, e, 1000)
		if _, err := conn.Write(helloOf(t, &tls.Config{ServerName: "refused.example"})); err != nil {
			t.Fatal(err)
		}
		<-s.failed
		if s.err == nil || s.err.Error() != "not here" {
			t.Error(s.err)
		}
	})
}
