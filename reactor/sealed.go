package reactor

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"syscall"

	"github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/tlsloop"
)

// TLSOptions make a server speak TLS, and nothing else, on its port.
type TLSOptions struct {
	// Config is required: certificates, or GetCertificate for ones that are renewed while the server runs; ClientAuth for
	// mutual TLS. It is cloned. NextProtos defaults to http/1.1, MinVersion is at least TLS 1.2. Its callbacks should not wait:
	// see Permits. A connection that negotiates acme-tls/1 is closed after its handshake.
	Config *tls.Config
	// Compact lets TLS 1.3 connections go on with a record layer of this module's own: about 0.4 KB instead of 3.3 KB each
	// at rest. Off by default: it is security code, and young.
	Compact bool
	// MaxHandshakes bounds the handshakes in flight, each with a goroutine and up to 26 KB until HandshakeTimeout. More are
	// hung up on. Default 1,024.
	MaxHandshakes int
	// Permits bounds the handshakes that compute at a time, so that a flood of them does not starve the loops. Default: what
	// GOMAXPROCS leaves beside the loops, at least 1.
	Permits int
}

// acmeProtocol is what an ACME server negotiates that validates a name. The handshake is all it came for: the connection is
// closed behind it, and nothing else is said (RFC 8737, section 3).
const acmeProtocol = "acme-tls/1"

// maxSealBytes of plaintext are encrypted at a time. Ciphertext cannot be dropped, put in order or conflated any more, so
// there is never more of it than that.
const maxSealBytes = 64 << 10

// sealed is the TLS side of a conn. Owned by its loop; the session has a goroutine of its own during the handshake.
type sealed struct {
	session *tlsloop.Session
	cipher  []byte // that the socket has not taken
	since   uint32 // tick at which it began to wait
	ended   bool   // close_notify, or an alert, is out or in cipher
	broken  bool   // the session has failed
}

// seal puts the conn under TLS, before its first input.
func (c *Conn) seal() {
	l := c.loop
	c.flags |= flagSealed
	session := l.tls.NewSession(func() { l.inbox.put(post{kind: postTLS, conn: c}) })
	session.SetAddrs(l.srv.localAddr(c), c.peerAddr())
	c.attach().sealed = &sealed{session: session}
}

// sealAgain goes on with the session of a connection that comes back from net/http.
func (c *Conn) sealAgain(session *tlsloop.Session) {
	c.flags |= flagSealed
	session.Move(c.loop.tls)
	c.attach().sealed = &sealed{session: session}
}

// established reports whether anything can be said to the peer.
func (c *Conn) established() bool {
	return c.flags&flagSealed == 0 || c.more.sealed.session.Established()
}

// TLS describes the TLS connection; ok is false without TLS. It is made when asked for.
func (c *Conn) TLS() (state tls.ConnectionState, ok bool) {
	c.loop.check()
	if c.flags&flagSealed == 0 || c.state == stateClosed {
		return tls.ConnectionState{}, false
	}
	return c.more.sealed.session.State(), true
}

// unseal takes ciphertext that has been read; none after the handshake's goroutine has done something. Plaintext goes to
// inbound. That of a conn which is still in its HTTP request is put together first: the request may take the conn out of
// the loop, which must not happen while the session is at work.
func (c *Conn) unseal(in []byte) {
	l := c.loop
	session := c.more.sealed.session
	fresh := !session.Established()
	var err error
	if in == nil {
		err = session.Advance(l.deliverPlain)
	} else {
		err = session.Input(in, l.deliverPlain)
	}
	if fresh && session.Established() && session.State().NegotiatedProtocol == acmeProtocol {
		l.head = emptied(l.head)
		c.breakOff(nil)
		return
	}
	if len(l.head) > 0 {
		head := l.head
		l.head = nil // the request's handler may end the conn, and that the turn
		c.inbound(head)
		l.head = emptied(head)
	}
	if c.state >= stateHandedOver {
		return
	}
	if err != nil {
		c.unsealFailed(err)
		return
	}
	c.notePartial()
}

// takePlain is what sessions deliver to.
func (l *loop) takePlain(plain []byte) {
	if c := l.corked; c.state == stateHandshaking {
		l.head = append(l.head, plain...)
	} else {
		c.inbound(plain)
	}
}

// unsealFailed ends the conn after what its session could not go on with. The alert, if there is one, is said.
func (c *Conn) unsealFailed(err error) {
	l := c.loop
	session := c.more.sealed.session
	switch {
	case c.state == stateLingering && err == io.EOF:
		c.gone(nil) // this is the end that was waited for
		c.closeSocket()
		return
	case c.state == stateLingering || c.more.sealed.broken:
		return // what comes now is thrown away
	case err == io.EOF: // close_notify: the peer says no more
		err = nil
		if c.state == stateClosing {
			c.flags |= flagHangUp
			c.outputDone()
			return
		}
	case errors.Is(err, tlsloop.ErrNotTLS):
		l.srv.counters.refusal("not_tls")
		c.more.sealed.cipher = frame.AppendRejection(nil, http.StatusBadRequest, l.srv.dateLine(), "this port speaks TLS\n")
	case c.state == stateHandshaking && !session.Established():
		l.srv.counters.refusal("tls_handshake")
	default:
		l.srv.counters.violation("tls")
	}
	c.breakOff(err)
}

// breakOff ends the conn without a close frame: there is no way left to send one, or nobody who reads it.
func (c *Conn) breakOff(err error) {
	l := c.loop
	c.more.sealed.broken = true
	if c.state == stateOpen {
		c.leaveAll()
		l.ended = append(l.ended, ended{c, End{Code: frame.CloseAbnormal, Err: err, RemoteAddr: c.peerAddr()}})
	}
	c.countLost()
	l.dropGathered(c)
	if l.corked == c {
		l.emptyCork()
	}
	if c.out != nil {
		c.out.dropAll(l)
	}
	c.state = stateClosing
	c.flags |= flagHangUp
	l.wheel.set(c, l.wheel.now+ticks(l.srv.cfg.CloseTimeout))
	c.outputDone()
}

// send hands bytes of frames to the socket, encrypted if need be, and returns how many it took: an errno of EAGAIN where it
// did not take all. Under TLS the conn may be congested behind it, though all was taken: ciphertext waits.
func (c *Conn) send(b []byte) (int, syscall.Errno) {
	if c.flags&flagSealed == 0 {
		return sendNow(c.fd, b)
	}
	return c.sendSealed(b)
}

func (c *Conn) sendSealed(b []byte) (sent int, errno syscall.Errno) {
	l, s := c.loop, c.more.sealed
	if errno := c.sendCipher(); errno != 0 {
		return 0, errno
	}
	for len(b) > 0 {
		plain := b[:min(len(b), maxSealBytes)]
		l.sealed = s.session.Seal(l.sealed[:0], plain)
		n, errno := sendNow(c.fd, l.sealed)
		if errno != 0 && errno != syscall.EAGAIN {
			return sent, errno
		}
		sent, b = sent+len(plain), b[len(plain):]
		if n < len(l.sealed) {
			c.keepCipher(l.sealed[n:])
			if len(b) > 0 {
				return sent, syscall.EAGAIN
			}
		}
	}
	return sent, 0
}

// keepCipher has ciphertext wait that the socket did not take; it copies it.
func (c *Conn) keepCipher(rest []byte) {
	s := c.more.sealed
	s.cipher = append(s.cipher, rest...)
	s.since = c.loop.wheel.now
	if c.out == nil {
		c.congest(int64(len(c.more.sealed.cipher)))
	}
}

// sendCipher sends the ciphertext that waits, and what TLS itself has to say. An errno of EAGAIN tells that some still waits.
func (c *Conn) sendCipher() syscall.Errno {
	if c.flags&flagSealed == 0 {
		return 0
	}
	l, s := c.loop, c.more.sealed
	if len(s.cipher) > 0 {
		n, errno := sendNow(c.fd, s.cipher)
		if n < len(s.cipher) {
			s.cipher = s.cipher[n:]
			return max(errno, syscall.EAGAIN)
		}
		s.cipher = nil
	}
	if !s.session.HasOutput() {
		return 0
	}
	l.sealed = s.session.TakeOutput(l.sealed[:0])
	n, errno := sendNow(c.fd, l.sealed)
	if errno != 0 && errno != syscall.EAGAIN {
		return errno
	}
	if n < len(l.sealed) {
		c.keepCipher(l.sealed[n:])
		return syscall.EAGAIN
	}
	return 0
}

// flushCipher is sendCipher at the end of a turn of the conn: nothing may wait that nobody will come back for.
func (c *Conn) flushCipher() {
	if c.flags&flagSealed == 0 || c.out != nil || c.state >= stateHandedOver {
		return
	}
	if errno := c.sendCipher(); errno != 0 && errno != syscall.EAGAIN {
		c.abort(errno)
	} else if errno != 0 && c.out == nil {
		c.congest(int64(len(c.more.sealed.cipher)))
	}
}

// cipherWaits tells that the socket has not taken all ciphertext.
func (c *Conn) cipherWaits() bool { return c.flags&flagSealed != 0 && len(c.more.sealed.cipher) > 0 }

// coolDown drops the ciphers of conns that in this turn were sent a ping, or answered one, and are idle otherwise.
func (l *loop) coolDown() {
	for _, c := range l.cooling {
		if c.state == stateOpen {
			c.more.sealed.session.Cool()
		}
	}
	l.cooling = emptied(l.cooling)
}

// sayEnd sends close_notify. It reports whether all is out.
func (c *Conn) sayEnd() bool {
	if c.flags&flagSealed == 0 {
		return true
	}
	l, s := c.loop, c.more.sealed
	if !s.ended {
		s.ended = true
		l.sealed = s.session.CloseNotify(l.sealed[:0])
		s.cipher = append(s.cipher, l.sealed...)
	}
	switch errno := c.sendCipher(); {
	case errno == 0:
		return true
	case errno != syscall.EAGAIN:
		c.abort(errno)
	case c.out == nil:
		c.congest(int64(len(c.more.sealed.cipher)))
	}
	return false
}

// dropSession ends the session of a conn that is going.
func (c *Conn) dropSession() {
	if c.flags&flagSealed == 0 || c.more.sealed == nil {
		return
	}
	c.more.sealed.session.Close()
	c.more.sealed.cipher = nil
}
