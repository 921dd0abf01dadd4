package tlsloop

import (
	"crypto/tls"
	"crypto/x509"
	"unique"

	"github.com/wsedge/wsedge/tlsloop/record"
)

// compact is a connection of TLS 1.3 whose tls.Conn was dropped after the handshake.
type compact struct {
	records    record.Conn
	curve      tls.CurveID
	resumed    bool
	retried    bool
	ech        bool
	serverName unique.Handle[string]
	protocol   unique.Handle[string]
	client     *client // nil without a certificate
}

// client is what a client has shown.
type client struct {
	certificates []*x509.Certificate
	chains       [][]*x509.Certificate
}

// takeOver carries the keys of a finished handshake over. It wipes the secrets. With an error conn must be kept.
func takeOver(conn *tls.Conn, state *tls.ConnectionState, s *secrets) (*compact, error) {
	defer s.wipe()
	sealed, err := record.CountSealed(state.CipherSuite, s.server, s.flight)
	if err != nil {
		return nil, err
	}
	if err := known.compare(conn, s, sealed); err != nil {
		return nil, err
	}
	c := &compact{
		curve: state.CurveID, resumed: state.DidResume, retried: state.HelloRetryRequest, ech: state.ECHAccepted,
		serverName: unique.Make(state.ServerName), protocol: unique.Make(state.NegotiatedProtocol),
	}
	if len(state.PeerCertificates) > 0 {
		c.client = &client{state.PeerCertificates, state.VerifiedChains}
	}
	return c, c.records.Init(state.CipherSuite, s.client, s.server, 0, sealed)
}

func (c *compact) maxCiphertext() int { return record.MaxCiphertext }

func (c *compact) open(l *Loop, rec, sent []byte) (plain, answer []byte, err error) {
	return c.records.Open(&l.scratch, rec, sent)
}

func (c *compact) seal(l *Loop, dst, plain []byte) ([]byte, error) {
	return c.records.Seal(&l.scratch, dst, plain), nil
}

func (c *compact) closeNotify(l *Loop, dst []byte) []byte {
	return c.records.CloseNotify(&l.scratch, dst)
}

func (c *compact) abort(l *Loop, dst []byte) []byte {
	dst, _ = c.records.Abort(&l.scratch, dst)
	return dst
}

func (c *compact) cool() { c.records.Cool() }

func (c *compact) state() tls.ConnectionState {
	s := tls.ConnectionState{
		Version:            tls.VersionTLS13,
		HandshakeComplete:  true,
		DidResume:          c.resumed,
		CipherSuite:        c.records.CipherSuite(),
		CurveID:            c.curve,
		NegotiatedProtocol: c.protocol.Value(),
		ServerName:         c.serverName.Value(),
		ECHAccepted:        c.ech,
		HelloRetryRequest:  c.retried,
	}
	//lint:ignore SA1019 deprecated as it is always true: so it is
	s.NegotiatedProtocolIsMutual = true
	if c.client != nil {
		s.PeerCertificates, s.VerifiedChains = c.client.certificates, c.client.chains
	}
	return s
}
