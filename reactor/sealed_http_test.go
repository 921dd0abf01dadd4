package reactor

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/frame"
)

// A request that asks for no WebSocket reaches net/http with its TLS state, and its bytes whole, in any direction.
func TestHTTPOverTLS(t *testing.T) {
	overTLS(t, func(t *testing.T, o *TLSOptions) {
		mux := http.NewServeMux()
		mux.HandleFunc("/state", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.TLS != nil && r.TLS.HandshakeComplete, " ", r.RemoteAddr != "")
		})
		mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
			for range 256 {
				_, _ = w.Write(bytes.Repeat([]byte("large "), 10_000))
			}
		})
		s := serve(t, Config{TLS: o, Handler: echo, HTTP: mux})
		transport := &http.Transport{TLSClientConfig: clientTLS}
		hc := &http.Client{Transport: transport}
		for range 20 {
			if got := get(t, hc, "https://"+s.Addr().String()+"/state"); got != "true true" {
				t.Errorf("state %q", got)
			}
		}
		if got := get(t, hc, "https://"+s.Addr().String()+"/large"); got != strings.Repeat("large ", 2_560_000) {
			t.Errorf("%d bytes", len(got))
		}
		if n := s.Stats().HTTP; n != 1 {
			t.Errorf("%d HTTP connections, want 1", n)
		}
		transport.CloseIdleConnections()
		eventually(t, "gone", func() bool { return s.Stats().Connections == 0 })
	})
}

func get(t *testing.T, hc *http.Client, url string) string {
	t.Helper()
	response, err := hc.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// A connection under TLS that net/http has had comes back into a loop as it is, with its session and no goroutine.
func TestHandshakeOnAKeptAliveTLSConnection(t *testing.T) {
	overTLS(t, func(t *testing.T, o *TLSOptions) {
		mux := http.NewServeMux()
		var s *Server
		mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page") })
		mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r) })
		s = serve(t, Config{TLS: o, Handler: echo, HTTP: mux})
		dial(t, s, "/").Close()
		eventually(t, "nothing open", func() bool { return s.Stats().Connections == 0 })
		before := runtime.NumGoroutine()
		for range 20 {
			c := connect(t, s)
			for range 3 {
				c.write([]byte("GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n"))
				response, err := http.ReadResponse(c.r, nil)
				if err != nil {
					t.Fatal(err)
				}
				if body, err := io.ReadAll(response.Body); string(body) != "page" || err != nil {
					t.Fatalf("%q, %v", body, err)
				}
			}
			// The first frame comes right behind the request.
			c.write(append(handshakeBytes("/ws"), frame.AppendMaskedFrame(nil, frame.OpText, []byte("early"), [4]byte{1, 2, 3, 4})...))
			c.wantSwitch()
			c.wantText("early")
			c.text(strings.Repeat("long ", 10_000))
			c.wantText(strings.Repeat("long ", 10_000))
		}
		eventually(t, "no goroutine more", func() bool { return runtime.NumGoroutine() <= before })
		if st := s.Stats(); st.Open != 20 || st.HTTP != 0 || st.Connections != 20 {
			t.Errorf("%d open, %d HTTP, %d connections; want 20, 0, 20", st.Open, st.HTTP, st.Connections)
		}
	})
}

// A connection under TLS that net/http has from one server can be brought into another, which has no TLS of its own.
func TestTLSIntoAServerWithout(t *testing.T) {
	overTLS(t, func(t *testing.T, o *TLSOptions) {
		inner := serveFed(t, Config{Handler: echo})
		outer := serve(t, Config{TLS: o, Handler: echo, HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/inner" {
				inner.ServeHTTP(w, r)
			}
		})})
		c := connect(t, outer)
		c.keepAlive("/", "") // which makes it net/http's
		c.write(handshakeBytes("/inner"))
		c.wantSwitch()
		c.text("inside")
		c.wantText("inside")
	})
}

// The end of the session goes along with a connection: to net/http, and back.
func TestEndOfSessionGoesAlong(t *testing.T) {
	overTLS(t, func(t *testing.T, o *TLSOptions) {
		bodies, ended := newBox[error](), newBox[End]()
		h := echo
		h.close = func(_ *Conn, e End) { ended <- e }
		var s *Server
		s = serve(t, Config{TLS: o, Handler: h, HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				_, err := io.ReadAll(r.Body)
				bodies <- err
			} else if r.URL.Path == "/ws" {
				s.ServeHTTP(w, r)
			}
		})})
		c, wire := connectHeld(t, s)
		wire.hold = true
		c.write([]byte("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"))
		_ = c.Conn.(*tls.Conn).CloseWrite()
		wire.letGo()
		if err := bodies.take(t); err == nil {
			t.Error("a body that was cut is taken for whole")
		}
		c, wire = connectHeld(t, s)
		c.keepAlive("/", "")
		wire.hold = true
		c.write(handshakeBytes("/ws"))
		_ = c.Conn.(*tls.Conn).CloseWrite()
		wire.letGo()
		if end := ended.take(t); end.Code != frame.CloseAbnormal {
			t.Errorf("ended with %+v", end)
		}
	})
}
