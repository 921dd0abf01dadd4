package certs

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"
)

func TestClientsProveWhoTheyAre(t *testing.T) {
	f := newFiles(t)
	c, _ := open(t, Config{Pairs: []Pair{f.pair("a", issue("localhost"))}, ClientCA: f.put("ca.pem", authority.PEM())})
	now := time.Now()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, row := range []struct {
			name string
			cert *tls.Certificate
			want string // "": let in
		}{
			{"right", ptr(issue("client")), ""},
			{"none", nil, "didn't provide a certificate"},
			{"of another authority", ptr(foreigners.Issue("client")), "unknown authority"},
			{"expired", ptr(authority.IssueFor(now.Add(-2*time.Hour), now.Add(-time.Hour), "client")), "expired"},
		} {
			config := clientConfig("localhost")
			config.MaxVersion = version
			if row.cert != nil {
				config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return row.cert, nil }
			}
			_, clientErr, err := meet(config, c.TLS())
			if row.want == "" && (err != nil || clientErr != nil) {
				t.Errorf("%s: %v, %v", row.name, err, clientErr)
			}
			if row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want) || clientErr == nil) {
				t.Errorf("%s: %v, %v", row.name, err, clientErr)
			}
		}
	}
}

func ptr[T any](v T) *T { return &v }

func TestAuthoritiesAreReloaded(t *testing.T) {
	f := newFiles(t)
	c, _ := open(t, Config{Pairs: []Pair{f.pair("a", issue("localhost"))}, ClientCA: f.put("ca.pem", authority.PEM())})
	server := c.TLS()
	ours, theirs := clientConfig("localhost"), clientConfig("localhost")
	ours.Certificates = []tls.Certificate{issue("client")}
	ours.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	theirs.Certificates = []tls.Certificate{foreigners.Issue("client")}
	if _, err, _ := meet(ours, server); err != nil {
		t.Fatal(err)
	}
	if _, err, _ := meet(theirs, server); err == nil {
		t.Fatal("a foreign client was let in")
	}
	f.put("ca.pem", foreigners.PEM())
	if _, err := c.Reload(); err != nil {
		t.Fatal(err)
	}
	if _, err, _ := meet(theirs, server); err != nil {
		t.Errorf("the new authority's client: %v", err)
	}
	// It has a ticket from before, which must not help.
	if _, err, _ := meet(ours, server); err == nil {
		t.Error("a client of an authority that is trusted no more was let in")
	}
}

func TestSocketsOfClientsThatProveWhoTheyAre(t *testing.T) {
	for _, compact := range []bool{false, true} {
		f := newFiles(t)
		c, _ := open(t, Config{Pairs: []Pair{f.pair("a", issue("localhost"))}, ClientCA: f.put("ca.pem", authority.PEM())})
		s := listen(t, c, compact)
		config := clientConfig("localhost")
		config.Certificates = []tls.Certificate{issue("client")}
		so := dialSocket(t, s, config)
		so.echo("hello")
		f.put("ca.pem", foreigners.PEM())
		if _, err := c.Reload(); err != nil {
			t.Fatal(err)
		}
		so.echo("still here")
		conn, err := tls.Dial("tcp", s.Addr().String(), config)
		if err == nil { // TLS 1.3: the server judges later
			_ = conn.SetDeadline(time.Now().Add(patience))
			_, err = conn.Read(make([]byte, 1))
			conn.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "unknown certificate authority") {
			t.Errorf("got %v", err)
		}
	}
}

func TestLeastVersion(t *testing.T) {
	f := newFiles(t)
	c, _ := open(t, Config{Pairs: []Pair{f.pair("a", issue("localhost"))}, MinVersion: tls.VersionTLS13})
	config := clientConfig("localhost")
	if _, err, _ := meet(config, c.TLS()); err != nil {
		t.Error(err)
	}
	config.MaxVersion = tls.VersionTLS12
	if _, err, _ := meet(config, c.TLS()); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.2: %v", err)
	}
}
