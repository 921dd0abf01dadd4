package reactor

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// overTLS runs a test in all ways of TLS, whatever the flag says.
func overTLS(t *testing.T, test func(t *testing.T, o *TLSOptions)) {
	plainOnly(t, "it has TLS of its own")
	for _, mode := range []string{"std", "compact", "1.2"} {
		t.Run(mode, func(t *testing.T) {
			o := &TLSOptions{Config: serverTLS.Clone(), Compact: mode == "compact"}
			if mode == "1.2" {
				o.Config.MaxVersion = tls.VersionTLS12
			}
			test(t, o)
		})
	}
}

func TestTLSState(t *testing.T) {
	overTLS(t, func(t *testing.T, o *TLSOptions) {
		o.Config.ClientAuth, o.Config.ClientCAs = tls.RequireAndVerifyClientCert, authority.Pool()
		states := newBox[tls.ConnectionState]()
		s := serve(t, Config{TLS: o, Upgrade: func(c *Conn, _ *frame.Request) (Accept, error) {
			state, ok := c.TLS()
			if !ok {
				return Accept{}, errors.New("no TLS")
			}
			states <- state
			return Accept{}, nil
		}, Handler: echo})
		c := connect(t, s)
		withCert := clientTLS.Clone()
		withCert.Certificates = []tls.Certificate{authority.Issue("a client")}
		c.Conn = tls.Client(c.socket, withCert)
		c.r.Reset(c.Conn)
		c.write(handshakeBytes("/"))
		c.wantSwitch()
		c.text("hello")
		c.wantText("hello")
		state := states.take(t)
		if len(state.PeerCertificates) != 1 || state.PeerCertificates[0].Subject.CommonName != "a client" || state.Version != c.Conn.(*tls.Conn).ConnectionState().Version {
			t.Errorf("version %x, certificates %v", state.Version, state.PeerCertificates)
		}
		stranger := connect(t, s) // without a certificate
		_, _ = stranger.Write(handshakeBytes("/"))
		if n, err := stranger.r.Read(make([]byte, 1)); err == nil {
			t.Errorf("%d bytes for who has no certificate", n)
		}
		eventually(t, "refusal counted", func() bool { return s.Stats().Refused["tls_handshake"] == 1 })
	})
}

// Plain HTTP on a TLS port is told so.
func TestPlainTextOnTheTLSPort(t *testing.T) {
	overTLS(t, func(t *testing.T, o *TLSOptions) {
		s := serve(t, Config{TLS: o, Handler: echo})
		c := connect(t, s)
		_, _ = c.socket.Write(handshakeBytes("/"))
		answer, err := io.ReadAll(c.socket)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") || !strings.Contains(string(answer), "speaks TLS") {
			t.Errorf("answer %q, %v", answer, err)
		}
		if n := s.Stats().Refused["not_tls"]; n != 1 {
			t.Errorf("%d counted, want 1", n)
		}
	})
}

// Above the cap a connection is hung up on: an answer would cost a handshake.
func TestCapHangsUpOnTLS(t *testing.T) {
	overTLS(t, func(t *testing.T, o *TLSOptions) {
		s := serve(t, Config{TLS: o, Handler: echo, MaxConns: 1})
		kept := dial(t, s, "/")
		c := connect(t, s)
		if n, err := c.socket.Read(make([]byte, 1)); err == nil {
			t.Errorf("%d bytes for who is above the cap", n)
		}
		kept.text("kept")
		kept.wantText("kept")
		if st := s.Stats(); st.Refused["connection_limit"] != 1 || st.Connections != 1 {
			t.Errorf("refused %v, %d connections", st.Refused, st.Connections)
		}
	})
}

// Handshakes that stall, at any point, end at the deadline and leave nothing.
func TestStalledTLSHandshakes(t *testing.T) {
	overTLS(t, func(t *testing.T, o *TLSOptions) {
		clock := newClock()
		s := serve(t, Config{TLS: o, Handler: echo, Loops: 1, now: clock.Now, HandshakeTimeout: 5 * time.Second})
		before := runtime.NumGoroutine()
		hello := clientHello(t)
		var stalled []*client
		for _, n := range []int{0, 1, 5, len(hello) / 2, len(hello)} {
			c := connect(t, s)
			_, _ = c.socket.Write(hello[:n])
			stalled = append(stalled, c)
		}
		eventually(t, "all connected", func() bool { return s.Stats().Connections == 5 })
		_, _ = io.ReadFull(stalled[4].socket, make([]byte, 5)) // it has got an answer
		s.settle()
		clock.pass(s, 5200*time.Millisecond)
		for i, c := range stalled {
			if _, err := io.Copy(io.Discard, c.socket); err != nil && !isReset(err) {
				t.Errorf("conn %d: %v", i, err)
			}
		}
		eventually(t, "nothing left", func() bool { return s.Stats().Connections == 0 && runtime.NumGoroutine() <= before })
	})
}

func isReset(err error) bool { return strings.Contains(err.Error(), "reset") }

// clientHello is what a client says first.
func clientHello(t testing.TB) []byte {
	t.Helper()
	client, server := net.Pipe()
	defer server.Close()
	go func() { _ = tls.Client(client, clientTLS).Handshake(); client.Close() }()
	b := make([]byte, 16<<10)
	n, err := server.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

// A conn under TLS has no goroutine once its handshake is done.
func TestIdleTLSHasNoGoroutine(t *testing.T) {
	overTLS(t, func(t *testing.T, o *TLSOptions) {
		s := serve(t, Config{TLS: o, Handler: echo})
		dial(t, s, "/")
		before := runtime.NumGoroutine()
		for range 50 {
			c := dial(t, s, "/")
			c.text("x")
			c.wantText("x")
		}
		eventually(t, "no goroutine more", func() bool { return runtime.NumGoroutine() <= before })
	})
}

// tamper changes a byte of what is written through it, once it is armed.
type tamper struct {
	net.Conn
	armed bool
}

func (c *tamper) Write(b []byte) (int, error) {
	if c.armed {
		b = bytes.Clone(b)
		b[len(b)-1] ^= 1
	}
	return c.Conn.Write(b)
}

// A record that was tampered with ends the conn, and the peer is told why.
func TestTamperedRecord(t *testing.T) {
	overTLS(t, func(t *testing.T, o *TLSOptions) {
		ended := newBox[End]()
		h := echo
		h.close = func(_ *Conn, e End) { ended <- e }
		s := serve(t, Config{TLS: o, Handler: h})
		c := connect(t, s)
		wire := &tamper{Conn: c.socket}
		c.Conn = tls.Client(wire, clientTLS)
		c.r.Reset(c.Conn)
		c.write(handshakeBytes("/"))
		c.wantSwitch()
		c.text("good")
		c.wantText("good")
		wire.armed = true
		c.text("bad")
		if _, err := c.r.ReadByte(); err == nil || !strings.Contains(err.Error(), "bad record MAC") {
			t.Errorf("got %v, want the alert", err)
		}
		if end := ended.take(t); end.Code != frame.CloseAbnormal || end.Err == nil {
			t.Errorf("ended with %+v", end)
		}
		if n := s.Stats().Violations["tls"]; n != 1 {
			t.Errorf("%d violations, want 1", n)
		}
	})
}

// A peer that ends TCP without a word, in the middle of a record too, has ended abnormally.
func TestTruncatedTLS(t *testing.T) {
	overTLS(t, func(t *testing.T, o *TLSOptions) {
		ended := newBox[End]()
		s := serve(t, Config{TLS: o, Handler: funcs{close: func(_ *Conn, e End) { ended <- e }}})
		for _, rest := range [][]byte{nil, {0x17, 3, 3, 0, 100, 1, 2, 3}} {
			c := dial(t, s, "/")
			_, _ = c.socket.Write(rest)
			_ = c.socket.CloseWrite()
			if end := ended.take(t); end.Code != frame.CloseAbnormal {
				t.Errorf("ended with %+v", end)
			}
			c.socket.Close()
		}
		c := dial(t, s, "/")
		_ = c.Conn.(*tls.Conn).CloseWrite() // close_notify, and no close frame
		if end := ended.take(t); end.Code != frame.CloseAbnormal || end.Err != nil {
			t.Errorf("ended with %+v", end)
		}
		c.wantEOF()
	})
}

// What waits for a slow reader waits as plaintext, and is whole when it is read at last.
func TestBacklogOverTLS(t *testing.T) {
	overTLS(t, func(t *testing.T, o *TLSOptions) {
		const messages, size = 1000, 20_000
		opened := newBox[*Conn]()
		s := serve(t, Config{TLS: o, Loops: 1, OutboundMaxBytes: 64 << 20, OutboundMaxAge: time.Hour,
			Handler: funcs{open: func(c *Conn) { opened <- c }}})
		c := connect(t, s)
		_ = c.socket.SetReadBuffer(32 << 10)
		c.write(handshakeBytes("/"))
		c.wantSwitch()
		conn := opened.take(t)
		for i := range messages {
			onLoop(t, conn, func(c *Conn) { _ = c.Send(frame.OpBinary, bytes.Repeat([]byte{byte(i)}, size)) })
		}
		if st := s.Stats(); st.QueuedBytes < messages*size-8<<20 {
			t.Fatalf("%d bytes queued", st.QueuedBytes)
		}
		onLoop(t, conn, func(c *Conn) {
			if n := len(c.more.sealed.cipher); n > maxSealBytes+maxSealBytes/8 {
				t.Errorf("%d bytes of ciphertext wait", n)
			}
		})
		for i := range messages {
			c.want(frame.OpBinary, strings.Repeat(string([]byte{byte(i)}), size))
		}
		onLoop(t, conn, func(c *Conn) { c.Close(1000, "") })
		c.wantClose(1000, "")
	})
}

// A consumer that is too slow is ended with a close frame, over TLS as well, and close_notify behind it.
func TestSlowConsumerOverTLS(t *testing.T) {
	overTLS(t, func(t *testing.T, o *TLSOptions) {
		s, topic, _ := onTopic(t, Config{TLS: o, Loops: 1, OutboundMaxBytes: 100_000, CloseTimeout: patience}, TopicOptions{})
		c := dialStalled(t, s)
		for s.Stats().Ended["slow"] == 0 {
			_, _ = topic.Broadcast(frame.OpBinary, make([]byte, 8000))
			s.settle()
		}
		c.skipTo(frame.OpClose)
		c.send(frame.OpClose, "\x03\xf0")
		c.wantEOF()
	})
}

// Handshakes above the bound are hung up on at once, and the others go on.
func TestTLSHandshakesAreBounded(t *testing.T) {
	overTLS(t, func(t *testing.T, o *TLSOptions) {
		o.MaxHandshakes = 2
		s := serve(t, Config{TLS: o, Handler: echo})
		hello := clientHello(t)
		var stalled []*client
		for range 2 {
			c := connect(t, s)
			_, _ = c.socket.Write(hello)
			_, _ = io.ReadFull(c.socket, make([]byte, 5)) // it is in its handshake
			stalled = append(stalled, c)
		}
		c := connect(t, s)
		_, _ = c.socket.Write(hello)
		if b, err := io.ReadAll(c.socket); err != nil && !isReset(err) || len(b) > 7 {
			t.Errorf("%x, %v; want an alert at most, and the end", b, err)
		}
		stalled[0].Close()
		eventually(t, "room", func() bool { return s.Stats().Connections == 1 })
		good := dial(t, s, "/")
		good.text("room again")
		good.wantText("room again")
	})
}

// Shutdown in the middle of handshakes ends them.
func TestShutdownDuringTLSHandshakes(t *testing.T) {
	overTLS(t, func(t *testing.T, o *TLSOptions) {
		s := serve(t, Config{TLS: o, Handler: echo})
		open := dial(t, s, "/")
		hello := clientHello(t)
		for _, n := range []int{0, 10, len(hello)} {
			c := connect(t, s)
			_, _ = c.socket.Write(hello[:n])
		}
		eventually(t, "all connected", func() bool { return s.Stats().Connections == 4 })
		done := make(chan error)
		go func() { done <- s.Shutdown(context.Background()) }()
		open.wantClose(1001, "shutdown")
		open.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestTLSConfigProblems(t *testing.T) {
	for _, o := range []*TLSOptions{{}, {Config: &tls.Config{}}, {Config: serverTLS, MaxHandshakes: -1}, {Config: serverTLS, Permits: -1}} {
		if _, err := New(Config{Addr: "127.0.0.1:0", Handler: echo, TLS: o}); err == nil {
			t.Errorf("%+v accepted", o)
		}
	}
}

// held keeps back what is written until it is let go, all in one piece.
type held struct {
	net.Conn
	hold bool
	buf  bytes.Buffer
}

func (h *held) Write(b []byte) (int, error) {
	if h.hold {
		return h.buf.Write(b)
	}
	return h.Conn.Write(b)
}

func (h *held) SetWriteDeadline(time.Time) error { return nil } // crypto/tls sets one behind close_notify

func (h *held) letGo() { _, _ = h.Conn.Write(h.buf.Bytes()) }

// connectHeld connects to a server under TLS, with the handshake done.
func connectHeld(t *testing.T, s *Server) (*client, *held) {
	t.Helper()
	c := connect(t, s)
	h := &held{Conn: c.socket}
	c.Conn = tls.Client(h, clientTLS)
	c.r.Reset(c.Conn)
	if err := c.Conn.(*tls.Conn).Handshake(); err != nil {
		t.Fatal(err)
	}
	return c, h
}

// What is said last goes out in front of our close_notify, also where the peer's came in the same read.
func TestLastWordBeforeCloseNotify(t *testing.T) {
	overTLS(t, func(t *testing.T, o *TLSOptions) {
		s := serve(t, Config{TLS: o, Handler: echo})
		c, wire := connectHeld(t, s)
		c.write(handshakeBytes("/"))
		c.wantSwitch()
		wire.hold = true
		c.send(frame.OpClose, "\x03\xe8")
		_ = c.Conn.(*tls.Conn).CloseWrite()
		wire.letGo()
		c.want(frame.OpClose, "\x03\xe8")
		c.wantEOF()

		c, wire = connectHeld(t, s)
		wire.hold = true
		c.write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
		_ = c.Conn.(*tls.Conn).CloseWrite()
		wire.letGo()
		if head := string(c.head()); !strings.HasPrefix(head, "HTTP/1.1 426 ") {
			t.Errorf("got %q", head)
		}
	})
}

// Who goes on to speak plain text on a TLS port is listened to until the answer can have arrived.
func TestPlainTextThatGoesOn(t *testing.T) {
	overTLS(t, func(t *testing.T, o *TLSOptions) {
		s := serve(t, Config{TLS: o, Handler: echo, LingerTimeout: time.Hour, CloseTimeout: time.Hour})
		c := connect(t, s)
		_, _ = io.WriteString(c.socket, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
		if answer, err := io.ReadAll(c.socket); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
			t.Fatalf("%q, %v", answer, err)
		}
		for range 10 {
			before := s.Stats().BytesIn
			_, _ = c.socket.Write(make([]byte, 1000))
			eventually(t, "read", func() bool { return s.Stats().BytesIn == before+1000 })
		}
		if n := s.Stats().Connections; n != 1 {
			t.Errorf("%d connections, want the one that lingers", n)
		}
		c.Close()
	})
}

// A peer that does not read and goes on to send, after its session has failed, is gone with the deadline all the same.
func TestFailedSessionEndsInTime(t *testing.T) {
	overTLS(t, func(t *testing.T, o *TLSOptions) {
		clock := newClock()
		opened := newBox[*Conn]()
		s := serve(t, Config{TLS: o, Loops: 1, now: clock.Now, CloseTimeout: 2 * time.Second, OutboundMaxBytes: 64 << 20, OutboundMaxAge: time.Hour,
			Handler: funcs{open: func(c *Conn) { opened <- c }}})
		c := connect(t, s)
		_ = c.socket.SetReadBuffer(4 << 10)
		wire := &tamper{Conn: c.socket}
		c.Conn = tls.Client(wire, clientTLS)
		c.r.Reset(c.Conn)
		c.write(handshakeBytes("/"))
		c.wantSwitch()
		onLoop(t, opened.take(t), func(c *Conn) { _ = c.Send(frame.OpBinary, make([]byte, 16<<20)) })
		wire.armed = true
		c.text("bad")
		eventually(t, "violation", func() bool { return s.Stats().Violations["tls"] == 1 })
		for range 5 {
			_, _ = c.socket.Write([]byte{0})
			s.settle()
			clock.pass(s, time.Second)
		}
		if st := s.Stats(); st.Connections != 0 || st.Violations["tls"] != 1 {
			t.Errorf("%d connections, %d violations; want 0, and the one", st.Connections, st.Violations["tls"])
		}
	})
}
