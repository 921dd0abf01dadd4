package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wsedge/wsedge/internal/tlstest"
	"golang.org/x/crypto/acme"
)

func TestConfigurationIsChecked(t *testing.T) {
	pair := []Pair{{"a.pem", "a.key"}}
	one := func(domain string) ACME { return ACME{Domains: []string{domain}, CacheDir: "d"} }
	for _, row := range []struct {
		cfg  Config
		want []string // nil: nothing is wrong
	}{
		{Config{Pairs: pair}, nil},
		{Config{ACME: one("a.example")}, nil},
		{Config{ACME: one("A-1.example.")}, nil},
		{Config{}, []string{"needs a certificate"}},
		{Config{Pairs: pair, ACME: one("a.example")}, []string{"not both"}},
		{Config{Pairs: []Pair{{"", "a.key"}}}, []string{"empty"}},
		{Config{Pairs: pair, MinVersion: tls.VersionTLS11}, []string{"TLS 1.1"}},
		{Config{ACME: one("localhost")}, []string{"public DNS"}},
		{Config{ACME: one("*.example.org")}, []string{"wildcard"}},
		{Config{ACME: one("192.0.2.1")}, []string{"an address"}},
		{Config{ACME: one("[2001:db8::1]")}, []string{"an address"}},
		{Config{ACME: one("https://a.example")}, []string{"name alone"}},
		{Config{ACME: one("a.example:443")}, []string{"name alone"}},
		{Config{ACME: one("bücher.example")}, []string{"xn--"}},
		{Config{ACME: one("a b.example")}, []string{`' '`}},
		{Config{ACME: one("../../etc.example")}, []string{"name alone"}},
		{Config{ACME: ACME{Domains: []string{"a.example", "b"}, Email: "nobody", DirectoryURL: "http://ca.example"}},
			[]string{`"b"`, "directory to keep", "nobody", "want https"}},
	} {
		err := row.cfg.Check()
		if (err == nil) != (row.want == nil) {
			t.Errorf("%+v: %v", row.cfg, err)
			continue
		}
		for _, want := range row.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in %q", want, err)
			}
		}
	}
}

// acmeServer is one that refuses whatever it is asked, and counts.
func acmeServer(t *testing.T) (*httptest.Server, *atomic.Int64) {
	asked := &atomic.Int64{}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"type":"urn:ietf:params:acme:error:unauthorized","detail":"not you","status":403}`)
	}))
	t.Cleanup(s.Close)
	return s, asked
}

func acmeConfig(t *testing.T, s *httptest.Server, domains ...string) Config {
	return Config{ACME: ACME{Domains: domains, CacheDir: t.TempDir(), DirectoryURL: s.URL, Client: s.Client()}}
}

// keep puts a certificate where the manager would.
func keep(t *testing.T, cfg Config, name string, cert tls.Certificate) {
	t.Helper()
	certPEM, keyPEM := tlstest.PEM(cert)
	files{t, cfg.ACME.CacheDir}.put(name, append(keyPEM, certPEM...))
}

func TestHandshakesNeverAskTheACMEServer(t *testing.T) {
	s, asked := acmeServer(t)
	now := time.Now()
	cfg := acmeConfig(t, s, "kept.example", "missing.example", "old.example", "foreign.example")
	kept := issue("kept.example")
	keep(t, cfg, "kept.example", kept)
	keep(t, cfg, "old.example", authority.IssueFor(now.Add(-time.Hour), now.Add(-time.Minute), "old.example"))
	keep(t, cfg, "foreign.example", issue("kept.example"))
	c, _ := open(t, cfg)
	server := c.TLS()
	for name, want := range map[string]string{
		"kept.example": "", "KEPT.example": "", "unknown.example": "", "": "", // the first is the default
		"missing.example": "no certificate for missing.example", "old.example": "no certificate for old", "foreign.example": "no certificate for foreign",
	} {
		state, clientErr, err := meet(&tls.Config{ServerName: name, InsecureSkipVerify: true}, server)
		switch {
		case want == "" && (err != nil || state.PeerCertificates[0].SerialNumber.Text(16) != serial(kept)):
			t.Errorf("%q: %v", name, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || clientErr == nil):
			t.Errorf("%q: %v, %v", name, err, clientErr)
		}
	}
	validator := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{acme.ALPNProto}}
	for _, name := range []string{"kept.example", "missing.example", "unknown.example", ""} {
		validator.ServerName = name
		if _, err, _ := meet(validator, server); err == nil {
			t.Errorf("%q: a challenge that nobody has made was answered", name)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the ACME server was asked %d times", n)
	}
}

func TestChallengeIsNoWayRoundTheClientsCertificate(t *testing.T) {
	s, _ := acmeServer(t)
	cfg := acmeConfig(t, s, "a.example")
	cfg.ClientCA = newFiles(t).put("ca.pem", authority.PEM())
	keep(t, cfg, "a.example", issue("a.example"))
	c, _ := open(t, cfg)
	for _, protocols := range [][]string{nil, {"http/1.1"}, {acme.ALPNProto}, {acme.ALPNProto, "http/1.1"}, {"http/1.1", acme.ALPNProto}} {
		config := clientConfig("a.example")
		config.NextProtos = protocols
		if _, err, serverErr := meet(config, c.TLS()); err == nil || serverErr == nil {
			t.Errorf("%q: let in", protocols)
		}
		config.Certificates = []tls.Certificate{issue("client")}
		state, err, _ := meet(config, c.TLS())
		if alone := len(protocols) == 1 && protocols[0] == acme.ALPNProto; (err == nil) == alone || state.NegotiatedProtocol == acme.ALPNProto {
			t.Errorf("%q with a certificate: %v, protocol %q", protocols, err, state.NegotiatedProtocol)
		}
	}
}

func TestNobodyElsesNamesAreAskedFor(t *testing.T) {
	s, asked := acmeServer(t)
	c, _ := open(t, acmeConfig(t, s, "a.example"))
	background(t, c)
	for end := time.Now().Add(patience); asked.Load() == 0 && time.Now().Before(end); { // polls, up to patience
		time.Sleep(time.Millisecond)
	}
	n := asked.Load()
	if _, err := c.acme.obtain(context.Background(), "b.example"); err == nil || !strings.Contains(err.Error(), "no configured domain") {
		t.Error(err)
	}
	if asked.Load() != n {
		t.Error("the ACME server was asked")
	}
}

func TestRefusalIsLoggedAndAskedAgainLater(t *testing.T) {
	s, asked := acmeServer(t)
	c, j := open(t, acmeConfig(t, s, "a.example"))
	background(t, c)
	var log string
	for end := time.Now().Add(patience); !strings.Contains(log, "no certificate obtained") && time.Now().Before(end); { // polls, up to patience
		log += j.take()
		time.Sleep(time.Millisecond)
	}
	for _, want := range []string{"not you", "status=403", "domain=a.example", "again_in=2m0s"} {
		if !strings.Contains(log, want) {
			t.Errorf("%q is not in %s", want, log)
		}
	}
	if asked.Load() == 0 {
		t.Error("nobody was asked")
	}
	if files, err := c.Reload(); files != 0 || err != nil {
		t.Errorf("reload: %d files, %v", files, err)
	}
}

// never is an ACME server that does not answer.
type never struct{ asked chan struct{} }

func (n never) RoundTrip(r *http.Request) (*http.Response, error) {
	n.asked <- struct{}{}
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestEndDoesNotWaitForTheACMEServer(t *testing.T) {
	silent := never{make(chan struct{}, 100)}
	c, j := open(t, Config{ACME: ACME{Domains: []string{"a.example", "b.example"}, CacheDir: t.TempDir(), Client: &http.Client{Transport: silent}}})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		c.Run(ctx)
		close(ended)
	}()
	<-silent.asked
	cancel()
	<-ended
	if log := j.take(); strings.Contains(log, "level=") {
		t.Errorf("log: %s", log)
	}
	request, err := http.NewRequest(http.MethodPost, "https://ca.example/", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.acme.transport.RoundTrip(request); !errors.Is(err, errStopped) {
		t.Errorf("after the end: %v", err)
	}
}

func TestObjections(t *testing.T) {
	for _, row := range []struct {
		status int
		body   string
		want   string
	}{
		{200, `{"status":"valid"}`, ""},
		{200, `-----BEGIN CERTIFICATE-----`, ""},
		{200, `{"status":"invalid","challenges":[{"type":"http-01"},{"type":"tls-alpn-01","error":{"detail":"timeout"}}]}`, "timeout"},
		{200, `{"status":"invalid","error":{"detail":"order broken"}}`, "order broken"},
		{200, `{"status":"pending","challenges":[{"error":{"detail":"an earlier try"}}]}`, ""},
		{400, `{"type":"urn:ietf:params:acme:error:badNonce","detail":"again"}`, ""},
		{429, `{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many","status":429}`, "too many"},
		{502, `<html>`, "Bad Gateway"},
		{200, `[1]`, ""},
		{200, ``, ""},
	} {
		if got := objection(row.status, []byte(row.body)); got != row.want {
			t.Errorf("%d %s: %q, want %q", row.status, row.body, got, row.want)
		}
	}
}
