package reactor

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/wsedge/wsedge/frame"
)

// keepAlive asks for a plain resource of the server's own port, and leaves the connection open.
func (c *client) keepAlive(path, want string) {
	c.t.Helper()
	c.write([]byte("GET " + path + " HTTP/1.1\r\nHost: example.org\r\n\r\n"))
	c.wantBody(want)
}

func (c *client) wantBody(want string) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || string(body) != want {
		c.t.Fatalf("%d %.100q, %v; want 200 %.100q", resp.StatusCode, body, err, want)
	}
}

// ownPort is a server whose own HTTP handler routes /ws to itself.
func ownPort(t *testing.T, cfg Config) *Server {
	t.Helper()
	var s *Server
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r) })
	mux.HandleFunc("/lost", func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r.WithContext(context.Background())) })
	mux.HandleFunc("/disguised", func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(disguising{w}, r) })
	cfg.HTTP = mux
	s = prepare(t, cfg)
	start(t, s)
	return s
}

// disguising hands out another net.Conn than net/http's.
type disguising struct{ http.ResponseWriter }

func (d disguising) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(d.ResponseWriter).Hijack()
	return struct{ net.Conn }{conn}, rw, err
}

// A connection of our own port that net/http has comes back into a loop, with its place.
func TestUpgradeOnKeptAliveConnection(t *testing.T) {
	s := ownPort(t, Config{Handler: echo, MaxConns: 1})
	for round := range 20 {
		c := connect(t, s)
		for range 3 {
			c.keepAlive("/healthz", "ok")
		}
		if st := s.Stats(); st.HTTP != 1 || st.Connections != 1 {
			t.Fatalf("round %d: %d of HTTP, %d connections", round, st.HTTP, st.Connections)
		}
		c.write(handshakeBytes("/ws"))
		c.wantSwitch()
		c.text("back in a loop")
		c.wantText("back in a loop")
		if st := s.Stats(); st.HTTP != 0 || st.Connections != 1 || st.Open != 1 {
			t.Fatalf("round %d: %d of HTTP, %d connections, %d open", round, st.HTTP, st.Connections, st.Open)
		}
		c.send(frame.OpClose, "")
		c.want(frame.OpClose, "")
		c.wantEOF()
		c.Close()
		eventually(t, "room", goneFrom(s))
	}
	if st := s.Stats(); st.Accepted != 20 || len(st.Refused) != 0 {
		t.Errorf("%d accepted, refused %v", st.Accepted, st.Refused)
	}
}

// All of it in one segment, and more behind it than net/http's buffer takes.
func TestPipelinedUpgradeOnOwnPort(t *testing.T) {
	s := ownPort(t, Config{Handler: echo, MaxConns: 1})
	in := []byte("GET /healthz HTTP/1.1\r\nHost: example.org\r\n\r\n")
	in = append(in, handshakeBytes("/ws")...)
	var payloads []string
	for i := range 12 {
		payloads = append(payloads, strings.Repeat(string(rune('a'+i)), 3000))
		in = frame.AppendMaskedFrame(in, frame.OpText, []byte(payloads[i]), [4]byte{5, 6, 7, 8})
	}
	for _, cut := range []int{len(in), 1, 43, 44, 100, 200, 300, 5000} {
		c := connect(t, s)
		c.write(in[:cut])
		s.settle()
		c.write(in[cut:])
		c.wantBody("ok")
		c.wantSwitch()
		for _, p := range payloads {
			c.wantText(p)
		}
		c.Close()
		eventually(t, "room", goneFrom(s))
	}
}

// Where middleware loses the request's context, or wraps the connection, the places are right as well.
func TestPlacesWhereMiddlewareInterferes(t *testing.T) {
	s := ownPort(t, Config{Handler: echo, MaxConns: 2})
	c := connect(t, s)
	c.keepAlive("/healthz", "ok")
	c.write(handshakeBytes("/lost"))
	c.wantSwitch()
	if n := s.Stats().Connections; n != 1 {
		t.Errorf("%d places for one connection", n)
	}
	c.Close()
	eventually(t, "room", goneFrom(s))

	c = connect(t, s)
	c.keepAlive("/healthz", "ok")
	c.write(handshakeBytes("/disguised"))
	c.wantSwitch()
	c.text("bridged")
	c.wantText("bridged")
	if st := s.Stats(); st.Connections != 2 || st.HTTP != 1 || st.Bridged != 1 {
		t.Errorf("%d places, %d of HTTP, %d bridged; want 2, 1, 1", st.Connections, st.HTTP, st.Bridged)
	}
	c.Close()
	eventually(t, "room", goneFrom(s))

	kept := dial(t, s, "/")
	c = connect(t, s)
	c.write([]byte("GET /healthz HTTP/1.1\r\nHost: example.org\r\n\r\n"))
	c.wantBody("ok")
	c.write(handshakeBytes("/disguised"))
	if head := string(c.head()); !strings.HasPrefix(head, "HTTP/1.1 503 ") {
		t.Errorf("got %q, want 503", head)
	}
	c.Close()
	kept.Close()
	eventually(t, "room", goneFrom(s))
}

// A server's handler mounted on the port of another: the place moves from one to the other.
func TestUpgradeIntoAnotherServer(t *testing.T) {
	inner := serveFed(t, Config{Handler: echo})
	outer := serve(t, Config{Handler: echo, HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/inner" {
			inner.ServeHTTP(w, r)
		}
	})})
	c := connect(t, outer)
	c.keepAlive("/healthz", "")
	c.write(handshakeBytes("/inner"))
	c.wantSwitch()
	c.text("inside")
	c.wantText("inside")
	if o, i := outer.Stats(), inner.Stats(); o.Connections != 0 || o.HTTP != 0 || i.Connections != 1 || i.Open != 1 {
		t.Errorf("outer %d and %d, inner %d and %d", o.Connections, o.HTTP, i.Connections, i.Open)
	}
}
