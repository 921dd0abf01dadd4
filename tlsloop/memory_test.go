package tlsloop

import (
	"io"
	"net"
	"sync"
	"time"
)

// stream is one direction of a connection in memory. It takes everything at once.
type stream struct {
	mu     sync.Mutex
	come   sync.Cond
	bytes  []byte
	closed bool
}

func newStream() *stream {
	s := new(stream)
	s.come.L = &s.mu
	return s
}

func (s *stream) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.bytes) == 0 {
		if s.closed {
			return 0, io.EOF
		}
		s.come.Wait()
	}
	n := copy(p, s.bytes)
	s.bytes = s.bytes[n:]
	return n, nil
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, net.ErrClosed
	}
	s.bytes = append(s.bytes, p...)
	s.come.Broadcast()
	return len(p), nil
}

func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.come.Broadcast()
}

// memoryConn is one end of a connection in memory.
type memoryConn struct{ in, out *stream }

func memoryPair() (a, b *memoryConn) {
	there, back := newStream(), newStream()
	return &memoryConn{in: back, out: there}, &memoryConn{in: there, out: back}
}

func (c *memoryConn) Read(p []byte) (int, error)  { return c.in.Read(p) }
func (c *memoryConn) Write(p []byte) (int, error) { return c.out.Write(p) }
func (c *memoryConn) Close() error                { c.out.end(); c.in.end(); return nil }

func (c *memoryConn) LocalAddr() net.Addr              { return noAddr{} }
func (c *memoryConn) RemoteAddr() net.Addr             { return noAddr{} }
func (c *memoryConn) SetDeadline(time.Time) error      { return nil }
func (c *memoryConn) SetReadDeadline(time.Time) error  { return nil }
func (c *memoryConn) SetWriteDeadline(time.Time) error { return nil }
