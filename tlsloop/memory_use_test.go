package tlsloop

import (
	"crypto/tls"
	"fmt"
	"runtime"
	"testing"
)

// heapNow is the live heap, in bytes.
func heapNow() int64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// idle makes sessions that have echoed a message, and forgets all about their clients.
func idle(t testing.TB, w *worker, n int, cfg *tls.Config) []*Session {
	t.Helper()
	var sessions []*Session
	for range n {
		client, server := memoryPair()
		s := &Session{}
		w.do(func() { s = w.loop.NewSession(func() { w.post(func() { step(t, server, s, nil) }) }) })
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			buf := make([]byte, 20<<10)
			for {
				n, err := server.Read(buf)
				if err != nil {
					return
				}
				w.do(func() { step(t, server, s, buf[:n]) })
			}
		}()
		conn := dial(t, client, cfg)
		echo(t, conn, 100)
		echo(t, conn, 16<<10)
		client.Close()
		<-ended
		sessions = append(sessions, s)
	}
	return sessions
}

// step gives a session input, or none, and sends what it answers. It echoes.
func step(t testing.TB, conn *memoryConn, s *Session, in []byte) {
	deliver := func(plain []byte) { _, _ = conn.Write(s.Seal(nil, plain)) }
	err := s.Advance(deliver)
	if err == nil && in != nil {
		err = s.Input(in, deliver)
	}
	if err != nil {
		t.Error(err)
	}
	_, _ = conn.Write(s.TakeOutput(nil))
}

// All that a session holds at rest, after a small and a full record each way.
func TestMemoryPerIdleSession(t *testing.T) {
	const sessions = 100
	for _, c := range []struct {
		mode    mode
		version uint16
		cool    bool
		limit   int64
	}{
		{modeCompact, tls.VersionTLS13, true, 1000},
		{modeCompact, tls.VersionTLS13, false, 3000},
		{modeCompact, tls.VersionTLS12, true, 4700},
		{modeStd, tls.VersionTLS13, false, 4700},
		{modeStd, tls.VersionTLS12, false, 4700},
	} {
		t.Run(fmt.Sprintf("%s/%s/cool=%v", c.mode, tls.VersionName(c.version), c.cool), func(t *testing.T) {
			w := newWorker(t, newEngine(t, c.mode, nil))
			cfg := &tls.Config{MaxVersion: c.version}
			idle(t, w, 10, cfg) // what is made once
			before := heapNow()
			held := idle(t, w, sessions, cfg)
			if c.cool {
				w.do(func() {
					for _, s := range held {
						s.Cool()
					}
				})
			}
			each := (heapNow() - before) / sessions
			t.Logf("%d bytes each", each)
			if each > c.limit {
				t.Errorf("%d bytes each, more than %d", each, c.limit)
			}
			runtime.KeepAlive(held)
		})
	}
}

// What a client costs that says hello and no more, until it is closed: see Config.MaxHandshakes.
func TestMemoryOfStalledHandshakes(t *testing.T) {
	const stalled = 100
	for name, c := range map[string]struct {
		part  float64
		limit int64
	}{"whole hello": {1, 32 << 10}, "half a hello": {0.5, 3 << 10}} {
		t.Run(name, func(t *testing.T) {
			hello := helloOf(t, &tls.Config{})
			hello = hello[:int(c.part*float64(len(hello)))]
			e := newEngine(t, modeCompact, nil)
			l := e.NewLoop()
			var all []*Session
			before := heapNow()
			woken := make(chan struct{}, 2*stalled)
			for range stalled {
				s := l.NewSession(func() { woken <- struct{}{} })
				feed(t, s, hello)
				if c.part == 1 {
					<-woken
					if err := s.Advance(nil); err != nil {
						t.Fatal(err)
					}
					s.TakeOutput(nil)
				}
				all = append(all, s)
			}
			each := (heapNow() - before) / stalled
			t.Logf("%d bytes each", each)
			if each > c.limit {
				t.Errorf("%d bytes each, more than %d", each, c.limit)
			}
			for _, s := range all {
				s.Close()
			}
			await(t, func() bool { return e.Stats().InFlight == 0 })
		})
	}
}

func TestNoAllocationsWhileWarm(t *testing.T) {
	for _, c := range []struct {
		mode        mode
		seal, input float64
	}{
		{modeCompact, 0, 0},
		{modeStd, 0, 2}, // tls.Conn's readers
	} {
		t.Run(string(c.mode), func(t *testing.T) {
			r, s := newRaw(t, c.mode)
			plain, dst := make([]byte, 1000), make([]byte, 0, 2000)
			var recs [][]byte
			for range 110 {
				recs = append(recs, r.Seal(23, plain...))
			}
			s.do(func() {
				s.session.Seal(dst, plain)
				if n := testing.AllocsPerRun(100, func() { s.session.Seal(dst, plain) }); n > c.seal && (c.mode == modeCompact || !raceEnabled) {
					t.Errorf("Seal allocates %.1f times", n)
				}
				got := 0
				deliver := func(plain []byte) { got += len(plain) }
				input := func() {
					if err := s.session.Input(recs[0], deliver); err != nil {
						t.Fatal(err)
					}
					recs = recs[1:]
				}
				input()
				if n := testing.AllocsPerRun(100, input); n > c.input {
					t.Errorf("Input allocates %.1f times", n)
				}
				if got == 0 {
					t.Error("nothing delivered")
				}
			})
		})
	}
}

func BenchmarkSeal(b *testing.B) {
	for _, m := range []mode{modeStd, modeCompact} {
		for _, n := range []int{128, 1 << 10, 16 << 10} {
			b.Run(fmt.Sprintf("%s/payload=%dB", m, n), func(b *testing.B) {
				_, s := newRaw(b, m)
				plain, dst := make([]byte, n), make([]byte, 0, n+100)
				s.do(func() {
					b.ReportAllocs()
					b.SetBytes(int64(n))
					for b.Loop() {
						s.session.Seal(dst, plain)
					}
				})
			})
		}
	}
}
