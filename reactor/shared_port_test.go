//go:build linux

package reactor

import (
	"bufio"
	"context"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/wsedge/wsedge/frame"
)

// onSocket runs a server that accepts on a socket.
func onSocket(t *testing.T, socket *os.File) *Server {
	t.Helper()
	listener, err := ListenOn(socket)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Listen(Config{Listener: listener, Handler: echo, Loops: 2})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func end(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// greeted connects, and returns when the upgrade is answered.
func greeted(addr string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	key := frame.NewClientKey([16]byte{1})
	if _, err := conn.Write(frame.AppendClientHandshake(nil, "localhost", "/", key, "")); err != nil {
		return err
	}
	var head []byte
	for r := bufio.NewReader(conn); ; {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return err
		}
		if head = append(head, line...); len(line) == 2 {
			_, err := frame.CheckServerHandshake(head, key)
			return err
		}
	}
}

// While one server after the other takes a socket over, nobody who connects is refused, reset or turned away.
func TestSocketIsTakenOver(t *testing.T) {
	port, err := ReservePort("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	socket, err := port.Socket()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	server := onSocket(t, socket)
	if server.Addr().String() != port.Addr().String() {
		t.Errorf("%v, want %v", server.Addr(), port.Addr())
	}
	var clients sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := greeted(port.Addr().String()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 20 {
		next := onSocket(t, socket)
		if err := server.StopAccepting(t.Context()); err != nil {
			t.Error(err)
		}
		end(t, server)
		server = next
	}
	close(stop)
	clients.Wait()
	end(t, server)
}

// What connects while nobody serves is served by the next.
func TestSocketOutlivesItsServer(t *testing.T) {
	port, err := ReservePort("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	socket, err := port.Socket()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	end(t, onSocket(t, socket))
	answered := make(chan error, 1)
	go func() { answered <- greeted(port.Addr().String()) }()
	next := onSocket(t, socket)
	if err := <-answered; err != nil {
		t.Error(err)
	}
	end(t, next)
	if _, err := ReservePort(port.Addr().String()); err == nil {
		t.Error("a port that is taken was reserved again")
	}
	if _, err := New(Config{Addr: "127.0.0.1:0", Listener: new(net.TCPListener), Handler: echo}); err == nil {
		t.Error("both Addr and Listener")
	}
}
