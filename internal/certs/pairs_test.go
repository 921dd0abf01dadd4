package certs

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"strings"
	"testing"
	"time"
)

func issue(names ...string) tls.Certificate {
	return authority.IssueFor(time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour), names...)
}

func TestNameChoosesTheCertificate(t *testing.T) {
	f := newFiles(t)
	first, wild := issue("first.example"), issue("*.wild.example", "wild.example")
	exact, upper := issue("exact.wild.example"), issue("Upper.Example")
	c, _ := open(t, Config{Pairs: []Pair{f.pair("1", first), f.pair("2", wild), f.pair("3", exact), f.pair("4", upper)}})
	for _, row := range []struct {
		name string
		want tls.Certificate
	}{
		{"first.example", first},
		{"FIRST.example", first},
		{"wild.example", wild},
		{"a.wild.example", wild},
		{"A.Wild.Example", wild},
		{"a.b.wild.example", first}, // one label, not two
		{"exact.wild.example", exact},
		{"a.exact.wild.example", first},
		{"upper.example", upper},
		{"unknown.example", first},
		{"example", first},
		{"", first},
		{".wild.example", wild}, // no valid name; what is served matters to nobody
	} {
		if got := c.current.Load().pairs.find(&tls.ClientHelloInfo{ServerName: row.name}); !got.Leaf.Equal(row.want.Leaf) {
			t.Errorf("%q got %v", row.name, got.Leaf.DNSNames)
		}
	}
	config := c.TLS()
	if got := served(t, config, "b.wild.example"); got != serial(wild) {
		t.Errorf("in a handshake: %s", got)
	}
	if got := served(t, config, "other.example"); got != serial(first) {
		t.Errorf("in a handshake: %s", got)
	}
	if got := served(t, config, ""); got != serial(first) {
		t.Errorf("in a handshake without a name: %s", got)
	}
}

// rsaCertificate makes one that signs itself.
func rsaCertificate(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(42), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func TestOfTwoKindsTheClientGetsTheOneItSupports(t *testing.T) {
	f := newFiles(t)
	pairs := []Pair{f.pair("ecdsa", issue("both.example")), f.pair("rsa", rsaCertificate(t, "both.example"))}
	c, _ := open(t, Config{Pairs: pairs})
	for _, row := range []struct {
		suite uint16
		ecdsa bool
	}{
		{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, true},
		{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, false},
	} {
		client := &tls.Config{ServerName: "both.example", InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{row.suite}}
		state, err, _ := meet(client, c.TLS())
		if err != nil {
			t.Fatal(err)
		}
		if _, ecdsa := state.PeerCertificates[0].PublicKey.(*ecdsa.PublicKey); ecdsa != row.ecdsa {
			t.Errorf("%s: got a key of %T", tls.CipherSuiteName(row.suite), state.PeerCertificates[0].PublicKey)
		}
	}
}

func TestWhatIsWrongWithFilesIsSaid(t *testing.T) {
	f := newFiles(t)
	a, b := f.pair("a", issue("a.example")), f.pair("b", issue("b.example"))
	junk := f.put("junk.pem", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	empty := f.put("empty.pem", nil)
	good := f.put("ca.pem", authority.PEM())
	half := f.put("half.pem", append(authority.PEM(), "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n"...))
	for _, row := range []struct {
		name  string
		pairs []Pair
		ca    string
		want  []string // "" if nothing is wrong
	}{
		{"good", []Pair{a, b}, good, nil},
		{"missing", []Pair{{f.path("no.pem"), f.path("no.key")}}, "", []string{"no.pem", "no.key", "no such file"}},
		{"mismatch", []Pair{{a.CertFile, b.KeyFile}}, "", []string{"a.pem", "b.key", "does not match"}},
		{"swapped", []Pair{{a.KeyFile, a.CertFile}}, "", []string{"a.key", "switched"}},
		{"junk", []Pair{{junk, a.KeyFile}}, "", []string{"junk.pem", "malformed"}},
		{"empty", []Pair{{empty, a.KeyFile}}, "", []string{"empty.pem", "failed to find"}},
		{"all together", []Pair{{empty, a.KeyFile}, a, {junk, a.KeyFile}}, f.path("no-ca.pem"), []string{"empty.pem", "junk.pem", "no-ca.pem"}},
		{"no authority", []Pair{a}, empty, []string{"empty.pem", "at least one"}},
		{"junk authority", []Pair{a}, junk, []string{"junk.pem", "certificate 1"}},
		{"half an authority", []Pair{a}, half, []string{"half.pem", "1 certificates can be read of 2"}},
		{"key as authority", []Pair{a}, a.KeyFile, []string{"a.key", "PRIVATE KEY"}},
	} {
		_, err := Open(Config{Pairs: row.pairs, ClientCA: row.ca, Logger: (&journal{}).logger()})
		if (err == nil) != (row.want == nil) {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		for _, want := range row.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in %q", row.name, want, err)
			}
		}
	}
}

func TestWhatIsNotValidForLongIsLogged(t *testing.T) {
	f := newFiles(t)
	now, day := time.Now(), 24*time.Hour
	for _, row := range []struct {
		from, to time.Time
		want     string
	}{
		{now.Add(-day), now.Add(80 * day), ""},
		{now.Add(-80 * day), now.Add(6 * day), "expires soon"},
		{now.Add(-5 * day), now.Add(day / 2), "expires soon"},
		{now.Add(-day), now.Add(5 * day), ""}, // one of six days
		{now.Add(-9 * day), now.Add(-day), "has expired"},
		{now.Add(day), now.Add(90 * day), "not valid yet"},
	} {
		cert := authority.IssueFor(row.from, row.to, "a.example")
		c, j := open(t, Config{Pairs: []Pair{f.pair("a", cert)}})
		log := j.take()
		if !strings.Contains(log, "certificate loaded") || !strings.Contains(log, serial(cert)) {
			t.Errorf("log: %s", log)
		}
		if strings.Contains(log, "level=WARN") != (row.want != "") || !strings.Contains(log, row.want) {
			t.Errorf("from %v to %v: want %q in %s", row.from, row.to, row.want, log)
		}
		if got := served(t, c.TLS(), "a.example"); got != serial(cert) {
			t.Errorf("%s: served %s", row.want, got)
		}
	}
}
