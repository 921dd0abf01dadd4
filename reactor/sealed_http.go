package reactor

import (
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/wsedge/wsedge/tlsloop"
)

// goodbyeTimeout is how long the close_notify of a connection that net/http closes may take.
const goodbyeTimeout = time.Second

// sealedConn is a TLS connection that has left its loop: blocking, for net/http. It carries the session on.
type sealedConn struct {
	net.Conn // the socket

	reading sync.Mutex // held by Read, which is one goroutine's at a time
	read    []byte     // scratch: ciphertext
	plain   []byte     // that nobody has read yet
	ended   error      // of the session

	writing sync.Mutex // guards the session, and the order of what it has sealed
	session *tlsloop.Session
	loops   *sync.Pool // of *tlsloop.Loop: scratch for as long as the session is at work
	cipher  []byte     // scratch
	failed  error      // of a write: what follows could not be read
}

// unsealed takes the session away from the loop, for conn, which is the same socket. What waits for the socket is sent
// before anything else.
func (c *Conn) unsealed(conn net.Conn) *sealedConn {
	s := c.more.sealed
	c.more.sealed = nil
	c.flags &^= flagSealed
	return &sealedConn{Conn: conn, session: s.session, loops: &c.loop.srv.tlsLoops, cipher: s.cipher}
}

// isSealed reports whether the connection is under TLS.
func (c *httpConn) isSealed() bool {
	_, sealed := c.Conn.(*sealedConn)
	return sealed
}

// takeBack ends net/http's part in the connection, which nobody uses any more. The caller gets the socket, the session, and what
// it has decrypted and net/http has not read.
func (c *sealedConn) takeBack() (socket net.Conn, session *tlsloop.Session, plain []byte) {
	return c.Conn, c.session, c.plain
}

// borrow lends the session scratch memory; the caller gives it back when the session has done its work.
func (c *sealedConn) borrow() *tlsloop.Loop {
	l := c.loops.Get().(*tlsloop.Loop)
	l.SetNow(uint32(time.Now().Unix()))
	c.session.Move(l)
	return l
}

// Read returns plaintext.
func (c *sealedConn) Read(p []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	for len(c.plain) == 0 {
		if c.ended != nil {
			return 0, c.ended
		}
		if c.read == nil {
			c.read = make([]byte, 16<<10)
		}
		n, err := c.Conn.Read(c.read)
		if n > 0 {
			c.ended = c.input(c.read[:n])
		}
		if err != nil && len(c.plain) == 0 && c.ended == nil {
			return 0, err // a deadline, maybe: reading can go on
		}
	}
	n := copy(p, c.plain)
	if c.plain = c.plain[n:]; len(c.plain) == 0 {
		c.plain = nil
	}
	return n, nil
}

// input lets the session have ciphertext, and sends what it has to say to that.
func (c *sealedConn) input(b []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	defer c.loops.Put(c.borrow())
	err := c.session.Input(b, func(plain []byte) { c.plain = append(c.plain, plain...) })
	if c.session.HasOutput() {
		c.cipher = c.session.TakeOutput(c.cipher)
		c.flush()
	}
	return err
}

// Write sends plaintext.
func (c *sealedConn) Write(p []byte) (n int, err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	defer c.loops.Put(c.borrow())
	for n < len(p) && c.failed == nil {
		chunk := p[n:min(len(p), n+maxSealBytes)]
		c.cipher = c.session.Seal(c.cipher, chunk)
		if c.flush(); c.failed == nil {
			n += len(chunk)
		}
	}
	return n, c.failed
}

// flush sends the ciphertext. A record that has gone out in part cannot be taken back, so a failure is final.
func (c *sealedConn) flush() {
	if c.failed == nil {
		_, c.failed = c.Conn.Write(c.cipher)
	}
	if c.cipher = c.cipher[:0]; cap(c.cipher) > maxSealBytes {
		c.cipher = nil
	}
}

// CloseWrite says close_notify and shuts the socket's sending side down.
func (c *sealedConn) CloseWrite() error {
	c.writing.Lock()
	c.sayEnd()
	c.writing.Unlock()
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close says close_notify if that goes at once, and closes the socket.
func (c *sealedConn) Close() error {
	if c.writing.TryLock() { // else a write hangs, and the socket's end ends it
		c.sayEnd()
		c.writing.Unlock()
	}
	return c.Conn.Close()
}

func (c *sealedConn) sayEnd() {
	defer c.loops.Put(c.borrow())
	c.cipher = c.session.CloseNotify(c.cipher)
	_ = c.Conn.SetWriteDeadline(time.Now().Add(goodbyeTimeout))
	c.flush()
}

// state describes the TLS connection.
func (c *sealedConn) state() *tls.ConnectionState {
	c.writing.Lock()
	defer c.writing.Unlock()
	state := c.session.State()
	return &state
}
