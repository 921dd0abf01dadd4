package loadtest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"io"
	"net"
	"sync"
	"time"

	tlsrecord "github.com/wsedge/wsedge/tlsloop/record"
)

// maxHandshakeInput bounds what a server may send before the handshake is over. A chain of certificates has 2 to 10 kB, and
// crypto/tls takes 256 kB of one at the most.
const maxHandshakeInput = 512 << 10

// tlsHandshake is where a loop and the goroutine of a handshake meet. Handshakes compute for hundreds of µs and block, which
// a loop must not; afterwards the goroutine ends.
type tlsHandshake struct {
	// Immutable once the goroutine has started.
	session *tlsSession
	compact bool
	tell    func(*tlsSession) // there is output, or a result

	// Owned by the loop.
	began int64 // in ns after the epoch
	fed   int
	cut   *failure // how the stream ended

	// Owned by the goroutine.
	left    int // of the record that crypto/tls is reading
	secrets tlsSecrets

	mu      sync.Mutex
	arrived sync.Cond  // there is input, or an end
	in      []byte     // guarded by mu
	ended   bool       // guarded by mu: there will be no more input
	out     []byte     // guarded by mu
	told    bool       // guarded by mu: tell was called, nothing collected since
	result  *tlsResult // guarded by mu
}

// tlsResult is what a handshake comes to.
type tlsResult struct {
	err   error
	layer recordLayer
	state tls.ConnectionState
}

func newTLSHandshake(s *tlsSession, compact bool, tell func(*tlsSession)) *tlsHandshake {
	h := &tlsHandshake{session: s, compact: compact, tell: tell}
	h.arrived.L = &h.mu
	return h
}

// feed takes input from the loop. It reports false where there is too much of it.
func (h *tlsHandshake) feed(in []byte) bool {
	h.fed += len(in)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.in = append(h.in, in...)
	h.arrived.Signal()
	return h.fed <= maxHandshakeInput
}

// end says that there will be no more input; what has arrived is read nevertheless.
func (h *tlsHandshake) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
	h.arrived.Signal()
}

// abandon ends the goroutine as soon as it notices: nobody waits for the result.
func (h *tlsHandshake) abandon() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended, h.in, h.told = true, nil, true
	h.arrived.Signal()
}

// collect takes output, and once the handshake is over its result and the input behind it.
func (h *tlsHandshake) collect() (out []byte, result *tlsResult, rest []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	out, h.out, h.told = h.out, nil, false
	if h.result != nil {
		rest, h.in = h.in, nil
	}
	return out, h.result, rest
}

// run is the goroutine.
func (h *tlsHandshake) run(config *tls.Config) {
	r := &tlsResult{}
	if h.compact {
		config = config.Clone()
		config.KeyLogWriter = &h.secrets
	}
	p := &tlsPipe{handshake: h}
	conn := tls.Client(p, config)
	if r.err = conn.HandshakeContext(context.Background()); r.err == nil {
		r.state = conn.ConnectionState()
		r.layer, r.err = h.layer(conn, p, &r.state)
	}
	h.secrets.wipe()
	h.mu.Lock()
	h.result = r
	told := h.told
	h.told = true
	h.mu.Unlock()
	if !told {
		h.tell(h.session)
	}
}

// layer is how records go on. Reading has stopped behind the server's Finished, the last record under the handshake's keys,
// and ours was the last that was written: so both directions of the small layer count from 0 (RFC 8446, section 5.3). Were it
// otherwise, the first record would not open.
func (h *tlsHandshake) layer(conn *tls.Conn, p *tlsPipe, state *tls.ConnectionState) (recordLayer, error) {
	if !h.compact || state.Version != tls.VersionTLS13 {
		return &standardRecords{conn: conn, pipe: p, version: state.Version}, nil
	}
	c := &compactRecords{}
	c.records.ServeClient()
	return c, c.records.Init(state.CipherSuite, h.secrets.server, h.secrets.client, 0, 0)
}

// tlsPipe is the net.Conn under a tls.Conn: during the handshake its goroutine waits here for the loop; afterwards the loop
// has it read one record, and what is written is gathered in memory.
type tlsPipe struct {
	handshake *tlsHandshake // nil once it is over
	loop      *loopTLS      // nil before
}

// noData makes a tls.Conn give up without remembering the error: a temporary net.Error is an expired deadline to it, after
// which reading can go on.
type noData struct{}

func (noData) Error() string   { return "no data" }
func (noData) Timeout() bool   { return true }
func (noData) Temporary() bool { return true }

var errNoData net.Error = noData{}

func (p *tlsPipe) Read(b []byte) (int, error) {
	if p.handshake != nil {
		return p.handshake.read(b)
	}
	if len(p.loop.record) == 0 {
		return 0, errNoData
	}
	n := copy(b, p.loop.record)
	p.loop.record = p.loop.record[n:]
	return n, nil
}

// Write takes everything.
func (p *tlsPipe) Write(b []byte) (int, error) {
	if p.handshake != nil {
		return p.handshake.write(b)
	}
	p.loop.sealed = append(p.loop.sealed, b...)
	return len(b), nil
}

// Close does nothing: the socket is the loop's.
func (p *tlsPipe) Close() error                     { return nil }
func (p *tlsPipe) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (p *tlsPipe) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (p *tlsPipe) SetDeadline(time.Time) error      { return nil }
func (p *tlsPipe) SetReadDeadline(time.Time) error  { return nil }
func (p *tlsPipe) SetWriteDeadline(time.Time) error { return nil }

// read waits for input. It never goes past the end of a record, so that nothing behind the handshake is lost in the buffers
// of crypto/tls.
func (h *tlsHandshake) read(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.left == 0 && len(h.in) < tlsrecord.HeaderLen && !h.ended || len(h.in) == 0 && !h.ended {
		h.arrived.Wait()
	}
	if len(h.in) == 0 {
		return 0, io.EOF
	}
	if h.left == 0 {
		h.left = tlsrecord.Length(h.in, maxCiphertext12)
	}
	n := copy(b, h.in[:min(h.left, len(h.in))])
	h.left -= n
	h.in = h.in[n:]
	return n, nil
}

// write takes what crypto/tls sends.
func (h *tlsHandshake) write(b []byte) (int, error) {
	h.mu.Lock()
	h.out = append(h.out, b...)
	told := h.told
	h.told = true
	h.mu.Unlock()
	if !told {
		h.tell(h.session)
	}
	return len(b), nil
}

// tlsSecrets is a KeyLogWriter for one handshake: crypto/tls hands traffic secrets out in no other way.
type tlsSecrets struct{ client, server []byte }

// Write takes one line: label, client random, secret.
func (s *tlsSecrets) Write(line []byte) (n int, err error) {
	if fields := bytes.Fields(line); len(fields) == 3 {
		switch string(fields[0]) {
		case "CLIENT_TRAFFIC_SECRET_0":
			s.client, err = hex.AppendDecode(nil, fields[2])
		case "SERVER_TRAFFIC_SECRET_0":
			s.server, err = hex.AppendDecode(nil, fields[2])
		}
	}
	return len(line), err
}

// wipe overwrites the secrets.
func (s *tlsSecrets) wipe() {
	clear(s.client)
	clear(s.server)
	*s = tlsSecrets{}
}
