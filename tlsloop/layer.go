package tlsloop

import "crypto/tls"

// layer is the record layer of an established session. Its methods run on the loop; l is the session's.
type layer interface {
	// maxCiphertext is how much may follow a record's header.
	maxCiphertext() int
	// open takes over one whole record, or the header of one that is too long. answer is sent with what TLS
	// wants sent appended. plain is
	// valid until the next call on the loop. Any error is final; io.EOF is the peer's close_notify.
	open(l *Loop, rec, sent []byte) (plain, answer []byte, err error)
	// seal appends records with the plaintext.
	seal(l *Loop, dst, plain []byte) ([]byte, error)
	// closeNotify appends the alert, once.
	closeNotify(l *Loop, dst []byte) []byte
	// abort appends an alert that refuses what came, and seals nothing from then on.
	abort(l *Loop, dst []byte) []byte
	// cool drops ciphers.
	cool()
	state() tls.ConnectionState
}
