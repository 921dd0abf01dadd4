package tlsloop

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"
)

// certificate is what all tests serve, and what clients show where they are asked.
var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
})

// mode is a way in which an established session goes on.
type mode string

const (
	modeKept    mode = "std-kept" // a tls.Conn that keeps its buffers
	modeStd     mode = "std"
	modeCompact mode = "compact"
)

var modes = []mode{modeKept, modeStd, modeCompact}

// newEngine makes an engine. server may be nil; it gets a certificate.
func newEngine(t testing.TB, m mode, server *tls.Config) *Engine {
	t.Helper()
	return engineOf(t, m, Config{TLS: server})
}

func engineOf(t testing.TB, m mode, cfg Config) *Engine {
	t.Helper()
	if cfg.TLS == nil {
		cfg.TLS = &tls.Config{}
	}
	if cfg.TLS.Certificates == nil && cfg.TLS.GetCertificate == nil {
		cfg.TLS.Certificates = []tls.Certificate{certificate()}
	}
	cfg.Compact = m == modeCompact
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if e.Compact() != cfg.Compact {
		t.Fatal("the compact record layer is not available")
	}
	e.release = m != modeKept
	return e
}

// worker is an event loop: a goroutine that runs what is posted to it.
type worker struct {
	mu    sync.Mutex
	come  sync.Cond
	tasks []func()
	ended bool
	done  chan struct{}
	loop  *Loop
}

func newWorker(t testing.TB, e *Engine) *worker {
	w := &worker{done: make(chan struct{}), loop: e.NewLoop()}
	w.come.L = &w.mu
	go w.run()
	t.Cleanup(func() {
		w.mu.Lock()
		w.ended = true
		w.come.Broadcast()
		w.mu.Unlock()
		<-w.done
	})
	return w
}

func (w *worker) run() {
	defer close(w.done)
	for {
		w.mu.Lock()
		for len(w.tasks) == 0 && !w.ended {
			w.come.Wait()
		}
		tasks := w.tasks
		w.tasks = nil
		w.mu.Unlock()
		if tasks == nil {
			return
		}
		for _, task := range tasks {
			task()
		}
	}
}

func (w *worker) post(task func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tasks = append(w.tasks, task)
	w.come.Broadcast()
}

// do runs task on the loop, and waits for it.
func (w *worker) do(task func()) {
	done := make(chan struct{})
	w.post(func() { defer close(done); task() })
	<-done
}

// served is a session with its transport, driven by a worker. It echoes, unless onData says otherwise.
type served struct {
	*worker
	t        testing.TB
	session  *Session
	conn     net.Conn
	cut      int // of the input
	onData   func(plain []byte)
	onNew    func() // on the loop, before the first input
	onFailed func() // on the loop, after what the session had to say

	established chan struct{} // closed once Established
	failed      chan struct{} // closed at the first error
	err         error         // valid once failed
	tick        bool          // each input comes in a second of its own
}

// serve starts a session on an end of a connection.
func (w *worker) serve(t testing.TB, conn net.Conn, cut int, options ...func(*served)) *served {
	s := &served{
		worker: w, t: t, conn: conn, cut: cut, established: make(chan struct{}), failed: make(chan struct{}),
	}
	s.onData = func(plain []byte) { s.send(s.session.Seal(nil, plain)) }
	for _, o := range options {
		o(s)
	}
	w.do(func() {
		s.session = w.loop.NewSession(func() { w.post(s.advance) })
		if s.onNew != nil {
			s.onNew()
		}
	})
	ended := make(chan struct{})
	go s.read(ended)
	t.Cleanup(func() {
		conn.Close()
		<-ended
	})
	return s
}

func (s *served) read(ended chan struct{}) {
	defer close(ended)
	buf := make([]byte, 64<<10)
	for {
		n, err := s.conn.Read(buf)
		for in := bytes.Clone(buf[:n]); len(in) > 0; {
			part := in[:min(s.cut, len(in))]
			in = in[len(part):]
			s.post(func() { s.input(part) })
		}
		if err != nil {
			s.do(s.session.Close)
			return
		}
	}
}

func (s *served) input(in []byte) {
	if s.tick {
		s.loop.SetNow(s.loop.now + 1)
	}
	s.after(s.session.Input(in, s.deliver))
}

func (s *served) advance() { s.after(s.session.Advance(s.deliver)) }

func (s *served) deliver(plain []byte) { s.onData(plain) }

// after sends what is to be sent, and says what has become of the session.
func (s *served) after(err error) {
	s.send(s.session.TakeOutput(nil))
	if s.session.Established() && !closed(s.established) {
		close(s.established)
	}
	if err != nil && !closed(s.failed) {
		s.err = err
		close(s.failed)
		s.send(s.session.CloseNotify(nil))
		if s.onFailed != nil {
			s.onFailed()
		}
	}
}

func (s *served) send(b []byte) {
	if len(b) > 0 {
		_, _ = s.conn.Write(b) // a test that needs it sees it missing
	}
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// start serves one connection in memory, and returns the client's end.
func start(t testing.TB, e *Engine, cut int, options ...func(*served)) (net.Conn, *served) {
	client, server := memoryPair()
	return client, newWorker(t, e).serve(t, server, cut, options...)
}

// dial makes a client of crypto/tls, its handshake done.
func dial(t testing.TB, conn net.Conn, cfg *tls.Config) *tls.Conn {
	t.Helper()
	cfg = cfg.Clone()
	if cfg == nil {
		cfg = &tls.Config{}
	}
	cfg.InsecureSkipVerify = true
	client := tls.Client(conn, cfg)
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	return client
}
