package reactor

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// All that a side said before its end reaches the other, in order, and then the end does.
func TestBridgeLosesNothing(t *testing.T) {
	const messages, size = 200, 40_000 // 8 MB each way: every buffer on the way is full at times
	ended := newBox[End]()
	s := serveFed(t, Config{
		Handler:          funcs{message: echo.message, close: func(_ *Conn, e End) { ended <- e }},
		OutboundMaxBytes: messages * size * 2,
	})
	c := join(t, feed(t, s, true), "/")
	go func() {
		for i := range messages {
			payload := bytes.Repeat([]byte{byte(i)}, size)
			_, _ = c.Write(frame.AppendMaskedFrame(nil, frame.OpBinary, payload, [4]byte{1, 2, 3, 4}))
		}
		_, _ = c.Write(frame.AppendMaskedFrame(nil, frame.OpClose, []byte("\x0f\xa0end"), [4]byte{1, 2, 3, 4}))
	}()
	for i := range messages {
		c.want(frame.OpBinary, strings.Repeat(string([]byte{byte(i)}), size))
	}
	c.want(frame.OpClose, "\x0f\xa0")
	c.wantEOF()
	if e := ended.take(t); e.Code != 4000 || e.Reason != "end" || e.RemoteAddr.String() != c.LocalAddr().String() {
		t.Errorf("end %+v", e)
	}
	c.Close()
	eventually(t, "nothing left", goneFrom(s))
}

// A client that ends its own side first still gets the answers.
func TestBridgeHalfClose(t *testing.T) {
	s := serveFed(t, Config{Handler: echo})
	c := join(t, feed(t, s, true), "/")
	c.text("last words")
	if err := c.Conn.(*tls.Conn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	c.wantText("last words")
	c.wantEOF()
	c.Close()
	eventually(t, "nothing left", goneFrom(s))
}

// What the server has said last arrives, though the client was saying more: a close frame behind a violation.
func TestBridgeCloseFrameArrives(t *testing.T) {
	s := serveFed(t, Config{Handler: echo, LingerTimeout: patience})
	srv := feed(t, s, true)
	for range 20 {
		c := join(t, srv, "/")
		c.write(append([]byte{0x81, 0x01, 'x'}, bytes.Repeat([]byte("more"), 10_000)...))
		op, payload, err := c.next()
		if err != nil || op != frame.OpClose || payload != "\x03\xeaunmasked_frame" {
			t.Fatalf("%v %q %v", op, payload, err)
		}
		c.wantEOF()
		c.Close()
	}
	eventually(t, "nothing left", goneFrom(s))
}

// A client that vanishes takes its conn along.
func TestBridgeClientVanishes(t *testing.T) {
	ended := newBox[End]()
	s := serveFed(t, Config{Handler: funcs{close: func(_ *Conn, e End) { ended <- e }}})
	c := join(t, feed(t, s, true), "/")
	tcp := c.Conn.(*tls.Conn).NetConn().(*net.TCPConn)
	_ = tcp.SetLinger(0)
	tcp.Close() // a reset
	if e := ended.take(t); e.Code != frame.CloseAbnormal {
		t.Errorf("end %+v", e)
	}
	eventually(t, "nothing left", goneFrom(s))
}

// A client that does not read is seen to be slow through the bridge, and its goroutines end in time.
func TestBridgeSlowClient(t *testing.T) {
	opened, ended := newBox[*Conn](), newBox[End]()
	s := serveFed(t, Config{
		Handler:      funcs{open: func(c *Conn) { opened <- c }, close: func(_ *Conn, e End) { ended <- e }},
		CloseTimeout: time.Second, LingerTimeout: time.Second, OutboundMaxBytes: 1 << 20,
	})
	c := join(t, feed(t, s, true), "/")
	server := opened.take(t)
	payload := make([]byte, 256<<10)
	for s.Stats().Open > 0 {
		server.Post(func(c *Conn) { _ = c.Send(frame.OpBinary, payload) })
		s.settle()
	}
	if e := ended.take(t); e.Code != 1008 || e.Reason != "slow_consumer" {
		t.Errorf("end %+v", e)
	}
	eventually(t, "nothing left", goneFrom(s)) // though the client is still there
	_, _ = io.Copy(io.Discard, c.Conn)
}

// halfless is a connection that knows nothing of half closes.
type halfless struct{ net.Conn }

func (h halfless) Close() error { return h.Conn.Close() }

type halflessListener struct{ net.Listener }

func (l halflessListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return halfless{c}, nil
}

// Connections of other kinds are bridged as well: those that a listener of the embedder's has wrapped.
func TestBridgeForWrappedConnections(t *testing.T) {
	s := serveFed(t, Config{Handler: echo, LingerTimeout: time.Second})
	srv := feedWrapped(t, s)
	c := join(t, srv, "/")
	c.text("wrapped")
	c.wantText("wrapped")
	if n := s.Stats().Bridged; n != 1 {
		t.Errorf("%d bridged", n)
	}
	c.send(frame.OpClose, "\x03\xe8")
	c.want(frame.OpClose, "\x03\xe8")
	c.wantEOF()
	c.Close()
	eventually(t, "nothing left", goneFrom(s))
}

// Bridged connections take three descriptors each: what the limit of open files has no room for is refused.
func TestBridgesCountTheirFiles(t *testing.T) {
	s := prepareOn(t, "", Config{Handler: echo})
	s.maxFiles = 7
	start(t, s)
	srv := feed(t, s, true)
	join(t, srv, "/")
	join(t, srv, "/")
	c := reach(t, srv)
	c.write(handshakeBytes("/"))
	if head := string(c.head()); !strings.HasPrefix(head, "HTTP/1.1 503 ") {
		t.Errorf("a third got %q", head)
	}
	c.Close()
	eventually(t, "its place given back", func() bool { return s.Stats().Connections == 2 })
	plain := feed(t, s, false)
	join(t, plain, "/") // one descriptor is left
	c = reach(t, plain)
	c.write(handshakeBytes("/"))
	if head := string(c.head()); !strings.HasPrefix(head, "HTTP/1.1 503 ") {
		t.Errorf("an eighth descriptor: %q", head)
	}
	if st := s.Stats(); st.Connections != 3 || st.Bridged != 2 || st.Refused["connection_limit"] != 2 {
		t.Errorf("%+v", st)
	}
}
