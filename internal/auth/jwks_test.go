package auth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// jwk is the tests' public key for the algorithm, in the form of RFC 7517.
func jwk(algorithm, kid string) map[string]any {
	enc := base64.RawURLEncoding.EncodeToString
	m := map[string]any{"kid": kid, "alg": algorithm, "use": "sig"}
	switch p := privateKeys()[algorithm].Public().(type) {
	case *rsa.PublicKey:
		m["kty"], m["n"], m["e"] = "RSA", enc(p.N.Bytes()), "AQAB"
	case *ecdsa.PublicKey:
		point, _ := p.Bytes()
		half := (len(point) - 1) / 2
		m["kty"], m["crv"], m["x"], m["y"] = "EC", p.Curve.Params().Name, enc(point[1:1+half]), enc(point[1+half:])
	case ed25519.PublicKey:
		m["kty"], m["crv"], m["x"] = "OKP", "Ed25519", enc(p)
	}
	return m
}

func keySet(keys ...map[string]any) string { return asJSON(map[string]any{"keys": keys}) }

// issuer is a server of a key set that does as it is told.
type issuer struct {
	*httptest.Server
	requests atomic.Int64
	mu       sync.Mutex
	serve    http.HandlerFunc
}

func newIssuer(t *testing.T, body string) *issuer {
	i := &issuer{}
	i.say(body)
	i.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.requests.Add(1)
		i.mu.Lock()
		serve := i.serve
		i.mu.Unlock()
		serve(w, r)
	}))
	i.Config.ErrorLog = log.New(io.Discard, "", 0)
	i.StartTLS()
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) do(serve http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.serve = serve
}

func (i *issuer) say(body string) {
	i.do(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
}

func (i *issuer) config() Config {
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.Certificate().Raw})
	return Config{
		Issuer: "issuer", Audience: "wsedge", MaxTTL: 100 * time.Hour,
		JWKS: JWKS{URL: i.URL + "/keys", CertificatesPEM: string(certificate), AllowPrivate: true},
	}
}

// runAuth runs an Auth, and returns it with where its failures go.
func runAuth(t *testing.T, cfg Config, now func() time.Time) (*Auth, chan error) {
	a := newAuth(t, cfg, now)
	failures := make(chan error, 100)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.Run(ctx, func(err error) { failures <- err })
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return a, failures
}

// settle verifies, and waits where a key has to be fetched.
func settle(t *testing.T, a *Auth, token string) (*Identity, error) {
	t.Helper()
	type verdict struct {
		identity *Identity
		err      error
	}
	later := make(chan verdict, 2)
	identity, err := a.Verify(token, func(identity *Identity, err error) { later <- verdict{identity, err} })
	if !errors.Is(err, ErrPending) {
		return identity, err
	}
	select {
	case v := <-later:
		return v.identity, v.err
	case <-time.After(patience):
		t.Fatal("no verdict")
		return nil, nil
	}
}

func signAs(t *testing.T, algorithm, kid string) string {
	k := signingKey(algorithm)
	k.ID = kid
	token, err := k.Sign(good(map[string]any{"exp": start.Unix() + 300_000}))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// laterOf tells whether a refusal is no last word.
func laterOf(err error) bool {
	var refused *Error
	return errors.As(err, &refused) && refused.Later
}

// TestKeySet walks through the life of a key set: first keys, a flood of unknown ones, rotation, an outage, the end of what is stale.
func TestKeySet(t *testing.T) {
	clock := newClock()
	server := newIssuer(t, keySet(jwk("RS256", "r"), jwk("ES256", "e"), jwk("ES384", "f"), jwk("EdDSA", "d")))
	a, failures := runAuth(t, server.config(), clock.now)
	for _, k := range []struct{ algorithm, kid string }{{"RS256", "r"}, {"ES256", "e"}, {"ES384", "f"}, {"EdDSA", "d"}} {
		if _, err := settle(t, a, signAs(t, k.algorithm, k.kid)); err != nil {
			t.Errorf("%s: %v", k.algorithm, err)
		}
	}
	for i := range 1000 {
		if _, err := settle(t, a, signAs(t, "EdDSA", fmt.Sprint(i))); reasonOf(err) != ReasonUnknownKey {
			t.Fatalf("an unknown key: %v", err)
		} else if !laterOf(err) {
			t.Fatal("a key that may be new is refused for good")
		}
	}
	if n := server.requests.Load(); n != 1 {
		t.Errorf("a flood of unknown keys costs %d requests", n)
	}
	server.say(keySet(jwk("EdDSA", "new")))
	clock.add(fetchPause)
	var clients sync.WaitGroup
	for range 50 {
		clients.Go(func() {
			if _, err := settle(t, a, signAs(t, "EdDSA", "new")); err != nil {
				t.Errorf("after the rotation: %v", err)
			}
		})
	}
	clients.Wait()
	if n := server.requests.Load(); n != 2 {
		t.Errorf("50 clients with the new key cost %d requests", n-1)
	}
	if _, err := settle(t, a, signAs(t, "RS256", "r")); reasonOf(err) != ReasonUnknownKey {
		t.Errorf("a key that was taken back: %v", err)
	}
	clock.add(fetchPause)
	if _, err := settle(t, a, signAs(t, "EdDSA", "never")); reasonOf(err) != ReasonUnknownKey || laterOf(err) {
		t.Errorf("a key that the issuer does not have: %v", err)
	}
	server.do(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	clock.add(fetchPause)
	if _, err := settle(t, a, signAs(t, "EdDSA", "newer")); reasonOf(err) != ReasonUnknownKey || !laterOf(err) {
		t.Errorf("an unknown key in an outage: %v", err)
	}
	if err := <-failures; !strings.Contains(err.Error(), "502") {
		t.Error(err)
	}
	if _, err := settle(t, a, signAs(t, "EdDSA", "new")); err != nil {
		t.Errorf("the keys are gone in an outage: %v", err)
	}
	clock.add(24 * time.Hour)
	if _, err := settle(t, a, signAs(t, "EdDSA", "new")); !errors.Is(err, ErrUnavailable) {
		t.Errorf("keys a day old: %v", err)
	}
	if s := a.Stats(); s.KeyFetches < 4 || s.KeyFailures < 2 || s.Rejected[ReasonUnknownKey] != 1003 {
		t.Errorf("%+v", s)
	}
}

// TestMisbehavingIssuers: none of them gets a key in, or a request to somewhere else, and none takes long.
func TestMisbehavingIssuers(t *testing.T) {
	canary := newIssuer(t, keySet(jwk("EdDSA", "d")))
	valid := keySet(jwk("EdDSA", "d"))
	text := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", canary.URL)
			w.WriteHeader(code)
			_, _ = io.WriteString(w, valid)
		}
	}
	with := func(name string, value any) http.HandlerFunc {
		k := jwk("EdDSA", "d")
		k[name] = value
		return text(keySet(k))
	}
	many := make([]map[string]any, maxSetKeys+1)
	for i := range many {
		many[i] = jwk("EdDSA", fmt.Sprint("k", i))
	}
	for name, serve := range map[string]http.HandlerFunc{
		"redirect 301": status(301), "redirect 302": status(302), "redirect 307": status(307), "redirect 308": status(308), "status 201": status(201), "status 404": status(404), "status 500": status(500),
		"nothing": text(""), "html": text("<html>"), "array": text("[" + valid + "]"), "null": text("null"), "no keys": text(`{"keys":[]}`), "keys of a wrong kind": text(`{"keys":{}}`),
		"keys no objects": text(`{"keys":[1]}`), "two values": text(valid + valid), "duplicate names": text(`{"keys":[],` + valid[1:]), "too many keys": text(keySet(many...)),
		"two of one id": text(keySet(jwk("EdDSA", "d"), jwk("RS256", "d"))), "deep": text(strings.Repeat("[", 100_000)), "too large": text(valid + strings.Repeat(" ", maxSetBytes)),
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			for block := bytes.Repeat([]byte(" "), 64<<10); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		},
		"compressed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write([]byte{0x1f, 0x8b, 8})
		},
		"large head": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 32<<10))
			_, _ = io.WriteString(w, valid)
		},
		"hangs up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"cut short": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9999")
			text(valid)(w, nil)
		},
		"slow":      func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"symmetric": text(keySet(map[string]any{"kty": "oct", "kid": "d", "k": "c2VjcmV0", "alg": "HS256"})),
		"use enc":   with("use", "enc"), "use null": with("use", nil), "key_ops": with("key_ops", []string{"sign"}), "alg none": with("alg", "none"), "alg HS256": with("alg", "HS256"), "alg of a wrong kind": with("alg", 1),
		"curve": with("crv", "X25519"), "short x": with("x", "AAAA"), "padded x": with("x", "AAA="), "no kid": with("kid", ""), "long kid": with("kid", strings.Repeat("x", 129)),
		"off the curve": text(keySet(map[string]any{"kty": "EC", "crv": "P-256", "kid": "d", "x": strings.Repeat("A", 43), "y": strings.Repeat("A", 43)})),
		"small RSA":     text(keySet(map[string]any{"kty": "RSA", "kid": "d", "n": strings.Repeat("_", 128), "e": "AQAB"})),
		"huge RSA":      text(keySet(map[string]any{"kty": "RSA", "kid": "d", "n": strings.Repeat("_", 4000), "e": "AQAB"})),
		"RSA by one":    text(keySet(map[string]any{"kty": "RSA", "kid": "d", "n": jwk("RS256", "d")["n"], "e": "AQ"})),
		"RSA huge e":    text(keySet(map[string]any{"kty": "RSA", "kid": "d", "n": jwk("RS256", "d")["n"], "e": "_____w"})),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newIssuer(t, "")
			server.do(serve)
			a, failures := runAuth(t, server.config(), newClock().now)
			if identity, err := settle(t, a, signAs(t, "EdDSA", "d")); !errors.Is(err, ErrUnavailable) {
				t.Errorf("%+v, %v", identity, err)
			}
			select {
			case err := <-failures:
				if err == nil {
					t.Error("no failure is reported")
				}
			case <-time.After(patience):
				t.Error("no failure is reported")
			}
		})
	}
	t.Cleanup(func() {
		if n := canary.requests.Load(); n != 0 {
			t.Errorf("%d requests went where a redirect led", n)
		}
	})
}

func TestUnusableKeysAreLeftOut(t *testing.T) {
	server := newIssuer(t, keySet(map[string]any{"kty": "oct", "kid": "x", "k": "AAAA"}, map[string]any{"kty": "future"}, map[string]any{}, jwk("ES256", "e")))
	a, _ := runAuth(t, server.config(), newClock().now)
	if _, err := settle(t, a, signAs(t, "ES256", "e")); err != nil {
		t.Error(err)
	}
}

// TestKeySetWithoutTrust: neither a certificate of somebody unknown nor an address of the internal network is good by default.
func TestKeySetWithoutTrust(t *testing.T) {
	server := newIssuer(t, keySet(jwk("EdDSA", "d")))
	untrusted, private := server.config(), server.config()
	untrusted.JWKS.CertificatesPEM = ""
	private.JWKS.AllowPrivate = false
	named := private
	named.JWKS.URL = strings.Replace(named.JWKS.URL, "127.0.0.1", "localhost", 1)
	for name, cfg := range map[string]Config{"certificate": untrusted, "address": private, "name": named} {
		a, failures := runAuth(t, cfg, newClock().now)
		if _, err := settle(t, a, signAs(t, "EdDSA", "d")); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
		if err := <-failures; name != "certificate" && !errors.Is(err, errAddress) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := server.requests.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestKeySetURLs(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://issuer.example/keys": true, "https://issuer.example:8443/a?b=c": true, "http://issuer.example/": false, "file:///etc/passwd": false, "https://": false, "https:///keys": false,
		"https://user:pw@issuer.example/": false, "https://user@issuer.example/": false, "ftp://issuer.example/": false, "issuer.example": false, "https://issuer.example/#x": false, "//issuer.example": false,
	} {
		if err := (Config{Issuer: "i", JWKS: JWKS{URL: url}}).Check(); (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	for text, want := range map[string]string{ // n: never, p: where private ones are allowed, a: always
		"127.0.0.1": "p", "10.1.2.3": "p", "192.168.0.1": "p", "172.31.0.1": "p", "172.32.0.1": "a", "100.64.0.1": "p", "::1": "p", "fd00::1": "p", "fd00:ec2::254": "n", "::ffff:127.0.0.1": "p",
		"169.254.169.254": "n", "::ffff:169.254.169.254": "n", "0.0.0.0": "n", "::": "n", "224.0.0.1": "n", "255.255.255.255": "n", "fe80::1": "n", "fe80::1%lo": "n", "ff02::1": "n",
		"64:ff9b::a9fe:a9fe": "n", "2002:a9fe:a9fe::1": "n", "8.8.8.8": "a", "2606:4700::1": "a", "192.0.0.192": "p", "198.18.0.1": "p",
	} {
		addr, got := netip.MustParseAddr(text), "n"
		if allowed(addr, true) {
			got = "p"
		}
		if allowed(addr, false) {
			got = "a"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if allowed(netip.Addr{}, true) {
		t.Error("no address is allowed")
	}
}

// TestKeysInHeadersAreNotFetched: a token's own idea of where its key is buys it no request.
func TestKeysInHeadersAreNotFetched(t *testing.T) {
	canary := newIssuer(t, keySet(jwk("EdDSA", "d")))
	a, _ := runAuth(t, testConfig(t), newClock().now)
	for _, member := range []string{"jku", "x5u", "iss", "kid"} {
		header := asJSON(map[string]any{"alg": "HS256", member: canary.URL})
		if _, err := settle(t, a, forge(header, asJSON(good(map[string]any{"iss": canary.URL})), secret)); err == nil {
			t.Errorf("%s: accepted", member)
		}
	}
	if n := canary.requests.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestWaitingIsBounded: only so many tokens are held for a fetch, and all have their verdict when it ends.
func TestWaitingIsBounded(t *testing.T) {
	release := make(chan struct{})
	server := newIssuer(t, "")
	server.do(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		_, _ = io.WriteString(w, keySet(jwk("EdDSA", "d")))
	})
	a := newAuth(t, server.config(), newClock().now)
	token := signAs(t, "EdDSA", "d")
	verdicts := make(chan error, maxWaiting+1)
	for i := range maxWaiting + 1 {
		_, err := a.Verify(token, func(_ *Identity, err error) { verdicts <- err })
		if want := map[bool]error{true: ErrPending, false: ErrUnavailable}[i < maxWaiting]; !errors.Is(err, want) {
			t.Fatalf("token %d: %v", i, err)
		}
	}
	close(release)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.Run(ctx, func(err error) { t.Error(err) })
	}()
	for range maxWaiting {
		if err := <-verdicts; err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	<-ended
	if _, err := a.VerifyNow(signAs(t, "EdDSA", "other")); reasonOf(err) != ReasonUnknownKey {
		t.Errorf("after the end: %v", err)
	}
}

func FuzzKeySet(f *testing.F) {
	f.Add(keySet(jwk("RS256", "r"), jwk("ES256", "e"), jwk("EdDSA", "d")))
	f.Add(`{"keys":[{}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		ring, err := parseKeySet([]byte(body))
		if (err == nil) != (len(ring) > 0) || len(ring) > maxSetKeys {
			t.Fatalf("%d keys, %v", len(ring), err)
		}
		for kid, k := range ring {
			if secretAlgorithms[k.algorithm] || kid == "" || suits(k.algorithm, k.material) != nil {
				t.Fatalf("%q: %+v", kid, k)
			}
		}
	})
}
