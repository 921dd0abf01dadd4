package tlsloop

import (
	"crypto/tls"
	"testing"
	_ "unsafe" // for linkname
)

// crypto/tls has no option for the suites of TLS 1.3, but lets this list be linked to.
//
//go:linkname defaultCipherSuitesTLS13 crypto/tls.defaultCipherSuitesTLS13
var defaultCipherSuitesTLS13 []uint16

//go:linkname defaultCipherSuitesTLS13NoAES crypto/tls.defaultCipherSuitesTLS13NoAES
var defaultCipherSuitesTLS13NoAES []uint16

func TestCipherSuites(t *testing.T) {
	with, without := defaultCipherSuitesTLS13, defaultCipherSuitesTLS13NoAES
	defer func() { defaultCipherSuitesTLS13, defaultCipherSuitesTLS13NoAES = with, without }()
	for _, suite := range []uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384, tls.TLS_CHACHA20_POLY1305_SHA256} {
		t.Run(tls.CipherSuiteName(suite), func(t *testing.T) {
			defaultCipherSuitesTLS13, defaultCipherSuitesTLS13NoAES = []uint16{suite}, []uint16{suite}
			eachMode(t, func(t *testing.T, m mode) {
				r, s := newRaw(t, m, inSeconds)
				if r.Suite != suite {
					t.Fatalf("negotiated %s", tls.CipherSuiteName(r.Suite))
				}
				r.echo("one")
				r.update(1)
				r.echo("two")
				s.do(s.session.Cool)
				r.echo("three")
				e := newEngine(t, m, nil)
				conn, _ := start(t, e, 1000)
				echo(t, dial(t, conn, nil), 50_000)
				if s := e.Stats(); (s.Compact == 1) != (m == modeCompact) || s.Mismatched > 0 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
	for _, suite := range []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
	} {
		t.Run(tls.CipherSuiteName(suite), func(t *testing.T) {
			eachMode(t, func(t *testing.T, m mode) {
				conn, _ := start(t, newEngine(t, m, nil), 1000)
				client := dial(t, conn, &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite}})
				if got := client.ConnectionState().CipherSuite; got != suite {
					t.Fatalf("negotiated %s", tls.CipherSuiteName(got))
				}
				echo(t, client, 50_000)
			})
		})
	}
}
