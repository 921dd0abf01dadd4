package reactor

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// endless is a connection that knows no deadlines, as those through SSH.
type endless struct{ net.Conn }

func (endless) SetDeadline(time.Time) error      { return errors.ErrUnsupported }
func (endless) SetReadDeadline(time.Time) error  { return errors.ErrUnsupported }
func (endless) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }

// through dials, and makes something else of the connection.
func through(wrap func(net.Conn) net.Conn) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return wrap(conn), nil
	}
}

// A connection without deadlines ends with ctx in the handshake, and behind the close frame when the other side does not hang up.
func TestDialWithoutDeadlines(t *testing.T) {
	here := serveFed(t, Config{Handler: funcs{}, LingerTimeout: time.Millisecond, CloseTimeout: time.Millisecond})
	o := DialOptions{NetDial: through(func(c net.Conn) net.Conn { return endless{c} })}
	silent := answering(t, func(_ net.Conn, r *bufio.Reader, _ string) { _, _ = io.Copy(io.Discard, r) })
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, _, err := here.Dial(ctx, silent, o); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	refusing := answering(t, func(conn net.Conn, r *bufio.Reader, _ string) {
		_, _ = io.WriteString(conn, "HTTP/1.1 403 No\r\nContent-Length: 10\r\n\r\nhalf")
		_, _ = io.Copy(io.Discard, r)
	})
	var refused *DialError
	if _, _, err := here.Dial(t.Context(), refusing, o); !errors.As(err, &refused) || refused.Response.StatusCode != 403 {
		t.Error(err)
	}
	deaf := answering(t, func(conn net.Conn, r *bufio.Reader, key string) {
		_, _ = conn.Write(switching(key, ""))
		_, _ = io.Copy(io.Discard, r)
		_, _ = conn.Read(make([]byte, 1)) // never hangs up
		<-t.Context().Done()
	})
	c := reachOut(t, here, deaf, o)
	onLoop(t, c, func(c *Conn) { c.Close(frame.CloseNormal, "") })
	eventually(t, "nothing left", goneFrom(here))
}

// timed notes the last deadline that it was given.
type timed struct {
	net.Conn
	last time.Time
}

func (c *timed) SetDeadline(at time.Time) error { c.last = at; return c.Conn.SetDeadline(at) }

// A deadline that NetDial has left on the connection was for connecting.
func TestDialForgetsDeadlines(t *testing.T) {
	there := serve(t, Config{Handler: funcs{}})
	here := serveFed(t, Config{Handler: funcs{}})
	var conn *timed
	c := reachOut(t, here, there.address("/"), DialOptions{NetDial: through(func(c net.Conn) net.Conn {
		conn = &timed{Conn: c}
		_ = conn.SetDeadline(time.Now().Add(patience))
		return conn
	})})
	if !conn.last.IsZero() {
		t.Errorf("left: %v", conn.last)
	}
	onLoop(t, c, func(c *Conn) { c.Close(frame.CloseNormal, "") })
	eventually(t, "nothing left", goneFrom(here))
}

// NetDial owes a connection, or an error.
func TestDialNothing(t *testing.T) {
	here := serveFed(t, Config{Handler: funcs{}})
	for _, address := range []string{"ws://localhost/", "wss://localhost/"} {
		_, _, err := here.Dial(t.Context(), address, DialOptions{NetDial: func(context.Context, string, string) (net.Conn, error) { return nil, nil }})
		if err == nil || !strings.Contains(err.Error(), "NetDial returned neither") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A pipe in the process is a connection like others.
func TestDialPipe(t *testing.T) {
	heard := newBox[string]()
	here := serveFed(t, Config{
		Handler:      funcs{message: func(_ *Conn, _ Opcode, payload []byte) { heard <- string(payload) }},
		CloseTimeout: time.Millisecond, LingerTimeout: time.Millisecond,
	})
	c := reachOut(t, here, "ws://nowhere/", DialOptions{NetDial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			r := bufio.NewReader(theirs)
			key := readKey(r)
			_, _ = theirs.Write(switching(key, ""))
			_, _ = theirs.Write(frame.AppendFrame(nil, frame.OpText, []byte("through a pipe")))
			_, _ = io.Copy(io.Discard, r)
		}()
		return ours, nil
	}})
	if got := heard.take(t); got != "through a pipe" {
		t.Error(got)
	}
	onLoop(t, c, func(c *Conn) { c.Close(frame.CloseNormal, "") })
}

// readKey reads a request, and returns its key.
func readKey(r *bufio.Reader) string {
	request, err := http.ReadRequest(r)
	if err != nil {
		return ""
	}
	return request.Header.Get("Sec-WebSocket-Key")
}

// A panic of the embedder's, which net/http would recover, gives the connection's place back.
func TestDialPanic(t *testing.T) {
	here := serveFed(t, Config{Handler: funcs{}})
	func() {
		defer func() { _ = recover() }()
		_, _, _ = here.Dial(t.Context(), "ws://nowhere/", DialOptions{NetDial: func(context.Context, string, string) (net.Conn, error) { panic("no") }})
	}()
	if n := here.Stats().Connections; n != 0 {
		t.Errorf("%d connections", n)
	}
}
