package tlsloop

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"testing"
)

// State says what crypto/tls would have said, whichever way the connection goes on.
func TestHandshakesAndTheirState(t *testing.T) {
	for name, c := range map[string]struct {
		server, client *tls.Config
		check          func(t *testing.T, s tls.ConnectionState)
	}{
		"plain": {&tls.Config{}, &tls.Config{ServerName: "localhost", NextProtos: []string{"http/1.1"}}, func(t *testing.T, s tls.ConnectionState) {
			if s.ServerName != "localhost" || s.NegotiatedProtocol != "http/1.1" {
				t.Errorf("%+v", s)
			}
		}},
		"HelloRetryRequest": {&tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP521}}, &tls.Config{}, func(t *testing.T, s tls.ConnectionState) {
			if !s.HelloRetryRequest || s.CurveID != tls.CurveP521 {
				t.Errorf("%+v", s)
			}
		}},
		"client certificate": {&tls.Config{ClientAuth: tls.RequireAnyClientCert}, &tls.Config{Certificates: []tls.Certificate{certificate()}}, func(t *testing.T, s tls.ConnectionState) {
			if len(s.PeerCertificates) != 1 || !bytes.Equal(s.PeerCertificates[0].Raw, certificate().Certificate[0]) {
				t.Errorf("%+v", s)
			}
		}},
		"client certificate after HelloRetryRequest": {
			&tls.Config{ClientAuth: tls.RequireAnyClientCert, CurvePreferences: []tls.CurveID{tls.CurveP521}},
			&tls.Config{Certificates: []tls.Certificate{certificate()}}, func(t *testing.T, s tls.ConnectionState) {
				if len(s.PeerCertificates) != 1 || !s.HelloRetryRequest {
					t.Errorf("%+v", s)
				}
			}},
		"no tickets": {&tls.Config{SessionTicketsDisabled: true}, &tls.Config{}, func(*testing.T, tls.ConnectionState) {}},
		"TLS 1.2":    {&tls.Config{MaxVersion: tls.VersionTLS12}, &tls.Config{}, func(*testing.T, tls.ConnectionState) {}},
		"TLS 1.3":    {&tls.Config{MinVersion: tls.VersionTLS13}, &tls.Config{}, func(*testing.T, tls.ConnectionState) {}},
	} {
		t.Run(name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, m mode) {
				e := newEngine(t, m, c.server.Clone())
				conn, s := start(t, e, 64)
				client := dial(t, conn, c.client)
				echo(t, client, 3000)
				var got tls.ConnectionState
				s.do(func() { got = s.session.State() })
				c.check(t, got)
				want := client.ConnectionState()
				if got.Version != want.Version || got.CipherSuite != want.CipherSuite || got.CurveID != want.CurveID ||
					!got.HandshakeComplete || got.NegotiatedProtocol != want.NegotiatedProtocol || got.DidResume {
					t.Errorf("server has %+v, client %+v", got, want)
				}
				s.do(func() {
					if _, is := s.session.layer.(*compact); is != (m == modeCompact && want.Version == tls.VersionTLS13) {
						t.Errorf("goes on as %T", s.session.layer)
					}
				})
				if s := e.Stats(); s.Mismatched > 0 || s.Succeeded != 1 || s.Took <= 0 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// corked holds everything back but the first write, until it is let go.
type corked struct {
	net.Conn
	writes int
	held   []byte
}

func (c *corked) Write(p []byte) (int, error) {
	if c.writes++; c.writes == 1 {
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

func (c *corked) release() ([]byte, net.Conn) { return c.held, c.Conn }

func TestDataInTheSegmentOfFinished(t *testing.T) {
	eachMode(t, func(t *testing.T, m mode) {
		for _, n := range []int{1, 100, 50_000} {
			conn, s := start(t, newEngine(t, m, nil), 1<<20)
			cork := &corked{Conn: conn}
			client := dial(t, cork, &tls.Config{MinVersion: tls.VersionTLS13})
			early := bytes.Repeat([]byte{'e'}, n)
			if _, err := client.Write(early); err != nil {
				t.Fatal(err)
			}
			held, raw := cork.release()
			if _, err := raw.Write(held); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, n)
			if _, err := io.ReadFull(client, got); err != nil || !bytes.Equal(got, early) {
				t.Fatal("differs: ", err)
			}
			<-s.established
		}
	})
}
