package loadtest

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

// tcpProxy stands between wsload and a server. What goes up is copied, unless up says otherwise; down decides what comes down.
type tcpProxy struct {
	// Immutable after start.
	listener net.Listener
	server   string
	down, up func(conn int, to io.Writer, from io.Reader)
	handlers sync.WaitGroup

	// Guarded by mu.
	mu      sync.Mutex
	stopped bool
	open    map[net.Conn]bool
}

// startProxy returns the address in front of server's.
func startProxy(t *testing.T, server net.Addr, down func(conn int, to io.Writer, from io.Reader)) string {
	t.Helper()
	return startProxyBothWays(t, server, down, copyAll)
}

// copyAll passes on what comes.
func copyAll(_ int, to io.Writer, from io.Reader) { _, _ = io.Copy(to, from) }

func startProxyBothWays(t *testing.T, server net.Addr, down, up func(conn int, to io.Writer, from io.Reader)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &tcpProxy{listener: listener, server: server.String(), down: down, up: up, open: map[net.Conn]bool{}}
	p.handlers.Go(p.accept)
	t.Cleanup(p.stop)
	return listener.Addr().String()
}

func (p *tcpProxy) accept() {
	for n := 0; ; n++ {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.handlers.Go(func() { p.relay(n, client) })
	}
}

// relay serves one connection until either side has ended it.
func (p *tcpProxy) relay(n int, client net.Conn) {
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		_ = client.Close()
		return
	}
	if err := p.keep(client, server); err != nil {
		return
	}
	var up sync.WaitGroup
	up.Go(func() {
		p.up(n, server, client)
		_ = server.(*net.TCPConn).CloseWrite()
	})
	p.down(n, client, server)
	p.end(client, server)
	up.Wait()
}

var errStopped = errors.New("the proxy has stopped")

func (p *tcpProxy) keep(conns ...net.Conn) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		if p.stopped {
			_ = conn.Close()
			continue
		}
		p.open[conn] = true
	}
	if p.stopped {
		return errStopped
	}
	return nil
}

func (p *tcpProxy) end(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close()
		delete(p.open, conn)
	}
}

func (p *tcpProxy) stop() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.stopped = true
	for conn := range p.open {
		_ = conn.Close()
	}
	p.mu.Unlock()
	p.handlers.Wait()
}
