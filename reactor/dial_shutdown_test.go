package reactor

import (
	"bufio"
	"context"
	"io"
	"net"
	"testing"
)

// A handshake that is done when the server has begun to drain ends in ErrClosed: the other side hears nothing but the end.
func TestDialDoneWhileDraining(t *testing.T) {
	here := serveFed(t, Config{Handler: funcs{open: func(*Conn) { t.Error("opened") }}})
	heard := newBox[string]()
	server := answering(t, func(conn net.Conn, r *bufio.Reader, key string) {
		_, _ = conn.Write(switching(key, ""))
		rest, _ := io.ReadAll(r)
		heard <- string(rest)
	})
	// Not Shutdown: it would end the handshake before.
	c, _, err := here.Dial(t.Context(), server, DialOptions{NetDial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		here.draining.Store(true)
		return new(net.Dialer).DialContext(ctx, network, addr)
	}})
	if c != nil || err != ErrClosed {
		t.Errorf("%v, %v", c, err)
	}
	if got := heard.take(t); got != "" {
		t.Errorf("the server heard %q", got)
	}
	here.draining.Store(false)
}

// Shutdown does not wait for a server that does not answer: it ends what is being dialed.
func TestShutdownEndsDials(t *testing.T) {
	here := serveFed(t, Config{Handler: funcs{}})
	asked := newBox[bool]()
	silent := answering(t, func(_ net.Conn, r *bufio.Reader, _ string) {
		asked <- true
		_, _ = io.Copy(io.Discard, r)
	})
	result := newBox[error]()
	go func() {
		_, _, err := here.Dial(context.Background(), silent, DialOptions{})
		result <- err
	}()
	asked.take(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := here.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := result.take(t); err != ErrClosed {
		t.Error(err)
	}
}
