package tlsloop

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/wsedge/wsedge/tlsloop/record"
)

const (
	// maxHandshakeInput bounds a client's part of a handshake. A ClientHello has 0.3 to 2 kB, a chain of certificates rarely 10;
	// crypto/tls itself would take 64 KiB a message.
	maxHandshakeInput = 128 << 10
	// freeHello is how much of a ClientHello may come in parts before it is charged to the account that maxEarlyOfAll bounds:
	// until it is whole, MaxHandshakes does not count it.
	freeHello = 4 << 10
	// maxEarly bounds what may come above that until the handshake is taken over: a client that uploads does not wait for the
	// server after its Finished, and a fast one says megabytes before the goroutine has had its turn.
	maxEarly = 8 << 20
	// maxEarlyOfAll bounds that for all handshakes together.
	maxEarlyOfAll = 64 << 20
	typeHandshake = 22
	typeChange    = 20 // change_cipher_spec
)

var errExited = errors.New("tlsloop: a callback of the tls.Config ended the handshake's goroutine")

// handshake is where a loop and the goroutine of a handshake meet.
type handshake struct {
	// Immutable once the goroutine has started.
	engine        *Engine
	wake          func()
	local, remote net.Addr      // or nil
	ready         chan struct{} // of capacity 1: there is input
	closed        chan struct{} // the session is closed

	// Owned by the loop.
	started bool
	fed     int // bytes of input, as far as they may be counted
	early   int // of those, what is charged to the engine's account

	// Owned by the goroutine.
	permitted  bool // holds a permit
	clientAuth bool // the client may have to prove who it is: that costs
	changed    bool // change_cipher_spec was sent
	light      bool // nothing expensive is to come
	left       int  // of the record that crypto/tls is reading
	secrets    secrets

	mu     sync.Mutex
	in     []byte  // guarded by mu
	out    []byte  // guarded by mu
	posted bool    // guarded by mu: wake was called, nothing collected since
	result *result // guarded by mu
}

// result is what a handshake comes to.
type result struct {
	err     error
	layer   layer
	version uint16
	resumed bool
	compact bool
	took    time.Duration
}

// feed takes input from the loop. It starts the goroutine as soon as there is something to judge. done: the result can be
// collected.
func (h *handshake) feed(in []byte) (done bool, err error) {
	h.mu.Lock()
	done = h.result != nil
	h.fed += len(in)
	if over := h.fed > maxHandshakeInput || !h.started && h.fed > freeHello; over && !done && !h.chargeEarly(len(in)) {
		h.mu.Unlock()
		return false, ErrHandshakeSize
	}
	h.in = append(h.in, in...)
	whole := h.started || wholeHello(h.in)
	h.mu.Unlock()
	switch {
	case done || !whole:
		return done, nil
	case !h.started:
		return false, h.start()
	}
	select {
	case h.ready <- struct{}{}:
	default:
	}
	if h.early > 0 {
		runtime.Gosched() // the goroutine should come to take it
	}
	return false, nil
}

// chargeEarly charges n bytes of what may be data behind Finished, and reports whether they are within bounds.
func (h *handshake) chargeEarly(n int) bool {
	h.early += n
	return h.engine.early.Add(int64(n)) <= maxEarlyOfAll && h.early <= maxEarly && (h.started || h.fed <= maxHandshakeInput)
}

// discharge gives back what was charged, at the end of the handshake.
func (h *handshake) discharge() {
	h.engine.early.Add(-int64(h.early))
	h.early = 0
}

// start starts the goroutine, if there may be one more.
func (h *handshake) start() error {
	flight := &h.engine.counters.inFlight
	if flight.Add(1) > h.engine.maxHandshakes {
		flight.Add(-1)
		return ErrBusy
	}
	h.started = true
	h.ready, h.closed = make(chan struct{}, 1), make(chan struct{})
	go h.run()
	return nil
}

// collect takes output, and once the handshake is done its result and the input behind it.
func (h *handshake) collect() (out []byte, r *result, rest []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	out, h.out, h.posted = h.out, nil, false
	if h.result != nil {
		rest, h.in = h.in, nil
	}
	return out, h.result, rest
}

// close ends the goroutine as soon as it notices. It says whether there was one.
func (h *handshake) close() bool {
	if h.started {
		close(h.closed)
	}
	return h.started
}

// run is the goroutine.
func (h *handshake) run() {
	began := time.Now()
	r := &result{err: errExited}
	defer func() {
		if v := recover(); v != nil {
			r = &result{err: fmt.Errorf("tlsloop: panic in a handshake: %v\n%s", v, debug.Stack())}
		}
		h.rest()
		h.engine.counters.inFlight.Add(-1)
		r.took = time.Since(began)
		h.publish(r)
	}()
	r = h.perform()
}

func (h *handshake) publish(r *result) {
	h.mu.Lock()
	h.result, h.posted = r, true
	h.mu.Unlock()
	select {
	case <-h.closed:
	default:
		h.wake()
	}
}

func (h *handshake) perform() *result {
	if !h.compute() {
		return &result{err: net.ErrClosed}
	}
	p := &pipe{hs: h}
	conn := tls.Server(p, h.engine.config)
	if err := conn.HandshakeContext(context.Background()); err != nil {
		return &result{err: judged(err)}
	}
	state := conn.ConnectionState()
	r := &result{version: state.Version, resumed: state.DidResume}
	if h.engine.compact && state.Version == tls.VersionTLS13 {
		c, err := takeOver(conn, &state, &h.secrets)
		if err == nil {
			r.layer, r.compact = c, true
			return r
		}
		h.engine.counters.mismatched.Add(1)
	}
	r.layer = &standard{conn: conn, pipe: p, version: state.Version}
	return r
}

// compute gets a permit, unless there is one, or none is needed any more. False: the session was closed.
func (h *handshake) compute() bool {
	if !h.permitted && !h.light {
		h.permitted = h.engine.permits.acquire(h.closed)
		return h.permitted
	}
	return true
}

// rest gives the permit back.
func (h *handshake) rest() {
	if h.permitted {
		h.engine.permits.release()
		h.permitted = false
	}
}

// read is what crypto/tls reads, never past the end of a record: so nothing behind Finished is lost in its buffers.
// It waits for input without a permit. What the client sends last, Finished, costs next to nothing and does not queue for a
// permit behind new connections.
func (h *handshake) read(p []byte) (int, error) {
	for {
		if n := h.take(p); n > 0 {
			return n, nil
		}
		h.rest()
		select {
		case <-h.ready:
		case <-h.closed:
			return 0, net.ErrClosed
		}
		if !h.compute() {
			return 0, net.ErrClosed
		}
	}
}

// take moves input to p, up to the end of the record.
func (h *handshake) take(p []byte) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.left == 0 {
		if len(h.in) < record.HeaderLen {
			return 0
		}
		h.left = record.Length(h.in, maxCiphertext12)
	}
	n := copy(p, h.in[:min(h.left, len(h.in))])
	h.left -= n
	h.in = h.in[n:]
	if len(h.in) == 0 {
		h.in = nil
	}
	return n
}

// write takes what crypto/tls sends: whole records.
func (h *handshake) write(p []byte) (int, error) {
	h.watch(p)
	h.mu.Lock()
	h.out = append(h.out, p...)
	post := !h.posted
	h.posted = true
	h.mu.Unlock()
	select {
	case <-h.closed:
		return 0, net.ErrClosed
	default:
	}
	if post {
		h.wake()
	}
	return len(p), nil
}

// watch learns from the records sent how far the handshake is. Once something follows change_cipher_spec, our part is done but for
// session tickets: in TLS 1.3, where a HelloRetryRequest is followed by change_cipher_spec alone, and in a resumption of TLS 1.2. In a
// full handshake of TLS 1.2 it comes last of all, after the key exchange.
func (h *handshake) watch(flight []byte) {
	h.secrets.sent(flight)
	for len(flight) >= record.HeaderLen {
		if h.changed && !h.clientAuth {
			h.light = true
		}
		if flight[0] == typeChange {
			h.changed = true
		}
		flight = flight[min(len(flight), record.Length(flight, maxCiphertext12)):]
	}
}
