package loadtest

import (
	"crypto/tls"
	"errors"

	tlsrecord "github.com/wsedge/wsedge/tlsloop/record"
)

// maxCiphertext12 is how much may follow a record's header in TLS 1.2 (RFC 5246, section 6.2.3).
const maxCiphertext12 = 1<<14 + 2048

// recordLayer is an established TLS connection, driven by its loop, whose buffers it uses. What it returns is valid until its
// next call, or that of another connection's.
type recordLayer interface {
	maxCiphertext() int
	// open takes one whole record. plain is empty for all that is no data; answer is to be sent at once. The error is io.EOF
	// after close_notify, or as crypto/tls has it, and final.
	open(t *loopTLS, rec []byte) (plain, answer []byte, err error)
	seal(t *loopTLS, plain []byte) []byte
	closeNotify(t *loopTLS) []byte
	// cool lets go of what can be made again.
	cool()
}

// compactRecords is TLS 1.3 with the module's record layer: 0.4 kB.
type compactRecords struct{ records tlsrecord.Conn }

func (c *compactRecords) maxCiphertext() int { return tlsrecord.MaxCiphertext }

func (c *compactRecords) open(t *loopTLS, rec []byte) (plain, answer []byte, err error) {
	plain, t.sealed, err = c.records.Open(&t.scratch, rec, t.sealed[:0])
	return plain, t.sealed, err
}

func (c *compactRecords) seal(t *loopTLS, plain []byte) []byte {
	t.sealed = c.records.Seal(&t.scratch, t.sealed[:0], plain)
	return t.sealed
}

func (c *compactRecords) closeNotify(t *loopTLS) []byte {
	t.sealed = c.records.CloseNotify(&t.scratch, t.sealed[:0])
	return t.sealed
}

func (c *compactRecords) cool() { c.records.Cool() }

// standardRecords is crypto/tls on memory.
type standardRecords struct {
	conn    *tls.Conn
	pipe    *tlsPipe
	version uint16
}

var errRecordLeft = errors.New("tls: a record was not taken whole")

func (s *standardRecords) maxCiphertext() int {
	if s.version == tls.VersionTLS13 {
		return tlsrecord.MaxCiphertext
	}
	return maxCiphertext12
}

func (s *standardRecords) open(t *loopTLS, rec []byte) (plain, answer []byte, err error) {
	s.pipe.handshake, s.pipe.loop = nil, t
	t.record, t.sealed = rec, t.sealed[:0]
	n, err := s.conn.Read(t.plain) // one record at most, which fits: one call is enough
	whole := len(t.record) == 0
	t.record = nil
	switch {
	case err != nil && err != errNoData:
		return nil, t.sealed, err
	case !whole:
		return nil, t.sealed, errRecordLeft
	}
	return t.plain[:n], t.sealed, nil
}

func (s *standardRecords) seal(t *loopTLS, plain []byte) []byte {
	s.pipe.handshake, s.pipe.loop = nil, t
	t.sealed = t.sealed[:0]
	// An error is one that Read has told before: the connection is at its end.
	_, _ = s.conn.Write(plain)
	return t.sealed
}

func (s *standardRecords) closeNotify(t *loopTLS) []byte {
	s.pipe.handshake, s.pipe.loop = nil, t
	t.sealed = t.sealed[:0]
	_ = s.conn.CloseWrite() // as in seal
	return t.sealed
}

func (s *standardRecords) cool() {}
