package loadtest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
)

// TLS says how wss and https connections are made. The zero value verifies the server's certificate against the system's
// authorities and takes TLS 1.2 or 1.3.
type TLS struct {
	// Insecure takes any certificate: whoever is in the way can read and change everything.
	Insecure bool
	// ServerName is what the certificate has to be for, and what is sent as the server name (default: the URL's host).
	ServerName string
	// CA is the authorities' certificates (PEM) that are trusted in place of the system's.
	CA []byte
	// Cert and Key (PEM) are shown to a server that asks for a certificate of the client's.
	Cert, Key []byte
	// Version is "1.2" or "1.3" for that one alone (default: both).
	Version string
	// Resume lets connections take up the session of an earlier one of the same worker where the server gives out tickets. Without
	// it each handshake is a full one, which is what new clients cost.
	Resume bool
	// Standard leaves records to crypto/tls, as it is with TLS 1.2 and with Resume. Otherwise TLS 1.3 connections go on with a record
	// layer of 0.4 kB after a handshake by crypto/tls, which itself keeps several kB for each of them.
	Standard bool
}

// given says whether anything was asked for.
func (t *TLS) given() bool {
	return t.Insecure || t.ServerName != "" || len(t.CA)+len(t.Cert)+len(t.Key) > 0 || t.Version != "" || t.Resume || t.Standard
}

// compact says whether TLS 1.3 connections go on with the small record layer. A session ticket comes in a record of its own
// behind the handshake, and only crypto/tls keeps it.
func (t *TLS) compact() bool { return !t.Standard && !t.Resume }

// tlsVersions are those that can be asked for by name.
var tlsVersions = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// config is what crypto/tls wants, for connections to host. All problems are reported together.
func (t *TLS) config(host string) (*tls.Config, error) {
	var problems []error
	c := &tls.Config{
		ServerName: host, InsecureSkipVerify: t.Insecure, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12,
		DynamicRecordSizingDisabled: true,
	}
	if t.ServerName != "" {
		c.ServerName = t.ServerName
	}
	if len(t.CA) > 0 {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(t.CA) {
			problems = append(problems, errors.New("ca: there is no certificate in it (PEM)"))
		}
	}
	switch {
	case len(t.Cert) > 0 && len(t.Key) > 0:
		pair, err := tls.X509KeyPair(t.Cert, t.Key)
		if err != nil {
			problems = append(problems, fmt.Errorf("cert and key: %w", err))
		}
		c.Certificates = []tls.Certificate{pair}
	case len(t.Cert)+len(t.Key) > 0:
		problems = append(problems, errors.New("cert and key belong together: one of them is missing"))
	}
	if t.Version != "" {
		version, known := tlsVersions[t.Version]
		if !known {
			problems = append(problems, fmt.Errorf("tls-version must be 1.2 or 1.3, not %q", t.Version))
		}
		c.MinVersion, c.MaxVersion = version, version
	}
	if t.Resume {
		c.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	} else {
		c.SessionTicketsDisabled = true
	}
	return c, errors.Join(problems...)
}

// TLSReport says what was agreed on with the server, and what was asked for. It is of the WebSocket connections.
type TLSReport struct {
	Agreed TLSCounts `json:"agreed"`
	// Resume is whether sessions of earlier connections were offered. Where it is false, all handshakes are full ones.
	Resume bool `json:"resume"`
	// Verified is false where any certificate was taken.
	Verified bool `json:"verified"`
	// Compact is whether TLS 1.3 went on with the small record layer.
	Compact bool `json:"compact"`
}

// TLSCounts are of TLS handshakes that succeeded.
type TLSCounts struct {
	Versions     map[string]uint64 `json:"versions"`      // such as "TLS 1.3"
	CipherSuites map[string]uint64 `json:"cipher_suites"` // by their standard name
	Resumed      uint64            `json:"resumed"`       // handshakes that took up an earlier session
}

func newTLSCounts() TLSCounts {
	return TLSCounts{Versions: map[string]uint64{}, CipherSuites: map[string]uint64{}}
}

func (c *TLSCounts) count(state *tls.ConnectionState) {
	c.Versions[tls.VersionName(state.Version)]++
	c.CipherSuites[tls.CipherSuiteName(state.CipherSuite)]++
	if state.DidResume {
		c.Resumed++
	}
}

func (c *TLSCounts) add(o TLSCounts) {
	mergeCounts(c.Versions, o.Versions)
	mergeCounts(c.CipherSuites, o.CipherSuites)
	c.Resumed += o.Resumed
}

// line is for people.
func (r *TLSReport) line() string {
	text := countsLine(r.Agreed.Versions) + "; " + countsLine(r.Agreed.CipherSuites)
	if r.Resume {
		text += fmt.Sprintf("; %d sessions resumed", r.Agreed.Resumed)
	} else {
		text += "; full handshakes only"
	}
	if !r.Verified {
		text += "; certificates NOT verified"
	}
	return text
}

// countsLine is for people: "TLS 1.3 × 5, TLS 1.2 × 1".
func countsLine(counts map[string]uint64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s × %d", name, counts[name]))
	}
	return strings.Join(parts, ", ")
}

// forHost fills in what the URL says.
func (t TLS) forHost(host string) *TLS {
	if t.ServerName == "" {
		t.ServerName = host
	}
	return &t
}

// tlsConfig is the worker's, whose loops share it and so the sessions of earlier connections; nil for ws.
func (s *workerSpec) tlsConfig() (*tls.Config, error) {
	if s.TLS == nil {
		return nil, nil
	}
	return s.TLS.config(s.TLS.ServerName)
}

// isSecure says whether a URL asks for TLS.
func isSecure(u *url.URL) bool { return u != nil && (u.Scheme == "https" || u.Scheme == "wss") }

// dialer connects to where publications go, over TLS where that URL asks for it.
func (t *TLS) dialer(to *url.URL) (publishDial, error) {
	address := dialAddress(to)
	if !isSecure(to) {
		return func(ctx context.Context) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "tcp", address)
		}, nil
	}
	config, err := t.config(to.Hostname())
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (net.Conn, error) {
		dialer := tls.Dialer{Config: config}
		return dialer.DialContext(ctx, "tcp", address)
	}, nil
}

// publishDial connects to where publications go.
type publishDial func(ctx context.Context) (net.Conn, error)
