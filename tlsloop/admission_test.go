package tlsloop

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/wsedge/wsedge/tlsloop/record"
)

// gate is a GetCertificate that tells who is in it, and holds those back whose name begins with "wait".
type gate struct {
	entered chan string
	open    chan struct{}
	mu      sync.Mutex
	inside  int
	most    int
}

func newGate() *gate { return &gate{entered: make(chan string, 100), open: make(chan struct{})} }

func (g *gate) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	g.mu.Lock()
	g.inside++
	g.most = max(g.most, g.inside)
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		g.inside--
		g.mu.Unlock()
	}()
	if len(hello.ServerName) > 4 && hello.ServerName[:4] == "wait" {
		g.entered <- hello.ServerName
		<-g.open
	}
	c := certificate()
	return &c, nil
}

func TestMaxHandshakes(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		e := engineOf(t, m, Config{MaxHandshakes: 3})
		w := newWorker(t, e)
		hello := helloOf(t, &tls.Config{})
		var ends []net.Conn
		begin := func() (net.Conn, *served) {
			client, server := memoryPair()
			s := w.serve(t, server, 1000)
			if _, err := client.Write(hello); err != nil {
				t.Fatal(err)
			}
			return client, s
		}
		for range 3 {
			client, _ := begin()
			ends = append(ends, client)
			readFlight(t, client)
		}
		client, s := begin()
		<-s.failed
		if s.err != ErrBusy {
			t.Error(s.err)
		}
		alert := make([]byte, 7)
		if _, err := client.Read(alert); err != nil || !bytes.Equal(alert, plainAlert) {
			t.Errorf("%x, %v", alert, err)
		}
		if s := e.Stats(); s.InFlight != 3 || s.Rejected != 1 || s.Failed != 0 {
			t.Errorf("%+v", s)
		}
		ends[0].Close()
		await(t, func() bool { return e.Stats().InFlight == 2 })
		_, s = begin()
		w.do(func() {})
		if closed(s.failed) {
			t.Error("a place was not given back: ", s.err)
		}
		if s := e.Stats(); s.Abandoned != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// readFlight waits for the first record that a server sends.
func readFlight(t testing.TB, conn net.Conn) {
	t.Helper()
	if _, err := conn.Read(make([]byte, record.HeaderLen)); err != nil {
		t.Fatal(err)
	}
}

// await waits for what a goroutine that has been told to end does last.
func await(t testing.TB, done func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come")
		}
	}
}

// As many compute at a time as there are permits: not fewer, for those in the gate wait for each other; not more, however many
// there are.
func TestPermitsBoundComputing(t *testing.T) {
	for _, permits := range []int{1, 3} {
		g := newGate()
		e := engineOf(t, modeCompact, Config{TLS: &tls.Config{GetCertificate: g.get}, Permits: permits})
		w := newWorker(t, e)
		const clients = 12
		var done sync.WaitGroup
		for range clients {
			client, server := memoryPair()
			w.serve(t, server, 1000)
			done.Go(func() { echo(t, dial(t, client, &tls.Config{ServerName: "waiting.example"}), 100) })
		}
		for range permits {
			<-g.entered
		}
		await(t, func() bool { return e.Stats().InFlight == clients })
		if len(g.entered) > 0 {
			t.Error("one too many computes")
		}
		close(g.open)
		done.Wait()
		if g.most != permits {
			t.Errorf("%d computed at a time, with %d permits", g.most, permits)
		}
	}
}

// A client's Finished does not queue behind new connections: here they hold the only permit until it is done.
func TestFinishedNeedsNoPermit(t *testing.T) {
	for name, c := range map[string]struct {
		server, client *tls.Config
		resumed        bool
	}{
		"TLS 1.3":                 {&tls.Config{}, &tls.Config{}, false},
		"TLS 1.3, resumed":        {&tls.Config{}, &tls.Config{}, true},
		"TLS 1.2, resumed":        {&tls.Config{MaxVersion: tls.VersionTLS12}, &tls.Config{}, true},
		"after HelloRetryRequest": {&tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP521}}, &tls.Config{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGate()
			c.server.GetCertificate = g.get
			e := newEngine(t, modeCompact, c.server)
			w := newWorker(t, e)
			c.client.ServerName, c.client.ClientSessionCache = "quick.example", tls.NewLRUClientSessionCache(1)
			connect := func(held func()) {
				client, server := memoryPair()
				s := w.serve(t, server, 1000)
				conn := dial(t, &holding{Conn: client, flight: held}, c.client)
				<-s.established
				echo(t, conn, 100)
			}
			if c.resumed {
				connect(nil)
			}
			connect(func() {
				client, server := memoryPair()
				w.serve(t, server, 1000)
				if _, err := client.Write(helloOf(t, &tls.Config{ServerName: "wait.example", CurvePreferences: c.server.CurvePreferences})); err != nil {
					t.Fatal(err)
				}
				<-g.entered
			})
			close(g.open)
		})
	}
}

// holding calls flight before a client writes its Finished: its first write that holds more than a ClientHello.
type holding struct {
	net.Conn
	flight func()
}

func (h *holding) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; rest = rest[record.Length(rest, maxCiphertext12):] {
		encrypted := rest[0] == 23 || rest[0] == 22 && rest[5] == 0 // the explicit nonce of the first record in TLS 1.2
		if encrypted && h.flight != nil {
			h.flight()
			h.flight = nil
		}
	}
	return h.Conn.Write(p)
}

// What is still to come is judged by what was sent.
func TestLight(t *testing.T) {
	rec := func(kinds ...byte) (out []byte) {
		for _, k := range kinds {
			out = append(out, k, 3, 3, 0, 1, 0)
		}
		return out
	}
	for _, c := range []struct {
		name       string
		clientAuth bool
		flights    [][]byte
		light      bool
	}{
		{"nothing sent", false, nil, false},
		{"TLS 1.3", false, [][]byte{rec(22, 20, 23, 23)}, true},
		{"TLS 1.3 with client certificates", true, [][]byte{rec(22, 20, 23, 23)}, false},
		{"HelloRetryRequest", false, [][]byte{rec(22), rec(20)}, false},
		{"and what follows it", false, [][]byte{rec(22), rec(20), rec(22, 23, 23)}, true},
		{"TLS 1.2", false, [][]byte{rec(22, 22, 22, 22)}, false},
		{"TLS 1.2, resumed", false, [][]byte{rec(22, 22, 20, 22)}, true},
	} {
		h := &handshake{clientAuth: c.clientAuth}
		for _, f := range c.flights {
			h.watch(f)
		}
		if h.light != c.light {
			t.Errorf("%s: %v", c.name, h.light)
		}
	}
}

// However far a session has come, Close ends what there is of it, and can be repeated.
func TestCloseInEveryState(t *testing.T) {
	hello := helloOf(t, &tls.Config{ServerName: "wait.example"})
	quick := helloOf(t, &tls.Config{})
	for name, bring := range map[string]func(t *testing.T, g *gate, s *Session, woken chan struct{}){
		"new":           func(*testing.T, *gate, *Session, chan struct{}) {},
		"half a hello":  func(t *testing.T, g *gate, s *Session, woken chan struct{}) { feed(t, s, hello[:100]) },
		"computing":     func(t *testing.T, g *gate, s *Session, woken chan struct{}) { feed(t, s, hello); <-g.entered },
		"output posted": func(t *testing.T, g *gate, s *Session, woken chan struct{}) { feed(t, s, quick); <-woken },
		"waits for Finished": func(t *testing.T, g *gate, s *Session, woken chan struct{}) {
			feed(t, s, quick)
			<-woken
			if err := s.Advance(nil); err != nil || len(s.TakeOutput(nil)) == 0 {
				t.Error("no output", err)
			}
		},
		"failed, not collected": func(t *testing.T, g *gate, s *Session, woken chan struct{}) {
			feed(t, s, []byte("GET / HTTP/1.1\r\n"))
			<-woken
		},
		"failed": func(t *testing.T, g *gate, s *Session, woken chan struct{}) {
			feed(t, s, []byte("GET / HTTP/1.1\r\n"))
			<-woken
			if err := s.Advance(nil); !errors.Is(err, ErrNotTLS) {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGate()
			e := newEngine(t, modeCompact, &tls.Config{GetCertificate: g.get})
			woken := make(chan struct{}, 100)
			s := e.NewLoop().NewSession(func() { woken <- struct{}{} })
			bring(t, g, s, woken)
			checkClosed(t, s)
			close(g.open)
			await(t, func() bool { return e.Stats().InFlight == 0 })
			if st := e.Stats(); st.Abandoned+st.Failed > 1 || st.Succeeded != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
	t.Run("waits for a permit", func(t *testing.T) {
		g := newGate()
		e := newEngine(t, modeStd, &tls.Config{GetCertificate: g.get})
		l := e.NewLoop()
		first, second := l.NewSession(func() {}), l.NewSession(func() {})
		feed(t, first, hello)
		<-g.entered
		feed(t, second, hello)
		checkClosed(t, second)
		await(t, func() bool { return e.Stats().InFlight == 1 }) // while the permit is still held
		close(g.open)
		checkClosed(t, first)
		await(t, func() bool { return e.Stats().InFlight == 0 })
		if len(g.entered) > 0 {
			t.Error("computed for a session that was closed")
		}
	})
	t.Run("established", func(t *testing.T) {
		eachMode(t, func(t *testing.T, m mode) {
			r, s := newRaw(t, m)
			r.echo("x")
			s.do(func() { checkClosed(t, s.session) })
		})
	})
	t.Run("done, not collected", func(t *testing.T) {
		eachMode(t, func(t *testing.T, m mode) {
			e := newEngine(t, m, nil)
			client, server := memoryPair()
			defer client.Close()
			woken := make(chan struct{}, 100)
			s := e.NewLoop().NewSession(func() { woken <- struct{}{} })
			dialed := make(chan error)
			go func() { dialed <- tls.Client(client, &tls.Config{InsecureSkipVerify: true}).Handshake() }()
			buf := make([]byte, 10_000)
			n, _ := server.Read(buf)
			feed(t, s, buf[:n])
			<-woken
			if err := s.Advance(nil); err != nil {
				t.Fatal(err)
			}
			server.Write(s.TakeOutput(nil))
			if err := <-dialed; err != nil {
				t.Fatal(err)
			}
			n, _ = server.Read(buf)
			feed(t, s, buf[:n])
			await(t, func() bool { return e.Stats().InFlight == 0 })
			checkClosed(t, s)
			if st := e.Stats(); st.Abandoned != 1 || st.Succeeded != 0 {
				t.Errorf("%+v", st)
			}
		})
	})
}

func feed(t *testing.T, s *Session, in []byte) {
	t.Helper()
	if err := s.Input(bytes.Clone(in), nil); err != nil {
		t.Fatal(err)
	}
}

// checkClosed closes a session, and tries all that may still be called.
func checkClosed(t *testing.T, s *Session) {
	t.Helper()
	for range 2 {
		s.Close()
		if err := s.Advance(nil); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		if err := s.Input([]byte{1}, nil); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		s.Cool()
		s.SetAddrs(nil, nil)
		if s.Established() || s.Partial() || s.HasOutput() || s.State().Version != 0 ||
			len(s.Seal(nil, []byte("x")))+len(s.CloseNotify(nil))+len(s.TakeOutput(nil)) > 0 {
			t.Error("something is left")
		}
	}
}
