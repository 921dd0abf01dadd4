package reactor

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/internal/leaktest"
	"github.com/wsedge/wsedge/internal/tlstest"
)

// patience is how long a test waits for what must come; it is never waited for in a test that passes.
const patience = time.Minute

func TestMain(m *testing.M) { leaktest.Run(m, warmUp) }

// warmUp starts what the engine starts once per process and keeps.
func warmUp() {
	s, err := Listen(Config{Addr: "127.0.0.1:0", Handler: funcs{}})
	if err != nil {
		panic(err)
	}
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		panic(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "BAD\r\n\r\n")
	_, _ = io.ReadAll(c)
	if err := s.Shutdown(context.Background()); err != nil {
		panic(err)
	}
}

// funcs is a Handler of functions; those that are nil do nothing.
type funcs struct {
	open    func(*Conn)
	message func(*Conn, frame.Opcode, []byte)
	close   func(*Conn, End)
}

func (f funcs) OnOpen(c *Conn) {
	if f.open != nil {
		f.open(c)
	}
}

func (f funcs) OnMessage(c *Conn, op frame.Opcode, payload []byte) {
	if f.message != nil {
		f.message(c, op, payload)
	}
}

func (f funcs) OnClose(c *Conn, end End) {
	if f.close != nil {
		f.close(c, end)
	}
}

var echo = funcs{message: func(c *Conn, op frame.Opcode, payload []byte) { _ = c.Send(op, payload) }}

// serve starts a server for the test. It must end by itself, and give everything back.
func serve(t testing.TB, cfg Config) *Server {
	t.Helper()
	s := prepare(t, cfg)
	start(t, s)
	return s
}

// serveFed starts a server without a listener.
func serveFed(t testing.TB, cfg Config) *Server {
	t.Helper()
	s := prepareOn(t, "", cfg)
	start(t, s)
	return s
}

// prepare makes a server that does not listen yet.
func prepare(t testing.TB, cfg Config) *Server {
	t.Helper()
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	return prepareOn(t, cfg.Addr, cfg)
}

func prepareOn(t testing.TB, addr string, cfg Config) *Server {
	t.Helper()
	cfg.Addr = addr
	if cfg.Loops == 0 {
		cfg.Loops = 2
	}
	if cfg.PingInterval == 0 {
		cfg.PingInterval = -1 // a ping would come into conversations that are about something else
	}
	if cfg.MaxFrameRate == 0 {
		cfg.MaxFrameRate, cfg.MaxControlRate = -1, -1 // most send as fast as they can
	}
	if *tlsFlag != "" && cfg.TLS == nil {
		cfg.TLS = &TLSOptions{Config: serverTLS.Clone(), Compact: *tlsFlag == "compact"}
		if *tlsFlag == "1.2" {
			cfg.TLS.Config.MaxVersion = tls.VersionTLS12
		}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if _, measured := t.(*testing.B); cfg.Newcomers == nil && !measured {
		cfg.Newcomers = &balance{}
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func start(t testing.TB, s *Server) {
	t.Helper()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown: %v", err)
		}
		if n := s.inFlightBytes.Load(); n != 0 {
			t.Errorf("%d bytes still in flight after the end", n)
		}
		if n := s.conns.Load(); n != 0 {
			t.Errorf("%d connections still counted after the end", n)
		}
		if b, ok := s.cfg.Newcomers.(*balance); ok {
			b.check(t)
		}
	})
}

// client is the other side of a conversation: a socket, and a decoder that checks every byte of the server.
type client struct {
	t testing.TB
	net.Conn
	socket  *net.TCPConn // below Conn, where that is TLS
	r       *bufio.Reader
	cfg     frame.DecoderConfig
	decoder frame.Decoder
	buf     []byte
}

// connect opens a socket and sends nothing.
func connect(t testing.TB, s *Server) *client {
	t.Helper()
	c := connectPlain(t, s)
	if s.cfg.TLS != nil {
		c.startTLS()
	}
	return c
}

// connectPlain opens a socket without TLS.
func connectPlain(t testing.TB, s *Server) *client {
	t.Helper()
	conn, err := net.Dial(s.Addr().Network(), s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return wrap(t, conn)
}

// startTLS goes on in TLS; the handshake comes with the first write or read.
func (c *client) startTLS() {
	c.Conn = tls.Client(c.Conn, clientTLS)
	c.r.Reset(c.Conn)
}

// tlsFlag has the conversations of all tests go over TLS.
var tlsFlag = flag.String("reactor.tls", "", "std, compact or 1.2: have all conversations over TLS")

var (
	authority = tlstest.NewAuthority()
	serverTLS = &tls.Config{Certificates: []tls.Certificate{authority.Issue("localhost")}}
	clientTLS = &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost"}
)

// scheme is that of the origin and the URLs of a server.
func scheme() string {
	if *tlsFlag != "" {
		return "https"
	}
	return "http"
}

// httpClient is one whose idle connections are the caller's to close.
func httpClient() (*http.Client, *http.Transport) {
	transport := &http.Transport{TLSClientConfig: clientTLS}
	return &http.Client{Transport: transport}, transport
}

// plainOnly skips the test over TLS, where what it is about does not exist or is another matter.
func plainOnly(t testing.TB, why string) {
	t.Helper()
	if *tlsFlag != "" {
		t.Skip(why)
	}
}

func wrap(t testing.TB, conn net.Conn) *client {
	socket, _ := conn.(*net.TCPConn)
	return &client{t: t, Conn: conn, socket: socket, r: bufio.NewReader(conn),
		cfg: frame.DecoderConfig{Role: frame.Client, MaxMessageBytes: 64 << 20}}
}

var clientKey = frame.NewClientKey([16]byte{1, 2, 3})

func handshakeBytes(path string) []byte {
	return frame.AppendClientHandshake(nil, "example.org", path, clientKey, "")
}

// dial opens a WebSocket.
func dial(t testing.TB, s *Server, path string) *client {
	t.Helper()
	c := connect(t, s)
	c.write(handshakeBytes(path))
	c.wantSwitch()
	return c
}

func (c *client) write(b []byte) {
	c.t.Helper()
	if _, err := c.Write(b); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

// wantSwitch reads the 101.
func (c *client) wantSwitch() {
	c.t.Helper()
	if _, err := frame.CheckServerHandshake(c.head(), clientKey); err != nil {
		c.t.Fatalf("handshake: %v", err)
	}
}

// head reads a response head.
func (c *client) head() []byte {
	c.t.Helper()
	var head []byte
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		b, err := c.r.ReadByte()
		if err != nil {
			c.t.Fatalf("after %q: %v", head, err)
		}
		head = append(head, b)
	}
	return head
}

func (c *client) send(op frame.Opcode, payload string) {
	c.t.Helper()
	c.write(c.frame(op, payload))
}

// frame is one as the client's side sends it: it may be the server's, see reached.
func (c *client) frame(op frame.Opcode, payload string) []byte {
	if c.cfg.Role == frame.Server {
		return frame.AppendFrame(nil, op, []byte(payload))
	}
	return frame.AppendMaskedFrame(nil, op, []byte(payload), [4]byte{0x11, 0x22, 0x33, 0x44})
}

func (c *client) text(payload string) {
	c.t.Helper()
	c.send(frame.OpText, payload)
}

// next reads one message or control frame.
func (c *client) next() (frame.Opcode, string, error) {
	chunk := make([]byte, 64<<10)
	_ = c.SetReadDeadline(time.Now().Add(patience)) // for each: a conversation may be long
	for {
		m, n, err := c.decoder.Next(&c.cfg, c.buf)
		if err != nil {
			return 0, "", err
		}
		c.buf = c.buf[n:]
		if m.Opcode != frame.OpContinuation {
			op, payload := m.Opcode, string(m.Payload)
			m.Release()
			return op, payload, nil
		}
		n, err = c.r.Read(chunk)
		if n == 0 && err != nil {
			return 0, "", err
		}
		c.buf = append([]byte(nil), chunk[:n]...)
	}
}

func (c *client) want(op frame.Opcode, payload string) {
	c.t.Helper()
	gotOp, got, err := c.next()
	if err != nil || gotOp != op || got != payload {
		c.t.Fatalf("got %v %.200q, %v; want %v %.200q", gotOp, got, err, op, payload)
	}
}

func (c *client) wantText(payload string) {
	c.t.Helper()
	c.want(frame.OpText, payload)
}

// wantClose reads a close frame, answers it, and wants the server to hang up, and nothing in between.
func (c *client) wantClose(code frame.CloseCode, reason string) {
	c.t.Helper()
	op, payload, err := c.next()
	if err != nil || op != frame.OpClose {
		c.t.Fatalf("got %v %.200q, %v; want close %d", op, payload, err, code)
	}
	gotCode, gotReason, err := frame.ParseClose([]byte(payload))
	if err != nil || gotCode != code || string(gotReason) != reason {
		c.t.Fatalf("closed with %d %q, %v; want %d %q", gotCode, gotReason, err, code, reason)
	}
	_, _ = c.Write(c.frame(frame.OpClose, payload))
	c.wantEOF()
}

// wantEOF wants an orderly end of the stream.
func (c *client) wantEOF() {
	c.t.Helper()
	if _, err := c.r.ReadByte(); err != io.EOF {
		c.t.Fatalf("got %v, want end of file", err)
	}
}

// box is where a test's handler puts what the test's own goroutine waits for.
type box[T any] chan T

func newBox[T any]() box[T] { return make(box[T], 1000) }

func (b box[T]) take(t testing.TB) T {
	t.Helper()
	select {
	case v := <-b:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

// eventually waits until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond) // polls, up to patience
	}
}

// onLoop runs f on the conn's loop and waits for it.
func onLoop(t testing.TB, c *Conn, f func(*Conn)) {
	t.Helper()
	var done sync.WaitGroup
	done.Add(1)
	if !c.Post(func(c *Conn) { defer done.Done(); f(c) }) {
		t.Fatal("loop has ended")
	}
	done.Wait()
}

// clock is a test's own time.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_000_000, 0)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// pass moves the time on, in steps that the loops do not take for stalls, and lets all loops live through each.
func (c *clock) pass(s *Server, d time.Duration) {
	for ; d > 0; d -= tickPeriod {
		c.mu.Lock()
		c.now = c.now.Add(tickPeriod)
		c.mu.Unlock()
		for _, l := range s.knownLoops() {
			l.inbox.putTick(s.cfg.now())
			l.barrier()
		}
	}
}

// barrier waits until the loop has served all that was published, and has taken a turn since: posts may be taken in the midst of
// serving.
func (l *loop) barrier() {
	c := &Conn{loop: l, state: stateOpen}
	idle := make(chan bool)
	ask := func() bool {
		return !l.inbox.put(post{kind: postCall, conn: c, call: func(*Conn) { idle <- l.runq.len() == 0 }}) || <-idle
	}
	for !ask() {
	}
	ask() // a turn of its own, which has a tick, too, if one was due before
	ask() // the next: that one is over
}
