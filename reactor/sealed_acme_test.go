package reactor

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// acmeConfig serves validators as package certs does.
func acmeConfig() *tls.Config {
	config := serverTLS.Clone()
	challenge := serverTLS.Clone()
	challenge.NextProtos = []string{acmeProtocol}
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acmeProtocol {
			return challenge, nil
		}
		return nil, nil
	}
	return config
}

func TestValidatorsHearNothingAfterTheHandshake(t *testing.T) {
	for _, compact := range []bool{false, true} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			for _, talkative := range []bool{false, true} {
				s := serve(t, Config{Handler: echo, TLS: &TLSOptions{Config: acmeConfig(), Compact: compact}})
				config := clientTLS.Clone()
				config.MaxVersion, config.NextProtos = version, []string{acmeProtocol}
				conn, err := net.Dial("tcp", s.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				_ = conn.SetDeadline(time.Now().Add(patience))
				// What the validator sends last of its handshake leaves with its request, in one write.
				joined := &joiner{Conn: conn, waits: talkative && version == tls.VersionTLS13}
				validator := tls.Client(joined, config)
				if err := validator.Handshake(); err != nil {
					t.Fatal(err)
				}
				if p := validator.ConnectionState().NegotiatedProtocol; p != acmeProtocol {
					t.Errorf("negotiated %q", p)
				}
				if talkative {
					joined.waits = false
					_, _ = validator.Write(handshakeBytes("/")) // it may be late
				}
				if n, err := validator.Read(make([]byte, 1)); n != 0 || !hungUp(err) {
					t.Errorf("compact %v, %s: %d bytes, %v; want the end", compact, tls.VersionName(version), n, err)
				}
				conn.Close()
				eventually(t, "no connection", func() bool { return s.conns.Load() == 0 })
				dial(t, s, "/").text("and others are served")
			}
		}
	}
}

// hungUp reports whether the stream has ended. Input that came too late may have made it a reset.
func hungUp(err error) bool {
	var op *net.OpError
	return err == io.EOF || errors.As(err, &op) && !op.Timeout()
}

// joiner holds writes back while it waits, once it has sent the first.
type joiner struct {
	net.Conn
	sent  bool
	waits bool
	held  []byte
}

func (j *joiner) Write(b []byte) (int, error) {
	if j.sent && j.waits {
		j.held = append(j.held, b...)
		return len(b), nil
	}
	j.sent = true
	_, err := j.Conn.Write(append(j.held, b...))
	j.held = nil
	return len(b), err
}
