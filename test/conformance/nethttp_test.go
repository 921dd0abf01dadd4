package conformance

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	wire "github.com/wsedge/wsedge/frame"
	"github.com/wsedge/wsedge/reactor"
)

// echoing sends every message back.
type echoing struct{}

func (echoing) OnOpen(*reactor.Conn) {}
func (echoing) OnMessage(c *reactor.Conn, op wire.Opcode, payload []byte) {
	_ = c.Send(op, payload) // who does not read is closed
}
func (echoing) OnClose(*reactor.Conn, reactor.End) {}

// netHTTP runs an http.Server whose router brings /echo to a reactor without a listener. A connection that is wrapped takes the
// way over a bridge, as one of TLS does.
func netHTTP(t *testing.T, bridged bool) Target {
	t.Helper()
	s, err := reactor.Listen(reactor.Config{
		Handler: echoing{}, MaxMessageBytes: 16 << 20, MaxFragments: -1, MaxFrameRate: -1, MaxControlRate: -1,
		OutboundMaxAge: patience, MessageTimeout: 2 * patience, // 16 cases at a time, maybe on a busy machine
		Deflate: &reactor.DeflateOptions{}, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /echo", func(w http.ResponseWriter, r *http.Request) {
		if bridged {
			w = disguised{w}
		}
		s.ServeHTTP(w, r)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(func() {
		srv.Close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return Target{Address: srv.Listener.Addr().String(), Path: "/echo"}
}

// TestConformanceThroughNetHTTP runs every case through the http.Handler, those of many messages with one: what differs is how
// connections come.
func TestConformanceThroughNetHTTP(t *testing.T) {
	for name, bridged := range map[string]bool{"handed over": false, "bridged": true} {
		t.Run(name, func(t *testing.T) {
			results := Run(netHTTP(t, bridged), Cases(1), *casesFlag, *workersFlag, Modes...)
			for _, r := range results {
				if r.Verdict != Strict {
					t.Errorf("%s, %v: %v: %v", r.Case.ID, r.Mode, r.Verdict, r.Err)
				}
			}
			var table strings.Builder
			Table(&table, results)
			t.Logf("\n%s", table.String())
		})
	}
}

// disguised hands out another net.Conn than net/http's.
type disguised struct{ http.ResponseWriter }

func (d disguised) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(d.ResponseWriter).Hijack()
	return halfCloser{conn}, rw, err
}

// halfCloser is a connection that is no plain socket but can end its own side.
type halfCloser struct{ net.Conn }

func (h halfCloser) CloseWrite() error { return h.Conn.(*net.TCPConn).CloseWrite() }
