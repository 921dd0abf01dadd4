package loadtest

import (
	"crypto/tls"
	"io"
	"sync"

	"golang.org/x/sys/unix"

	tlsrecord "github.com/wsedge/wsedge/tlsloop/record"
)

// maxUselessRecords is how many records without data may follow each other, as crypto/tls has it: tickets, key updates and
// empty records cost time and bring nothing.
const maxUselessRecords = 16

// loopTLS is what all TLS connections of a loop share. It is the loop's, but for what says otherwise.
type loopTLS struct {
	config     *tls.Config // immutable
	compact    bool        // immutable
	handshakes sync.WaitGroup

	scratch tlsrecord.Scratch
	record  []byte // what a tls.Conn is to read
	sealed  []byte // what goes out
	plain   []byte // what a tls.Conn has read
	spare   []byte // for the next partial record

	mu      sync.Mutex
	waiting []*tlsSession // guarded by mu: handshakes that have something for the loop
}

// tlsSession is a connection's TLS.
type tlsSession struct {
	slot      int32
	useless   uint8         // records without data, since the last one with some
	handshake *tlsHandshake // nil once it is over
	layer     recordLayer   // nil before
	partial   []byte        // of a record of which only a part has come; nil at rest
}

// useTLS gives the loop its part of a worker's TLS.
func (l *loop) useTLS(config *tls.Config, compact bool) {
	l.tls = &loopTLS{config: config, compact: compact, plain: make([]byte, tlsrecord.MaxPlaintext)}
}

// session is the connection's TLS, nil without any.
func (l *loop) session(c *conn) *tlsSession {
	if c.extra == 0 {
		return nil
	}
	return l.extras[c.extra].tls
}

// startTLS begins the handshake of a connection that has just been made.
func (l *loop) startTLS(slot int, c *conn) {
	c.state = stateSecuring
	l.watchConn(slot, c, unix.EPOLLIN)
	if c.over() {
		return
	}
	s := &tlsSession{slot: int32(slot)}
	s.handshake = newTLSHandshake(s, l.tls.compact, l.tellHandshake)
	s.handshake.began = l.clock.now()
	l.extraOf(c).tls = s
	h, config := s.handshake, l.tls.config
	l.tls.handshakes.Go(func() { h.run(config) })
}

// tellHandshake wakes the loop for a handshake. Safe from any goroutine.
func (l *loop) tellHandshake(s *tlsSession) {
	l.tls.mu.Lock()
	l.tls.waiting = append(l.tls.waiting, s)
	first := len(l.tls.waiting) == 1
	l.tls.mu.Unlock()
	if first {
		// As in post.
		_, _ = unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

// serveHandshakes sends what handshakes have to say, and goes on with those that are over.
func (l *loop) serveHandshakes() {
	if l.tls == nil {
		return
	}
	l.tls.mu.Lock()
	waiting := l.tls.waiting
	l.tls.waiting = nil
	l.tls.mu.Unlock()
	for _, s := range waiting {
		c := &l.conns[s.slot]
		if l.session(c) != s || s.handshake == nil {
			continue // it has ended meanwhile
		}
		out, result, rest := s.handshake.collect()
		switch {
		case len(out) == 0:
		case s.handshake.cut != nil || result != nil && result.err != nil:
			_, _ = sendNow(c.fd, out) // an alert, most likely to nobody
		default:
			l.sendBytes(int(s.slot), c, out)
		}
		if result != nil && l.session(c) == s {
			l.secured(s, c, result, rest)
		}
	}
}

// secured goes on behind the TLS handshake. rest is what came behind it.
func (l *loop) secured(s *tlsSession, c *conn, r *tlsResult, rest []byte) {
	cut, took := s.handshake.cut, l.clock.now()-s.handshake.began
	if r.err != nil {
		l.end(int(s.slot), c, handshakeFailureOf(r.err, cut))
		return
	}
	s.handshake, s.layer = nil, r.layer
	l.tally.securedIn(took, &r.state)
	l.upgrade(int(s.slot), c)
	if len(rest) > 0 && l.session(c) == s {
		l.receiveRecords(s, c, rest)
	}
	if cut != nil && l.session(c) == s {
		l.lostPeer(int(s.slot), c, l.endOfStream(c))
	}
}

// cutHandshake is the end of the stream within a TLS handshake. What came before it may say why: the goroutine decides.
func (l *loop) cutHandshake(slot int, c *conn, f failure) {
	s := l.session(c)
	if s.handshake.cut != nil {
		return
	}
	s.handshake.cut = &f
	if err := l.watch(unix.EPOLL_CTL_DEL, int(c.fd), int32(slot), 0); err != nil {
		l.end(slot, c, failureOf("watch", err))
		return
	}
	s.handshake.end()
}

// receiveSecure takes bytes of a TLS connection from the socket. It changes in.
func (l *loop) receiveSecure(s *tlsSession, c *conn, in []byte) {
	if s.handshake == nil {
		l.receiveRecords(s, c, in)
	} else if !s.handshake.feed(in) {
		l.end(int(s.slot), c, tlsFailure(tlsTooMuch))
	}
}

// receiveRecords opens the records of one read; a part of one waits for the next.
func (l *loop) receiveRecords(s *tlsSession, c *conn, in []byte) {
	for len(in) > 0 && l.session(c) == s {
		rec, n := l.tls.nextRecord(s, in)
		if in = in[n:]; rec == nil {
			return
		}
		kept := s.partial != nil
		s.partial = nil
		l.openRecord(s, c, rec)
		if kept {
			l.tls.spare = rec[:0]
		}
	}
	if l.spec.Scenario == Idle && l.session(c) == s {
		s.layer.cool()
	}
}

// nextRecord cuts the next whole record off, which may be made of what was kept and a part of in; n is how much of that it
// takes. nil: there is none, and all of in is kept.
func (t *loopTLS) nextRecord(s *tlsSession, in []byte) (rec []byte, n int) {
	limit := s.layer.maxCiphertext()
	if s.partial == nil {
		if need := tlsrecord.Length(in, limit); len(in) >= need {
			return in[:need], need
		}
		s.partial, t.spare = t.spare[:0], nil
	}
	for {
		need := tlsrecord.Length(s.partial, limit) - len(s.partial)
		if need <= 0 {
			return s.partial, n
		}
		part := in[n:min(n+need, len(in))]
		s.partial = append(s.partial, part...)
		if n += len(part); len(part) < need {
			return nil, n
		}
	}
}

// openRecord takes one whole record.
func (l *loop) openRecord(s *tlsSession, c *conn, rec []byte) {
	plain, answer, err := s.layer.open(l.tls, rec)
	switch {
	case err == io.EOF:
		l.lostPeer(int(s.slot), c, c.endOfStream())
	case err != nil:
		if len(answer) > 0 && c.unsent() == 0 {
			_, _ = sendNow(c.fd, answer) // an alert
		}
		l.lostPeer(int(s.slot), c, recordFailureOf(err))
	case len(plain) > 0:
		s.useless = 0
		l.arrived(int(s.slot), c, plain)
	case s.useless == maxUselessRecords:
		l.lostPeer(int(s.slot), c, tlsFailure(tlsNoProgress))
	default:
		s.useless++
		if len(answer) > 0 {
			l.sendBytes(int(s.slot), c, answer)
		}
	}
}

// seal makes what goes to the socket of p: records, or p itself without TLS. What it returns is valid until the next call.
func (l *loop) seal(c *conn, p []byte) []byte {
	s := l.session(c)
	if s == nil {
		return p
	}
	return s.layer.seal(l.tls, p)
}

// endTLS gives a connection's TLS back before its socket is closed, with a close_notify where there is room for it.
func (l *loop) endTLS(s *tlsSession, c *conn) {
	if s.handshake != nil {
		s.handshake.abandon()
		return
	}
	if c.unsent() > 0 {
		return
	}
	if out := s.layer.closeNotify(l.tls); len(out) > 0 {
		_, _ = sendNow(c.fd, out)
	}
}

// endOfStream is the end of the socket's bytes without a close frame; under TLS without a close_notify, too.
func (l *loop) endOfStream(c *conn) failure {
	switch {
	case c.state == stateSecuring:
		return tlsFailure(tlsClosed)
	case l.session(c) != nil && c.state > stateUpgrading:
		return tlsFailure(tlsTruncated)
	default:
		return c.endOfStream()
	}
}
