package reactor

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/frame"
)

// routedPort is a server that upgrades only what its router sends to /rooms/{room}. What it says first is the room and the caller.
func routedPort(t *testing.T, cfg Config) *Server {
	t.Helper()
	var s *Server
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	mux.HandleFunc("GET /rooms/{room}", func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r) })
	cfg.HTTP, cfg.RouteUpgrades = mux, true
	cfg.Upgrade = func(c *Conn, _ *Request) (Accept, error) { return Accept{Context: c.Request().PathValue("room")}, nil }
	cfg.Handler = funcs{
		open:    func(c *Conn) { _ = c.Send(frame.OpText, []byte(Context[string](c))) },
		message: echoing,
	}
	s = prepare(t, cfg)
	start(t, s)
	return s
}

// On a port where the router sees everything, what it does not route is no WebSocket, and what it does keeps its place and every byte, wherever
// the stream is cut.
func TestRoutedUpgrades(t *testing.T) {
	s := routedPort(t, Config{MaxConns: 1})
	in := frame.AppendMaskedFrame(handshakeBytes("/rooms/blue"), frame.OpText, []byte("eager"), [4]byte{1, 2, 3, 4})
	for cut := 1; cut < len(in); cut++ {
		c := connect(t, s)
		c.write(in[:cut])
		if cut%16 == 0 {
			s.settle()
		}
		c.write(in[cut:])
		c.wantSwitch()
		c.wantText("blue")
		c.wantText("eager")
		if st := s.Stats(); st.HTTP != 0 || st.Connections != 1 || st.Bridged != 0 {
			t.Fatalf("cut %d: %d of HTTP, %d connections, %d bridged", cut, st.HTTP, st.Connections, st.Bridged)
		}
		c.Close()
		eventually(t, "room", goneFrom(s))
	}
	for path, want := range map[string]string{"/": "404", "/healthz": "200"} {
		c := connect(t, s)
		c.write(handshakeBytes(path))
		if head := string(c.head()); !strings.HasPrefix(head, "HTTP/1.1 "+want+" ") {
			t.Errorf("%s: %q, want %s", path, head, want)
		}
		c.Close()
		eventually(t, "room", goneFrom(s))
	}
}

// The connections that a net/http server brings have been through its router: they are not sent round once more.
func TestRoutedUpgradesOfOthers(t *testing.T) {
	s := routedPort(t, Config{})
	mux := http.NewServeMux()
	mux.Handle("GET /elsewhere/{room}", s)
	c := join(t, feed(t, mux, false), "/elsewhere/green")
	c.wantText("green")
}

// Under TLS of the reactor's own, too, the connection comes back without a goroutine.
func TestRoutedUpgradesOverTLS(t *testing.T) {
	overTLS(t, func(t *testing.T, o *TLSOptions) {
		s := routedPort(t, Config{TLS: o})
		for range 20 {
			c := connect(t, s)
			c.write(handshakeBytes("/rooms/red"))
			c.wantSwitch()
			c.wantText("red")
			c.text("sealed")
			c.wantText("sealed")
			if st := s.Stats(); st.Bridged != 0 || st.HTTP != 0 {
				t.Errorf("%d bridged, %d of HTTP", st.Bridged, st.HTTP)
			}
			c.Close()
			eventually(t, "room", goneFrom(s))
		}
	})
}
