package tlsloop

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"testing"

	"github.com/wsedge/wsedge/tlsloop/record"
)

// What the compact record layer starts from, against the fields that the tls.Conn of this Go has: a wrong sequence number would
// use nonces twice.
func TestSequenceMatchesStandardLibrary(t *testing.T) {
	for name, c := range map[string]struct {
		server  *tls.Config
		tickets uint64
	}{
		"tickets":                       {&tls.Config{}, 1},
		"no tickets":                    {&tls.Config{SessionTicketsDisabled: true}, 0},
		"client certificate":            {&tls.Config{ClientAuth: tls.RequireAnyClientCert}, 1},
		"client certificate, no ticket": {&tls.Config{ClientAuth: tls.RequireAnyClientCert, SessionTicketsDisabled: true}, 0},
		"HelloRetryRequest":             {&tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP521}}, 1},
		"certificate and HelloRetryRequest": {
			&tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP521}, ClientAuth: tls.RequireAnyClientCert}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			cache := tls.NewLRUClientSessionCache(1)
			c.server.Certificates = []tls.Certificate{certificate()}
			for resumed := range 2 {
				log := keyLog{}
				c.server.KeyLogWriter = log
				conn, sent, finish := handshakeWith(t, c.server, cache)
				state := conn.ConnectionState()
				if state.DidResume != (resumed == 1 && c.tickets > 0) {
					t.Errorf("resumed: %v", state.DidResume)
				}
				inSeq, inSecret := fieldsOf(conn, "in")
				outSeq, outSecret := fieldsOf(conn, "out")
				client, server := log["CLIENT_TRAFFIC_SECRET_0"], log["SERVER_TRAFFIC_SECRET_0"]
				if inSeq != 0 || outSeq != c.tickets || !bytes.Equal(inSecret, client) || !bytes.Equal(outSecret, server) {
					t.Errorf("tls.Conn reads at %d and writes at %d, with %d tickets", inSeq, outSeq, c.tickets)
				}
				if n, err := record.CountSealed(state.CipherSuite, server, sent); err != nil || n != outSeq {
					t.Errorf("counted %d, %v", n, err)
				}
				check := func(sealed uint64, client, server []byte) error {
					return known.compare(conn, &secrets{client: client, server: server}, sealed)
				}
				if err := check(outSeq, client, server); err != nil {
					t.Error(err)
				}
				for _, err := range []error{
					check(outSeq+1, client, server), check(outSeq-1, client, server), check(outSeq, server, client),
					check(outSeq, client, client), check(outSeq, nil, server), check(outSeq, client, nil),
				} {
					if !errors.Is(err, errMismatch) {
						t.Error("a difference was not noticed")
					}
				}
				finish()
			}
		})
	}
}

// handshakeWith does a handshake of crypto/tls with itself. It returns the server, all that it sent, and what has the client read
// its ticket.
func handshakeWith(t *testing.T, cfg *tls.Config, cache tls.ClientSessionCache) (server *tls.Conn, sent []byte, finish func()) {
	t.Helper()
	clientEnd, serverEnd := memoryPair()
	tee := &teeing{memoryConn: serverEnd}
	server = tls.Server(tee, cfg)
	done := make(chan error)
	go func() { done <- server.Handshake() }()
	client := dial(t, clientEnd, &tls.Config{
		ClientSessionCache: cache, ServerName: "localhost", Certificates: []tls.Certificate{certificate()}, MinVersion: tls.VersionTLS13,
	})
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return server, tee.sent, func() {
		if _, err := server.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(client, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
}

// teeing remembers what was written.
type teeing struct {
	*memoryConn
	sent []byte
}

func (c *teeing) Write(p []byte) (int, error) {
	c.sent = append(c.sent, p...)
	return c.memoryConn.Write(p)
}

// fieldsOf reads a direction's sequence number and secret, apart from how the package does it.
func fieldsOf(conn *tls.Conn, direction string) (seq uint64, secret []byte) {
	v := reflect.ValueOf(conn).Elem().FieldByName(direction)
	var digits [8]byte
	for i := range digits {
		digits[i] = byte(v.FieldByName("seq").Index(i).Uint())
	}
	for i, s := 0, v.FieldByName("trafficSecret"); i < s.Len(); i++ {
		secret = append(secret, byte(s.Index(i).Uint()))
	}
	return binary.BigEndian.Uint64(digits[:]), secret
}

// A connection whose keys can't be made sure of stays with tls.Conn, and works.
func TestMismatchStaysWithTheStandardLibrary(t *testing.T) {
	right := known
	defer func() { known = right }()
	known.in, known.out = known.out, known.in
	e := newEngine(t, modeCompact, nil)
	conn, s := start(t, e, 1000)
	echo(t, dial(t, conn, nil), 1000)
	s.do(func() {
		if _, is := s.session.layer.(*standard); !is {
			t.Errorf("goes on as %T", s.session.layer)
		}
	})
	if s := e.Stats(); s.Mismatched != 1 || s.Compact != 0 || s.Succeeded != 1 {
		t.Errorf("%+v", s)
	}
}
