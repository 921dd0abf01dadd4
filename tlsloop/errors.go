package tlsloop

import (
	"crypto/tls"
	"errors"
	"fmt"
)

var (
	// ErrBusy: Config.MaxHandshakes are in flight. Nothing was computed for this one.
	ErrBusy = errors.New("tlsloop: too many handshakes")
	// ErrNotTLS: the first bytes are no TLS record; plain HTTP, say. It wraps a tls.RecordHeaderError. Nothing was answered, so
	// that the caller may answer in plain text.
	ErrNotTLS = errors.New("tlsloop: not TLS")
	// ErrHandshakeSize: the client sent more before its handshake was done than belongs to one (128 KiB), and than may be data
	// behind it (8 MiB, 64 of all clients together).
	ErrHandshakeSize = errors.New("tlsloop: handshake too large")
	// ErrUseless: the client sent more than 10 records within a second that carry nothing: key updates, empty data, warnings.
	ErrUseless = errors.New("tlsloop: too many records without data")
)

// judged adds ErrNotTLS to what crypto/tls says about a first record that is none, and to which it sent no alert.
func judged(err error) error {
	var header tls.RecordHeaderError
	if errors.As(err, &header) && header.Conn != nil {
		header.Conn = nil // it is of no use to anybody
		return fmt.Errorf("%w: %w", ErrNotTLS, header)
	}
	return err
}

// plainAlert is a fatal internal_error before there are keys (RFC 8446, section 6).
var plainAlert = []byte{21, 3, 3, 0, 2, 2, 80}
