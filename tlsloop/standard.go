package tlsloop

import (
	"crypto/tls"
	"errors"

	"github.com/wsedge/wsedge/tlsloop/record"
)

// standard is the record layer of crypto/tls: for TLS 1.2, and for TLS 1.3 unless compact is chosen.
type standard struct {
	conn    *tls.Conn
	pipe    *pipe
	version uint16
}

var errStuck = errors.New("tlsloop: crypto/tls did not take a whole record")

// settle moves the tls.Conn from the handshake's goroutine, which has ended, to the loop.
func (s *standard) settle(l *Loop) {
	s.pipe.hs, s.pipe.loop = nil, l
	// Reading stopped at the end of Finished's record: nothing can be left.
	s.release(l)
}

func (s *standard) maxCiphertext() int {
	if s.version == tls.VersionTLS13 {
		return record.MaxCiphertext
	}
	return maxCiphertext12
}

func (s *standard) open(l *Loop, rec, sent []byte) (plain, answer []byte, err error) {
	s.lend(l)
	l.rec, l.sent = rec, sent
	n, err := s.conn.Read(l.plain) // at most one record, which fits: one call is enough
	answer, whole := l.sent, len(l.rec) == 0
	l.rec, l.sent = nil, nil
	whole = s.release(l) && whole
	switch {
	case err != nil && err != errWouldBlock:
		return nil, answer, err
	case !whole:
		return nil, answer, errStuck
	}
	return l.plain[:n], answer, nil
}

func (s *standard) seal(l *Loop, dst, plain []byte) ([]byte, error) {
	l.sent = dst
	_, err := s.conn.Write(plain)
	dst, l.sent = l.sent, nil
	return dst, err
}

func (s *standard) closeNotify(l *Loop, dst []byte) []byte {
	l.sent = dst
	// The error is one that Read or Write has reported before.
	_ = s.conn.CloseWrite()
	dst, l.sent = l.sent, nil
	return dst
}

// abort says close_notify: crypto/tls has no way to send an alert of one's own.
func (s *standard) abort(l *Loop, dst []byte) []byte { return s.closeNotify(l, dst) }

func (s *standard) cool() {}

func (s *standard) state() tls.ConnectionState { return s.conn.ConnectionState() }
