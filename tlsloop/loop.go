package tlsloop

import (
	"bytes"

	"github.com/wsedge/wsedge/tlsloop/record"
)

const (
	// maxCiphertext12 is how much may follow a record's header in TLS 1.2 (RFC 5246, section 6.2.3).
	maxCiphertext12 = record.MaxPlaintext + 2048
	// borrowedLen holds a record of either version, and what bytes.Buffer wants free before and tls.Conn asks for behind it.
	borrowedLen = record.HeaderLen + maxCiphertext12 + 2*bytes.MinRead
)

// Loop is what the sessions of one event loop share, about 36 kB. It is confined to that loop's goroutine.
type Loop struct {
	engine   *Engine
	now      uint32
	scratch  record.Scratch
	plain    []byte // what tls.Conn reads into
	borrowed []byte // what tls.Conn buffers a record in, when its own buffers are taken away
	rec      []byte // what is left of the record that tls.Conn may read now
	sent     []byte // what tls.Conn writes is appended here
}

// NewLoop makes the scratch memory of one event loop.
func (e *Engine) NewLoop() *Loop {
	return &Loop{
		engine:   e,
		plain:    make([]byte, record.MaxPlaintext),
		borrowed: make([]byte, 0, borrowedLen),
	}
}

// SetNow tells the time in whole seconds, from any origin. Call it at least once a second while there is input: each second has
// its own allowance of records that carry nothing.
func (l *Loop) SetNow(seconds uint32) { l.now = seconds }
