package reactor

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

func TestShutdownClosesEnrolledConns(t *testing.T) {
	bothWays(t, func(t *testing.T, secure bool) {
		s := serveFed(t, Config{Handler: echo, OnDrain: func(c *Conn) { _ = c.Send(frame.OpText, []byte("last word")) }})
		srv := feed(t, s, secure)
		var clients []*client
		for range 10 {
			clients = append(clients, join(t, srv, "/"))
		}
		done := make(chan error)
		go func() { done <- s.Shutdown(context.Background()) }()
		for _, c := range clients {
			c.wantText("last word")
			c.wantClose(1001, "shutdown")
			c.Close()
		}
		if err := <-done; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
}

// Whoever comes while the server is being shut down gets a close frame, a 503 or the end, and nothing is left behind.
func TestShutdownWhileEnrolling(t *testing.T) {
	bothWays(t, func(t *testing.T, secure bool) {
		for range 10 {
			s := serveFed(t, Config{Handler: echo})
			srv := feed(t, s, secure)
			join(t, srv, "/").Close()
			var clients sync.WaitGroup
			begun := make(chan struct{}, 8)
			for range cap(begun) {
				c := reach(t, srv)
				clients.Go(func() {
					defer c.Close() // at once behind the close frame, so that nobody waits for an answer to it
					_, _ = c.Write(handshakeBytes("/"))
					begun <- struct{}{}
					head, _ := c.r.ReadString('\n')
					if !strings.HasPrefix(head, "HTTP/1.1 101 ") {
						return
					}
					for said := head; !strings.HasSuffix(said, "\x03\xe9shutdown"); {
						b, err := c.r.ReadByte()
						if err != nil {
							t.Errorf("%v behind %q", err, said)
							return
						}
						said += string([]byte{b})
					}
				})
			}
			<-begun
			if err := s.Shutdown(context.Background()); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
			clients.Wait()
			srv.Close()
		}
	})
}

// A Shutdown whose time is up leaves no bridge behind.
func TestShutdownCutsBridges(t *testing.T) {
	s := serveFed(t, Config{Handler: echo, CloseTimeout: time.Hour, LingerTimeout: time.Hour})
	c := join(t, feed(t, s, true), "/") // never answers the close frame
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Shutdown(ctx) }()
	c.want(frame.OpClose, "\x03\xe9shutdown")
	cancel()
	if err := <-done; err != context.Canceled {
		t.Errorf("Shutdown: %v", err)
	}
	eventually(t, "nothing left", goneFrom(s))
}
